"""From a Scenario to a Program: names to cells, sugar to instructions."""
