"""From a scenario to a program: names to cells, steps to instructions."""
