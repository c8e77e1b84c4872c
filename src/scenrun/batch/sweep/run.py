"""Runs the cells of a plan that have no row yet, and keeps each row as it comes; a signal or an error loses none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from scenrun.batch.sweep.cell import Row
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.record import Record
from scenrun.batch.sweep.workers import Crew, LocalProcesses, Measure, measure_batch
from scenrun.errors import UsageError
from scenrun.language.suggestions import did_you_mean
from scenrun.workers.processes import cpus


@dataclass(frozen=True, slots=True)
class Backend:
    """What a sweep is run with; the rows do not depend on it."""

    jobs: int
    make: Callable[[int], Executor] = LocalProcesses
    looking: Callable[[], None] = lambda: None
    """Called every now and then; what it raises ends the sweep."""
    came: Callable[[Row], None] = lambda row: None
    """Called with each new row, once it is kept."""
    measure: Measure = measure_batch
    """What is done with a batch of cells where it is run."""
    beside: int | None = None
    """How many of the jobs are on one machine at the most; None for all."""


@contextmanager
def means_for(how: str, jobs: int | None, cluster: str | None) -> Iterator[Backend]:
    """Local processes, or the workers of the cluster at an address. Raises UsageError."""
    if cluster is None:
        yield Backend(jobs_for(how, jobs))
        return
    from scenrun.batch.sweep.cell_process import measure_apart
    from scenrun.workers.cluster import Cluster

    if jobs is not None:
        raise UsageError("a number of jobs has no effect with a cluster, which runs as many cells as it has threads")
    found = Cluster(cluster)
    try:
        yield Backend(
            found.jobs, lambda jobs: found.executor(), found.look, measure=measure_apart, beside=found.most_on_a_machine
        )
    finally:
        found.close()


def jobs_for(how: str, jobs: int | None) -> int:
    """How many cells at a time: all processors that there are, but real runs one after another."""
    if jobs is not None:
        return jobs
    if how == "run":
        return 1
    return cpus()


def run_missing(plan: SweepPlan, record: Record, means: Backend, shown: Sequence[str] = ()) -> None:
    """Run what has no row. Raises UsageError where a figure that is to be shown is none of the cells'."""
    missing = (cell for cell in plan.grid.cells() if not record.has(cell.number))
    job = replace(plan.job, beside=means.beside or means.jobs)
    crew = Crew(job, means.jobs, means.make, means.looking, means.measure)
    with closing(crew.rows(missing)) as rows:
        is_checked = not shown
        for row in rows:
            record.add(row)
            means.came(row)
            if not is_checked and row["figures"]:
                check_figures(shown, row["figures"])
                is_checked = True


def check_figures(shown: Sequence[str], figures: dict[str, Any]) -> None:
    """Refuse figures that cells do not have."""

    numbers = [name for name, value in figures.items() if not isinstance(value, str)]
    for name in shown:
        if name not in numbers:
            hint = did_you_mean(name, numbers)
            raise UsageError(f"no cell has a figure `{name}`{hint}; there are {', '.join(numbers)}")


def default_figures(plan: SweepPlan, figures: dict[str, Any] | None) -> tuple[str, ...]:
    """What is shown unless the user says it: states, the throughput of the first queue, or how long a run took."""
    if plan.job.how == "explore":
        return ("states",)
    rates = [name for name in figures or () if name.endswith(".gets_per_s")]
    return (rates[0] if rates else "elapsed_s",)
