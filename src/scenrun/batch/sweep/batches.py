"""Cuts the cells of a sweep into batches for a pool of workers and yields their rows; a crash costs no other cell's row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice

from scenrun.batch.sweep.cell import CellRunner, Job, Row, row_of
from scenrun.batch.sweep.grid import Cell
from scenrun.batch.sweep.time_limit import too_long
from scenrun.workers.pool import Done, Last, Pool

BATCH_S = 0.5
"""The seconds that a batch should take: short enough to interrupt, long enough that sending it costs next to nothing."""
MOST_CELLS = 256
"""The most cells of a batch."""
_DIED = "the process that ran this cell died"


class BatchRunner:
    """Runs batches on a worker; the scenario that was loaded last is kept between them."""

    def __init__(self, job: Job) -> None:
        self._cells = CellRunner(job)

    def __call__(self, batch: list[Cell]) -> list[Row] | Last[list[Row]]:
        """The rows of the cells, or the last ones of this process: of the first cells, if threads of a run do not end."""
        rows: list[Row] = []
        for cell in batch:
            rows.append(self._cells.measure(cell))
            if self._cells.is_stuck:
                return Last(rows)
        return rows


def death_of(job: Job, took_s: float) -> str:
    """The error of a cell whose process died after `took_s` seconds."""
    limit = job.cell_limit_s
    return _DIED if limit is None or took_s < limit else too_long(limit)


class Batches:
    """Keeps the workers of a pool busy with batches, and yields the rows in the order in which they come.

    looking: called several times a second; what it raises ends the sweep, and rows that were yielded are kept.
    """

    def __init__(self, job: Job, pool: Pool[list[Cell], list[Row]], looking: Callable[[], None]) -> None:
        self.job = job
        self.looking = looking
        self._pool = pool
        self._size = 1
        self._left: list[list[Cell]] = []
        """The rests of batches whose worker must not go on."""
        self._suspects: deque[list[Cell]] = deque()
        """Batches over which a worker died: each is run alone, to find the cell that is the cause."""
        self._alone: list[Cell] | None = None

    def rows(self, cells: Iterable[Cell]) -> Generator[Row, None, None]:
        """The rows of all cells."""
        waiting = iter(cells)
        with self._pool:
            for done in self._pool.results(lambda: self._following(waiting)):
                if done is not None:
                    yield from self._rows_of(done)
                else:
                    self.looking()

    def _following(self, waiting: Iterator[Cell]) -> list[Cell] | None:
        """The next batch; none while a suspect runs, or has to wait until it can run alone."""
        if self._suspects:
            if self._pool.is_busy:
                return None
            self._pool.end()  # a suspect must not suffer from what others have left in a process
            self._alone = self._suspects.popleft()
            return self._alone
        if self._alone is not None:
            return None
        return (self._left and self._left.pop()) or list(islice(waiting, self._size)) or None

    def _rows_of(self, done: Done[list[Cell], list[Row]]) -> Iterator[Row]:
        batch, rows = done.job, done.result
        was_alone, self._alone = self._alone is batch, None
        if rows is None:
            yield from self._suspected(batch, done.took_s, was_alone)
            return
        self._adapt(rows)
        if len(rows) < len(batch):
            self._left.append(batch[len(rows) :])
        yield from rows

    def _suspected(self, batch: list[Cell], took_s: float, was_alone: bool) -> Iterator[Row]:
        """A batch over which a worker died again is halved, down to the cell that is the cause; yields the row of this one."""
        if not was_alone:
            self._suspects.append(batch)
        elif len(batch) > 1:
            half = len(batch) // 2
            self._suspects.extendleft((batch[half:], batch[:half]))
        else:
            yield row_of(batch[0], death_of(self.job, took_s))

    def _adapt(self, rows: list[Row]) -> None:
        """Sets the size of a batch to about half a second of work."""
        each = sum(row["took_s"] for row in rows) / max(1, len(rows))
        self._size = max(1, min(MOST_CELLS, 2 * self._size, int(BATCH_S / max(each, 1e-6))))
