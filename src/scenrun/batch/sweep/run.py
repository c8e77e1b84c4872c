"""Runs the cells of a plan that have no row yet, and records each row at once, so that signals and errors lose none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from scenrun.batch.sweep.batches import Batches, BatchRunner
from scenrun.batch.sweep.cell import Job, Row
from scenrun.batch.sweep.grid import Cell
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.record import Record
from scenrun.errors import UsageError
from scenrun.language.suggestions import did_you_mean
from scenrun.workers.pool import OnExecutor, Pool, Processes
from scenrun.workers.processes import cpus


@dataclass(frozen=True, slots=True)
class Backend:
    """The means of running a sweep; the rows do not depend on them."""

    jobs: int
    pool: Callable[[Job], Pool[list[Cell], list[Row]]]
    """Makes the workers, `jobs` of them."""
    looking: Callable[[], None] = lambda: None
    """Called several times a second; what it raises ends the sweep."""
    came: Callable[[Row], None] = lambda row: None
    """Called with each new row, after it is recorded."""
    beside: int | None = None
    """The most jobs on one machine; None for all of them."""


@contextmanager
def means_for(how: str, jobs: int | None, cluster: str | None) -> Iterator[Backend]:
    """Local processes, or the workers of the cluster at an address. Raises UsageError."""
    if cluster is None:
        count = jobs_for(how, jobs)
        yield Backend(count, lambda job: Processes(partial(BatchRunner, job), count))
        return
    from scenrun.batch.sweep.cell_process import BatchRunnerApart
    from scenrun.workers.cluster import Cluster

    if jobs is not None:
        raise UsageError("a number of jobs has no effect with a cluster, which runs as many cells as it has threads")
    found = Cluster(cluster)
    try:
        yield Backend(
            found.jobs, lambda job: OnExecutor(found.executor, partial(BatchRunnerApart, job), found.jobs),
            beside=found.most_on_a_machine,
        )  # fmt: skip
    finally:
        found.close()


def jobs_for(how: str, jobs: int | None) -> int:
    """The number of cells at a time: `jobs`, or all processors, but 1 for real runs."""
    if jobs is not None:
        return jobs
    if how == "run":
        return 1
    return cpus()


def run_missing(plan: SweepPlan, record: Record, means: Backend, shown: Sequence[str] = ()) -> None:
    """Runs the cells without a row. Raises UsageError if a figure in `shown` is none of the cells'."""
    missing = (cell for cell in plan.grid.cells() if not record.has(cell.number))
    job = replace(plan.job, beside=means.beside or means.jobs)
    with closing(Batches(job, means.pool(job), means.looking).rows(missing)) as rows:
        is_checked = not shown
        for row in rows:
            record.add(row)
            means.came(row)
            if not is_checked and row["figures"]:
                check_figures(shown, row["figures"])
                is_checked = True


def check_figures(shown: Sequence[str], figures: dict[str, Any]) -> None:
    """Raises UsageError for figures that cells do not have."""

    numbers = [name for name, value in figures.items() if not isinstance(value, str)]
    for name in shown:
        if name not in numbers:
            hint = did_you_mean(name, numbers)
            raise UsageError(f"no cell has a figure `{name}`{hint}; there are {', '.join(numbers)}")


def default_figures(plan: SweepPlan, figures: dict[str, Any] | None) -> tuple[str, ...]:
    """The figures shown by default: states, the throughput of the first queue, or the duration of a run."""
    if plan.job.how == "explore":
        return ("states",)
    rates = [name for name in figures or () if name.endswith(".gets_per_s")]
    return (rates[0] if rates else "elapsed_s",)
