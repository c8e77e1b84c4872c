"""The log: every event, how lines are written, and how they are read again."""
