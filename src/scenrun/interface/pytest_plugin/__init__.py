"""Scenario files as tests of pytest, and the fixture `scenario` for tests in Python."""
