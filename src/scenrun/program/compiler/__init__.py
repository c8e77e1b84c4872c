"""Compiles a Scenario to a Program: resolves names to cells and lowers steps and expressions to instructions."""
