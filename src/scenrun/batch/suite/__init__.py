"""Scenario tests, for `scenrun test` and pytest: discovery, execution in processes, verdicts, and reports."""
