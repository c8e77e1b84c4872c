"""What a search of code tells: results, stories by lines of source, schedules by name, and their replay."""
