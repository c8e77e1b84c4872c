"""The axis of a timeline: maps times or log lines to columns, in integers, so that rounding loses no share, and labels it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scenrun.report.amounts import seconds

_UNITS = (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1))
_TICK = 12
"""Columns between two ticks, at least."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A range in `columns` equal parts: nanoseconds of the run, or lines of the log with `by_event`."""

    begin: int
    end: int
    columns: int
    by_event: bool = False

    @property
    def length(self) -> int:
        """The length of the range, at least one."""
        return max(1, self.end - self.begin)

    def column(self, at: int) -> int | None:
        """The column of a moment; None if it is not on the axis. The last moment belongs to the last column."""
        if not self.begin <= at <= self.end:
            return None
        return min(self.columns - 1, (at - self.begin) * self.columns // self.length)

    def spread(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The columns that a span touches, each with its share of the span; `length` is the share of a whole column.

        A span without length touches one column and has no share.
        """
        if end < self.begin or begin > self.end or (begin != end and (end == self.begin or begin == self.end)):
            return
        low = (max(begin, self.begin) - self.begin) * self.columns
        high = (min(end, self.end) - self.begin) * self.columns
        if low >= high:
            yield min(self.columns - 1, low // self.length), 0
            return
        for column in range(low // self.length, (high - 1) // self.length + 1):
            begins = column * self.length
            yield column, min(high, begins + self.length) - max(low, begins)

    def ticks(self) -> list[tuple[int, str]]:
        """Round moments at least `_TICK` columns apart: the column and the label of each."""
        step = self._step()
        first = -(-self.begin // step) * step
        moments = range(first, self.begin + self.length, step)
        return [(c, self._called(at, step)) for at in moments if (c := self.column(at)) is not None]

    def _step(self) -> int:
        least = -(-self.length * _TICK // self.columns)
        power = 1
        while True:
            for factor in (1, 2, 5):
                if power * factor >= least:
                    return power * factor
            power *= 10

    def _called(self, at: int, step: int) -> str:
        if self.by_event:
            return f"{at:,}"
        if at == 0:
            return "0"
        units = ((unit, size) for unit, size in _UNITS if self.end >= size and 1_000 * step >= size)
        unit, size = next(units, _UNITS[-1])
        return f"{at / size:,.15g} {unit}"

    def meaning(self) -> str:
        """The meaning of a column in words."""
        if not self.by_event:
            return f"a column is {seconds(self.length / self.columns / 1e9)}, and shows what was so for most of it"
        if self.length < self.columns:
            return f"columns are lines of the log, each {self.columns / self.length:.3g} wide"
        return f"columns are lines of the log, {self.length / self.columns:,.3g} in each"
