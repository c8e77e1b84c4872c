"""Who drives a program: real threads here, a simulator and replay to come."""
