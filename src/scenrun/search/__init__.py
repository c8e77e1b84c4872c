"""Searches the schedules of a program: finds what can go wrong, tells how, or proves that nothing can."""
