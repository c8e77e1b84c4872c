"""How much a second, of the run itself: the time for nothing to do is taken off, for every contender alike."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from measuring import interleaved, spend

Command = Callable[[int], list[str]]
"""The command line that does so many."""


def rates(contenders: dict[str, Command], count: int, times: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """For each contender, its rate in every round, and how long it takes to do nothing."""
    found = interleaved(
        {name: lambda c=c: (spend(c(0)).wall_s, spend(c(count)).wall_s) for name, c in contenders.items()}, times
    )
    idle = {name: median(none for none, _ in rounds) for name, rounds in found.items()}
    return {name: [count / (whole - idle[name]) for _, whole in rounds] for name, rounds in found.items()}, idle
