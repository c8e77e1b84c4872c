"""Scenarios as tests, for `scenrun test` and for pytest: which files are some, in which ways each is run, how it is judged."""
