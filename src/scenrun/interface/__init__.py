"""Who asks: the command line, pytest, and the reference that is written from the same tables."""
