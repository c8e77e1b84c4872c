"""What people read: the terminal, and what is said of a result."""
