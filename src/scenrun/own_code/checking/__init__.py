"""Is a class thread-safe? Its operations, programs of a few calls, the search of each, and what came of it."""
