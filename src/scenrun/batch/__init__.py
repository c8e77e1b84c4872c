"""Batches of runs: sweeps over parameters, and suites of scenario tests."""
