"""States and transitions: which steps are enabled in a state, and what each does; moves and schedules as files."""
