"""A schedule of moves made again, on real threads or in virtual time."""
