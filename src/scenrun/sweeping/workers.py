"""Runs the cells of a sweep on an executor, local processes or a cluster's, so that neither crash nor signal loses a row."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any

from scenrun.sweeping.grid import Cell
from scenrun.sweeping.measuring import Job, Measuring, Row, failed

BATCH_S = 0.5
"""How long a batch of cells is to take: short enough to be interrupted, long enough that sending it costs nothing."""
MOST_CELLS = 256
"""Cells of a batch."""
LOOK_S = 0.2
"""How long nobody is heard of before the caller may look around."""
_measuring: Measuring | None = None


def measure_batch(job: Job, cells: list[Cell]) -> list[Row]:
    """What a worker does with a batch. The scenario that was loaded last is kept between batches."""
    global _measuring
    if _measuring is None or _measuring.job != job:
        _measuring = Measuring(job)
    return [_measuring.measure(cell) for cell in cells]


def begin_worker() -> None:
    """Signals are for the one that a worker works for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def local_processes(jobs: int) -> Executor:
    """So many processes on this machine."""
    forks = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forks else "spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=begin_worker)


def measured_here(job: Job, cells: Iterable[Cell]) -> Iterator[Row]:
    """The rows of cells that are run in this process, one after another."""
    measuring = Measuring(job)
    for cell in cells:
        yield measuring.measure(cell)


class Crew:
    """Keeps workers busy with batches, and gives the rows in the order in which they come.

    make: makes an executor; a new one where the old one has broken. jobs: how many workers it has. looking: called every
    now and then; what it raises ends the sweep, and rows that were given are kept.
    """

    def __init__(self, job: Job, jobs: int, make: Callable[[], Executor], looking: Callable[[], None]) -> None:
        self.job = job
        self.jobs = jobs
        self.looking = looking
        self._make = make
        self._executor = make()
        self._batch = 1
        self._busy: dict[Future[list[Row]], tuple[list[Cell], float]] = {}
        self._suspects: deque[list[Cell]] = deque()
        """Batches that were being run when a worker died: their cells are run one by one, alone."""

    def rows(self, cells: Iterable[Cell]) -> Iterator[Row]:
        """The rows of all cells."""
        waiting = iter(cells)
        try:
            while True:
                while self._suspects and not self._busy:
                    yield from self._alone(self._suspects.popleft())
                if not self._suspects:
                    self._send(waiting)
                if not self._busy and not self._suspects:
                    return
                yield from self._heard()
                self.looking()
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _send(self, waiting: Iterator[Cell]) -> None:
        while len(self._busy) < 2 * self.jobs:
            batch = list(islice(waiting, self._batch))
            if not batch:
                return
            try:
                future = self._executor.submit(measure_batch, self.job, batch)
            except BrokenExecutor:
                self._executor = self._make()
                future = self._executor.submit(measure_batch, self.job, batch)
            self._busy[future] = batch, time.perf_counter()

    def _heard(self) -> Iterator[Row]:
        done, _ = wait(self._busy, LOOK_S, FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: self._busy[one][0][0].number):
            batch, _ = self._busy.pop(future)
            try:
                rows = future.result()
            except BrokenExecutor:
                self._suspects.append(batch)
                continue
            self._adapt(rows)
            yield from rows

    def _adapt(self, rows: list[Row]) -> None:
        """As many cells in a batch as take about half a second."""
        each = sum(row["took_s"] for row in rows) / len(rows)
        self._batch = max(1, min(MOST_CELLS, 2 * self._batch, int(BATCH_S / max(each, 1e-6))))

    def _alone(self, batch: list[Cell]) -> Iterator[Row]:
        """The cells of a batch one by one, each on workers of its own: whoever dies alone has died of itself."""
        for cell in batch:
            with self._make() as executor:
                try:
                    yield from executor.submit(measure_batch, self.job, [cell]).result()
                except BrokenExecutor:
                    yield row_of(cell, "the process that ran this cell died")


def row_of(cell: Cell, error: str) -> dict[str, Any]:
    """The row of a cell that nobody could finish."""
    return {
        "cell": cell.key, "number": cell.number, "parameters": dict(cell.parameters), "seed": cell.seed,
        "repetition": cell.repetition, **failed(error), "took_s": 0.0,
    }  # fmt: skip
