"""Scheduling policies of the simulator, one in each file, and their registry."""
