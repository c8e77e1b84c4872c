"""Makes the moves of a schedule again, on real threads or in virtual time."""
