"""Runs a program on the standard library's own threads, locks, events and queues."""
