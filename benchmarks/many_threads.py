"""Ten thousand threads that sleep at the same time: how long until all have started and ended, and how much memory."""

from __future__ import annotations

from statistics import median

from measuring import Spent, Table, at_most, interleaved, main, peer, scenario, spend

SLEEP_S = 3


def measure(quick: bool) -> Table:
    """The table."""
    count = 10_000
    contenders = {
        "scenrun": lambda: spend(scenario("sleepers", "--log", "/dev/null")),
        "bare script": lambda: spend(peer("sleepers_bare", count, SLEEP_S)),
    }
    found: dict[str, list[Spent]] = interleaved(contenders, 1 if quick else 3)
    rows = [(name, f"{_wall(each):.2f}", f"{_peak(each):.0f}") for name, each in found.items()]
    goals = [
        at_most("whole", _wall(found["scenrun"]), 10, "s"),
        at_most("peak memory", _peak(found["scenrun"]), 400, "MB"),
    ]
    return Table(f"{count:,} threads that each sleep {SLEEP_S} s", ("", "whole s", "peak MB"), rows, goals)


def _wall(found: list[Spent]) -> float:
    return median(one.wall_s for one in found)


def _peak(found: list[Spent]) -> float:
    return median(one.peak_mb for one in found)


if __name__ == "__main__":
    main(measure)
