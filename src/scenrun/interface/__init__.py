"""Who asks: the command line, pytest, and the reference that is generated from the same tables."""
