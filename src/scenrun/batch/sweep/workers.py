"""Runs the cells of a sweep on local processes or a cluster's workers; neither a crash nor a signal loses a row."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import connection

from scenrun.batch.sweep.cell import CellRunner, Job, Row, row_of
from scenrun.batch.sweep.grid import Cell
from scenrun.batch.sweep.time_limit import too_long
from scenrun.workers.processes import start_method

BATCH_S = 0.5
"""The seconds that a batch should take: short enough to interrupt, long enough that sending it costs next to nothing."""
MOST_CELLS = 256
"""The most cells of a batch."""
LOOK_S = 0.2
"""The most seconds between two calls of `looking`."""
Measure = Callable[[Job, list[Cell]], list[Row]]
ENDING_S = 2.0
"""The most seconds to wait for killed processes, so that the caller is left without additional threads."""
_DIED = "the process that ran this cell died"


class _Kept(threading.local):
    """The state that a thread keeps between batches; workers of a cluster may have several threads."""

    measuring: CellRunner | None = None


kept = _Kept()


def measure_batch(job: Job, cells: list[Cell]) -> list[Row]:
    """Runs a batch on a worker: the rows of its cells, or of the first ones if threads of a run do not end.

    The scenario that was loaded last is kept between batches.
    """
    measuring = kept.measuring
    if measuring is None or measuring.job != job:
        measuring = kept.measuring = CellRunner(job)
    rows: list[Row] = []
    for cell in cells:
        if measuring.is_stuck:
            break
        rows.append(measuring.measure(cell))
    return rows


def death_of(job: Job, took_s: float) -> str:
    """The error of a cell whose process died after `took_s` seconds."""
    limit = job.cell_limit_s
    return _DIED if limit is None or took_s < limit else too_long(limit)


def begin_worker() -> None:
    """Prepares a worker process: signals are left to the parent process, and the worker ends when the parent does."""
    # Ctrl-C goes to the whole process group: the parent alone decides, and loses no row that is on its way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, name="scenrun-parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class LocalProcesses(ProcessPoolExecutor):
    """A pool of `jobs` processes on this machine."""

    def __init__(self, jobs: int) -> None:
        context = multiprocessing.get_context(start_method())
        super().__init__(jobs, mp_context=context, initializer=begin_worker)

    def kill(self) -> None:
        """Terminates the processes, whatever they do, and waits for the thread that manages them."""
        manager: threading.Thread | None = getattr(self, "_executor_manager_thread", None)
        for process in list((self._processes or {}).values()):
            process.terminate()
        self.shutdown(wait=False, cancel_futures=True)
        if manager is not None:
            manager.join(ENDING_S)


class Crew:
    """Keeps workers busy with batches, and yields the rows in the order in which they come.

    make: makes an executor with this many workers; also after the old one broke. looking: called several times a second;
    what it raises ends the sweep, and rows that were yielded are kept. measure: runs a batch on a worker.
    """

    def __init__(
        self, job: Job, jobs: int, make: Callable[[int], Executor], looking: Callable[[], None],
        measure: Measure = measure_batch,
    ) -> None:  # fmt: skip
        self.job = job
        self.jobs = jobs
        self.looking = looking
        self._make = make
        self._measure = measure
        self._executor = make(jobs)
        self._batch = 1
        self._busy: dict[Future[list[Row]], list[Cell]] = {}
        self._suspects: deque[list[Cell]] = deque()
        """Unfinished batches, such as those of a dead worker: each is run alone."""
        self._leaving: list[Executor] = []
        """Executors with a stuck worker, whose other workers still finish their batches."""

    def rows(self, cells: Iterable[Cell]) -> Generator[Row, None, None]:
        """The rows of all cells."""
        waiting = iter(cells)
        try:
            while True:
                if not self._busy:
                    self._end_leaving()
                while self._suspects and not self._busy:
                    yield from self._alone(self._suspects.popleft())
                if not self._suspects:
                    self._send(waiting)
                if not self._busy and not self._suspects:
                    break
                yield from self._heard()
                self.looking()
        finally:
            self._end_leaving()
            _end(self._executor)

    def _send(self, waiting: Iterator[Cell]) -> None:
        # A second batch for each worker waits in the queue, so that none idles while its rows are taken.
        while len(self._busy) < 2 * self.jobs:
            batch = list(islice(waiting, self._batch))
            if not batch:
                return
            try:
                future = self._executor.submit(self._measure, self.job, batch)
            except BrokenExecutor:
                self._executor = self._make(self.jobs)
                future = self._executor.submit(self._measure, self.job, batch)
            self._busy[future] = batch

    def _heard(self) -> Iterator[Row]:
        done, _ = wait(self._busy, LOOK_S, FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: self._busy[one][0].number):
            batch = self._busy.pop(future)
            try:
                rows = future.result()
            except BrokenExecutor:
                self._suspects.append(batch)
                continue
            self._adapt(rows)
            if len(rows) < len(batch):
                self._suspects.append(batch[len(rows) :])
                self._leaving.append(self._executor)
                self._executor = self._make(self.jobs)
            yield from rows

    def _end_leaving(self) -> None:
        while self._leaving:
            _end(self._leaving.pop())

    def _adapt(self, rows: list[Row]) -> None:
        """Sets the size of a batch to about half a second of work."""
        each = sum(row["took_s"] for row in rows) / max(1, len(rows))
        self._batch = max(1, min(MOST_CELLS, 2 * self._batch, int(BATCH_S / max(each, 1e-6))))

    def _alone(self, batch: list[Cell]) -> Iterator[Row]:
        """The rows of a batch run alone; if its process dies again it is halved, down to the cell that is the cause."""
        parts = [batch]
        while parts:
            part = parts.pop()
            began = time.perf_counter()
            rows = self._given_by_one(part)
            yield from rows
            if rows:
                parts += [part[len(rows) :]] if len(rows) < len(part) else []
            elif len(part) > 1:
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                yield row_of(part[0], death_of(self.job, time.perf_counter() - began))

    def _given_by_one(self, part: list[Cell]) -> list[Row]:
        """The rows of one new worker; none if it dies."""
        executor = self._make(1)
        try:
            future = executor.submit(self._measure, self.job, part)
            while not wait([future], LOOK_S).done:
                self.looking()
            return future.result()
        except BrokenExecutor:
            return []
        finally:
            _end(executor)


def _end(executor: Executor) -> None:
    """Ends an executor and, for local processes, the cells that it runs."""
    if isinstance(executor, LocalProcesses):
        executor.kill()
    else:
        executor.shutdown(wait=False, cancel_futures=True)
