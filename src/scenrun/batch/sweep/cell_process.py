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
from typing import Any

from scenrun.batch.sweep.batches import death_of
from scenrun.batch.sweep.cell import CellRunner, Job, Row, row_of
from scenrun.batch.sweep.grid import Cell
from scenrun.errors import InternalError

_BROKEN = (OSError, EOFError, pickle.UnpicklingError)


class BatchRunnerApart:
    """Runs batches on a worker of a cluster; each has the rows of all its cells.

    Limits of cells hold, and a cell may end its process: the rows are those of local processes.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._process: _Process | None = None

    def __call__(self, batch: list[Cell]) -> list[Row]:
        """The rows of the cells."""
        return [self._measured(cell) for cell in batch]

    def end(self) -> None:
        """Ends the process of the cells."""
        if self._process is not None and not self._process.is_over:
            self._process.end()

    def _measured(self, cell: Cell) -> Row:
        """Runs a cell. If its process dies, runs it a second time in a new one before it counts as the cause."""
        for _ in range(2):
            if self._process is None or self._process.is_over:
                self._process = _Process(self.job)
            began = time.perf_counter()
            row = self._process.measure(cell)
            if row is not None:
                return row
            error = death_of(self.job, time.perf_counter() - began)
            if error != death_of(self.job, 0.0):
                break
        return row_of(cell, error)


class _Process:
    """A process that runs cells of a job for one thread, until a cell ends it or leaves threads in it."""

    def __init__(self, job: Job) -> None:
        self.is_over = False
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        try:
            self._asked(job)  # until it is ready: the time of starting must not count as the cell's
        except _BROKEN:
            self.end()
            raise InternalError("a process for the cells of a sweep does not start on a worker") from None

    def measure(self, cell: Cell) -> Row | None:
        """The row of a cell; None if the process died."""
        try:
            row: Row
            row, self.is_over = self._asked(cell)
        except _BROKEN:
            self.end()
            return None
        if self.is_over:
            self.end()
        return row

    def _asked(self, question: Job | Cell) -> Any:
        """The answer of the process."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        pickle.dump(question, self._child.stdin)
        self._child.stdin.flush()
        return pickle.load(self._child.stdout)

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self.is_over = True
        self._child.kill()
        with suppress(*_BROKEN):
            self._child.communicate()


def serve() -> None:
    """The main loop of such a process: a job and its cells from stdin, rows to stdout. Output of cells goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    waiting: SimpleQueue[Any] = SimpleQueue()

    def listen() -> None:
        with suppress(*_BROKEN):
            while True:
                waiting.put(pickle.load(asked))
        os._exit(1)  # the worker has ended, and the main thread may be in a cell

    def tell(answer: tuple[Row, bool] | None) -> None:
        pickle.dump(answer, told)
        told.flush()

    threading.Thread(target=listen, name="scenrun-asked", daemon=True).start()
    cells = CellRunner(waiting.get())
    tell(None)
    while True:
        row = cells.measure(waiting.get())
        tell((row, cells.is_stuck))


if __name__ == "__main__":
    serve()
