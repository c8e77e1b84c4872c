"""What the studio does with a text, each time in a process of its own; messages tell of it."""
