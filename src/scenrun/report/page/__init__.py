"""One self-contained page that shows a run: a timeline, the scenario's text, its lines, and a player of its steps."""
