"""Searches the schedules of a program: finds bugs, explains them, or proves that there are none."""
