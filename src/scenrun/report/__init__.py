"""Output for people: the console log, result summaries, tables, diagrams, timelines, pages and exports."""
