"""Searches one schedule after another, each a policy of its own, for scenarios with too many states to store."""
