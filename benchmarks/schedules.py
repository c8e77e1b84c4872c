"""Schedules per second of every strategy that walks one after another, and what a second process adds."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from measuring import SCENARIOS, Goal, Table, at_least, main

import scenrun
from scenrun.program.ir import Program
from scenrun.search.strategies.campaign import run_campaign
from scenrun.search.strategies.registry import STRATEGIES

ROOT = Path(__file__).parent.parent
LOST_UPDATE = ROOT / "scenarios/lost_update.yaml"
BUFFER = SCENARIOS / "schedules_buffer.yaml"


def rate(program: Program, seconds: float, strategy: str = "random", jobs: int = 1) -> tuple[float, float]:
    """Schedules per second, and steps of a schedule; a strategy that is through sooner begins again."""
    schedules, steps, spent = 0, 0, 0.0
    while spent < seconds:
        found = run_campaign(program, strategy=strategy, seconds=seconds - spent, jobs=jobs)
        schedules, steps, spent = schedules + found.schedules, steps + found.steps, spent + found.seconds
    return schedules / spent, steps / schedules


def measure(quick: bool) -> Table:
    """The table of all strategies, in one process."""
    seconds, rounds = (1.0, 1) if quick else (2.0, 3)
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for path, wanted in ((LOST_UPDATE, 100_000), (BUFFER, 15_000)):
        program = scenrun.load(path).program
        for strategy in STRATEGIES:
            found: list[Any] = [rate(program, seconds, strategy) for _ in range(rounds)]
            speed, steps = median(one[0] for one in found), found[0][1]
            rows.append((path.stem, strategy, f"{steps:.1f}", f"{speed:,.0f}"))
            if strategy == "random":
                goals.append(Goal(f"{path.stem}: random >= {wanted:,}/s", f"{speed:,.0f}/s", speed >= wanted))
    return Table("Schedules, one process", ("scenario", "strategy", "steps", "schedules/s"), rows, goals)


def measure_jobs(quick: bool) -> Table:
    """The table of one process and two."""
    seconds, rounds = (1.0, 3) if quick else (3.0, 5)
    program = scenrun.load(BUFFER).program
    pairs = [(rate(program, seconds)[0], rate(program, seconds, jobs=2)[0]) for _ in range(rounds)]
    ratio = median(two / one for one, two in pairs)
    rows = [(f"{n}", f"{median(pair[n - 1] for pair in pairs):,.0f}") for n in (1, 2)]
    return Table("Random schedules by processes", ("jobs", "schedules/s"), rows, [at_least("two / one", ratio, 1.7)])


if __name__ == "__main__":
    main(measure, measure_jobs)
