"""States by the hundred thousand at a time: the breadth-first search and what its space shows, in numpy arrays."""
