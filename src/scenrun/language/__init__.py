"""What a scenario file may say: its text, its words, its values."""
