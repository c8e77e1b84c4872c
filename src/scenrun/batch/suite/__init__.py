"""Scenarios as tests, for `scenrun test` and for pytest: discovery, ways, verdicts, a table, JUnit XML."""
