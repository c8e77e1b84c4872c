"""From a Scenario to a Program: names to cells, sugar to instructions."""

from scenrun.program.compiler.compiler import compile_scenario

__all__ = ["compile_scenario"]
