"""Runs cells in a separate process per calling thread, so that no cell can harm a worker of a cluster."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue

from scenrun.batch.sweep.cell import Job, Row, row_of
from scenrun.batch.sweep.grid import Cell
from scenrun.batch.sweep.workers import death_of, kept, measure_batch
from scenrun.errors import InternalError

_BROKEN = (OSError, EOFError, pickle.UnpicklingError)


def measure_apart(job: Job, cells: list[Cell]) -> list[Row]:
    """Runs a batch on a worker of a cluster; returns the rows of all its cells.

    Limits of cells hold, and a cell may end its process: the rows are those of local processes.
    """
    return [_measured(job, cell) for cell in cells]


def _measured(job: Job, cell: Cell) -> Row:
    """Runs a cell. If its process dies, runs it a second time in a new one before it counts as the cause."""
    for _ in range(2):
        process = _own_process()
        began = time.perf_counter()
        row = process.measure(job, cell)
        if row is not None:
            return row
        error = death_of(job, time.perf_counter() - began)
        if error != death_of(job, 0.0):
            break
    return row_of(cell, error)


class _Own(threading.local):
    process: _Process | None = None


_own = _Own()


def _own_process() -> _Process:
    if _own.process is None or _own.process.is_over:
        _own.process = _Process()
    return _own.process


class _Process:
    """A process that runs cells for one thread, until a cell ends it or leaves threads in it."""

    def __init__(self) -> None:
        self.is_over = False
        self._job: Job | None = None
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        assert self._child.stdout is not None
        try:
            pickle.load(self._child.stdout)  # ready: the time of starting must not count as the cell's
        except _BROKEN:
            raise InternalError("a process for the cells of a sweep does not start on a worker") from None

    def measure(self, job: Job, cell: Cell) -> Row | None:
        """The row of a cell; None if the process died."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            pickle.dump((None if job == self._job else job, cell), self._child.stdin)
            self._child.stdin.flush()
            row: Row
            row, self.is_over = pickle.load(self._child.stdout)
        except _BROKEN:
            self._end()
            return None
        self._job = job
        if self.is_over:
            self._end()
        return row

    def _end(self) -> None:
        self.is_over = True
        self._child.kill()
        with suppress(*_BROKEN):
            self._child.communicate()


def serve() -> None:
    """The main loop of such a process: cells from stdin, rows to stdout. Output of cells goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    waiting: SimpleQueue[tuple[Job | None, Cell]] = SimpleQueue()

    def listen() -> None:
        with suppress(*_BROKEN):
            while True:
                waiting.put(pickle.load(asked))
        os._exit(1)  # the worker has ended, and the main thread may be in a cell

    threading.Thread(target=listen, name="scenrun-asked", daemon=True).start()
    pickle.dump(None, told)
    told.flush()
    job: Job | None = None
    while True:
        given, cell = waiting.get()
        job = given or job
        assert job is not None
        rows = measure_batch(job, [cell])
        is_stuck = kept.measuring is not None and kept.measuring.is_stuck
        pickle.dump((rows[0], is_stuck), told)
        told.flush()


if __name__ == "__main__":
    serve()
