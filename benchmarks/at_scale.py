"""Searches of many states and of many threads: what they take, beside the search one by one, and beside SPIN where it is there.

Rates are of the processor, as other work on the machine changes them less; the memory is the process's. Philosophers, who eat
for ever, have three times as many states with each seat.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import Any

from exploring import PHILOSOPHERS, Took, has_spin, many, ours, row, seats, spin
from measuring import HERE, SCENARIOS, Goal, Table, interleaved, main

KINDS, STAGES = SCENARIOS / "scale_two_kinds.yaml", SCENARIOS / "scale_two_stages.yaml"
COLUMNS = ("", "states", "wall s", "cpu s", "states/s")


def arrays(quick: bool) -> Table:
    """Eleven philosophers: all states, in arrays and one by one."""
    contenders = {
        "scenrun, as it chooses": ours(PHILOSOPHERS, "search", "-", *seats(11)),
        "scenrun, in arrays": ours(PHILOSOPHERS, "arrays", "-", *seats(11)),
        "scenrun, one by one": ours(PHILOSOPHERS, "one", "-", *seats(11)),
    }
    if has_spin():
        contenders["SPIN, ten philosophers, unreduced"] = spin("philosophers", "-DNOREDUCE")
    found = interleaved(contenders, 3 if quick else 9)
    rates = {name: median(each.rate or 0 for each in took) for name, took in found.items()}
    times = rates["scenrun, in arrays"] / rates["scenrun, one by one"]
    goals = [many("times the rate one by one", times, 6)]
    if "SPIN, ten philosophers, unreduced" in rates:
        pan = rates["SPIN, ten philosophers, unreduced"]
        goals.append(many("times the rate of SPIN's ./pan", rates["scenrun, in arrays"] / pan, 1))
    same = len({took[0].count for name, took in found.items() if "SPIN" not in name}) == 1
    goals.append(Goal("the same states", "yes" if same else "no", same))
    return Table("Eleven philosophers, all states", COLUMNS, [row(name, took) for name, took in found.items()], goals)


def large(quick: bool) -> Table:
    """Spaces of millions of states: everything that `scenrun explore` does, and its memory."""
    rows, goals = [], []
    for number, most_mb in ((13, 200),) if quick else ((13, 200), (15, 1_000)):
        said = _peak(str(PHILOSOPHERS), "whole" if number == 13 else "search", "off", *seats(number))
        rows.append((f"{number} philosophers", f"{said['states']:,}", f"{said['wall_s']:.1f}", f"{said['mb']:.0f}"))
        goals.append(Goal(f"MB of {number} philosophers <= {most_mb:,}", f"{said['mb']:.0f}", said["mb"] <= most_mb))
    return Table("Philosophers by the million", ("", "states", "wall s", "MB"), rows, goals)


def threads(quick: bool) -> Table:
    """Twenty threads and a hundred: the first finding with its story, and all states where they close."""
    several: dict[str, list[Any]] = {
        "10 setters, 10 checkers: first": [KINDS, "told"],
        "10 setters, 10 checkers: all": [KINDS, "whole"],
        "99 setters, 1 checker: first": [KINDS, "told", "threads.setter.count=99", "threads.checker.count=1"],
        "two stages, 10 + 10: first": [STAGES, "told"],
        "two stages, 10 + 10: all": [STAGES, "whole"],
        "two stages, 99 + 1: first": [STAGES, "told", "threads.first.count=99", "threads.second.count=1"],
    }
    found: dict[str, list[Took]] = {}
    for name, (path, way, *settings) in several.items():
        found[name] = [ours(path, way, "auto", *settings)() for _ in range(1 if quick else 3)]
    is_told = all(took.said["verdict"] == "violated" for each in found.values() for took in each)
    goal = Goal("every one is violated", "yes" if is_told else "no", is_told)
    return Table("Many threads", COLUMNS, [row(name, took) for name, took in found.items()], [goal])


def _peak(*arguments: str) -> dict[str, Any]:
    """What a way of exploring printed, with the most memory that its process had."""
    code = (
        "import resource, runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__'); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == 'darwin' else 1 << 10))"
    )
    command = [sys.executable, "-c", code, str(HERE / "explored.py"), *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {**json.loads(printed[0]), "mb": float(printed[1])}


if __name__ == "__main__":
    main(arrays, large, threads)
