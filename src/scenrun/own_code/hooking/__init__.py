"""Compiles the user's modules with hooks, and what the hooks announce: accesses, calls, loops, places of switches."""
