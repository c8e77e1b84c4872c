"""Which steps of its file the simulated cells of a sweep come to, and in how many of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scenrun.api import simulate
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.program.reached import Reached, StepOfFile, logged_steps


def reached_by_cells(sweep_plan: SweepPlan) -> Reached:
    """Simulate each cell, one after another, and count those in which a thread comes to a step.

    Steps that only compute and decide have no lines in a log, and are not counted.
    """
    job = sweep_plan.job
    known = logged_steps(job.load().program)
    counts: Counter[StepOfFile] = Counter()
    cells = 0
    for cell in sweep_plan.grid.cells():
        came: set[StepOfFile] = set()
        simulate(job.load(cell.parameters.items()), seed=cell.seed, level="debug", log=_noting(came), **job.options)
        counts.update(came)
        cells += 1
    steps = sorted(known | set(counts))
    return Reached(
        "simulated cell", cells, {step: counts[step] for step in steps},
        not_yet=tuple(step for step in steps if not counts[step]), text=job.text,
    )  # fmt: skip


def _noting(came: set[StepOfFile]) -> Any:
    def note(event: dict[str, Any]) -> None:
        if "step" in event and "line" in event:
            came.add(StepOfFile(event["line"], event["step"]))

    return note
