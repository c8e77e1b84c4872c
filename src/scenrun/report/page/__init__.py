"""The self-contained HTML page of a run: a timeline, the scenario's text, its lines, and a player of its steps."""
