"""The pytest plugin: scenario files as tests, and the fixture `scenario` for tests in Python."""
