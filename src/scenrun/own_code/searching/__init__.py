"""Searches the schedules of code: executions as strategies see them, walks, and the searches of functions and of scenarios."""
