"""Statistics over the runs of one combination of parameters: counts, verdicts, and mean, spread and margin of each figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenrun.batch.sweep.cell import Row
from scenrun.batch.sweep.grid import Grid

_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
      2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip
"""Student's t for a two-sided interval of 95 %, by degrees of freedom from 1 on."""
_T_OF_MANY = 1.96


@dataclass(slots=True)
class Figure:
    """The statistics of one figure, updated value by value (Welford)."""

    count: int = 0
    mean: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Adds a value."""
        self.count += 1
        # Welford's update keeps no values, and loses no digits where the mean is large beside the spread.
        away = value - self.mean
        self.mean += away / self.count
        self._squares += away * (value - self.mean)
        self.low, self.high = min(self.low, value), max(self.high, value)

    @property
    def spread(self) -> float:
        """The sample standard deviation; 0 for a single value."""
        return math.sqrt(max(0.0, self._squares) / (self.count - 1)) if self.count > 1 else 0.0

    @property
    def margin(self) -> float:
        """The half-width of the 95 % confidence interval of the mean; 0 for a single value."""
        if self.count < 2:
            return 0.0
        freedom = self.count - 1
        return (_T[freedom - 1] if freedom <= len(_T) else _T_OF_MANY) * self.spread / math.sqrt(self.count)


@dataclass(slots=True)
class Combination:
    """All runs with the same parameters."""

    parameters: Mapping[str, Any]
    runs: int = 0
    failing: int = 0
    """Runs that are not as the file expects."""
    verdicts: Counter[str] = field(default_factory=Counter)
    figures: dict[str, Figure] = field(default_factory=dict)

    def add(self, row: Row, wanted: Callable[[str], bool]) -> None:
        """Adds a run, with those of its figures that `wanted` accepts."""
        self.runs += 1
        self.failing += not row["ok"]
        self.verdicts[row["verdict"]] += 1
        for name, value in row["figures"].items():
            if type(value) in (int, float, bool) and wanted(name):
                self.figures.setdefault(name, Figure()).add(float(value))


def combinations(rows: Iterable[Row], grid: Grid, wanted: Callable[[str], bool]) -> Iterator[Combination]:
    """The combinations of rows in the order of the grid, with the figures that `wanted` accepts."""
    now, one = -1, Combination({})
    for row in rows:
        number = row["number"] // grid.runs
        if number != now:
            if now >= 0:
                yield one
            now, one = number, Combination(row["parameters"])
        one.add(row, wanted)
    if now >= 0:
        yield one
