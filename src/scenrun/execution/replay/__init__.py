"""Replays a schedule of moves, on real threads or in virtual time."""
