"""Search strategies that walk one schedule after another, for scenarios with too many states to store."""
