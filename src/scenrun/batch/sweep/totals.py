"""The totals of the cells of a sweep, and its slowest cells, noted while the rows pass."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from scenrun.batch.sweep.cell import Row


class Totals:
    """Counts of cells, and the `most_slow` slowest ones."""

    def __init__(self, most_slow: int) -> None:
        self.count = self.failing = self.incomplete = self.broken = 0
        """The numbers of cells: all, those not as expected, and of these the incomplete ones and the errors."""
        self.beside = 1
        """The most real runs at a time."""
        self.took_s = 0.0
        self._most_slow = most_slow
        self._slow: list[tuple[float, int, Row]] = []

    def noted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yields the same rows."""
        for row in rows:
            self.note(row)
            yield row

    def note(self, row: Row) -> None:
        """Takes the next row."""
        self.count += 1
        self.took_s += row["took_s"]
        self.beside = max(self.beside, row.get("beside", 1))
        self.failing += not row["ok"]
        self.incomplete += row["verdict"] == "incomplete"
        self.broken += "error" in row
        heapq.heappush(self._slow, (row["took_s"], -row["number"], row))
        if len(self._slow) > self._most_slow:
            heapq.heappop(self._slow)

    @property
    def slowest(self) -> list[Row]:
        """The slowest cells, the slowest first."""
        return [row for *_, row in sorted(self._slow, key=lambda one: (-one[0], -one[1]))]
