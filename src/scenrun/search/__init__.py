"""Searches the schedules of a program: finds faults and a schedule that shows each, or proves that there are none."""
