"""`Swept`, the result of `scenrun.sweep`: typed cells, and the table, rows and pages of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenrun.batch.sweep import files
from scenrun.batch.sweep.cell import Row
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.run import check_figures, default_figures
from scenrun.batch.sweep.statistics import Combination, combinations
from scenrun.batch.sweep.table import Told
from scenrun.report.notebook import html, one_line


@dataclass(frozen=True, slots=True)
class SweptCell:
    """One run of a sweep."""

    number: int
    parameters: Mapping[str, Any]
    """Values by dotted path."""
    seed: int
    repetition: int
    verdict: str
    """The verdict of the run or search; `error` if there is none."""
    ok: bool
    """Whether the file expects the verdict."""
    figures: Mapping[str, Any]
    took_s: float
    finding: str | None = None
    """The first finding's message."""
    error: str | None = None
    """The reason why the cell could not be finished."""


@dataclass(frozen=True, slots=True)
class Swept:
    """The result of a sweep: a sequence of cells in the order of the grid."""

    scenario: str
    how: str
    cells: tuple[SweptCell, ...]
    notes: tuple[str, ...]
    """Settings that have no effect and values that were not checked, a sentence each."""
    _plan: SweepPlan = field(repr=False, compare=False)
    _rows: tuple[Row, ...] = field(repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether every cell is as the file expects."""
        return all(cell.ok for cell in self.cells)

    @property
    def failing(self) -> tuple[SweptCell, ...]:
        """The cells that are not as the file expects, errors included."""
        return tuple(cell for cell in self.cells if not cell.ok)

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[SweptCell]:
        return iter(self.cells)

    def rows(self) -> Iterator[Row]:
        """The cells as plain mappings, as `--json` prints them."""
        return (dict(row) for row in self._rows)

    def combinations(self, *figures: str) -> tuple[Combination, ...]:
        """Seeds and repetitions summed up: `verdicts`, and the `mean`, `spread` and `margin` of these figures, or of all."""
        return tuple(combinations(self._rows, self._plan.grid, lambda name: not figures or name in figures))

    def table(self, *figures: str) -> str:
        """The table and the heat map of these figures, as `scenrun sweep` shows them."""
        told = Told(self._plan, self._shown(figures))
        told.read(self._rows)
        return "\n".join(told.lines(colour=False))

    def write(self, path: str | Path, *figures: str) -> None:
        """Writes a .csv, .parquet, .duckdb, .jsonl or .html file, replacing it; figures: those that the page shows first."""
        files.check_kind(str(path))
        files.write(str(path), self._plan, self, self._shown(figures))

    def _shown(self, figures: Sequence[str]) -> tuple[str, ...]:
        first = next((row["figures"] for row in self._rows if row["figures"]), None)
        check_figures(figures, first or {})
        return tuple(figures) or default_figures(self._plan, first)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        wrong = f"{len(self.failing):,} not as expected" if self.failing else "all as expected"
        return one_line("sweep", self.scenario, f"{len(self.cells):,} cells, {wrong}")

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows."""

        return html([self.table().split("\n")], self.ok)


def result_of(plan: SweepPlan, rows: Sequence[Row]) -> Swept:
    """The result with these rows."""
    cells = tuple(
        SweptCell(
            row["number"], row["parameters"], row["seed"], row["repetition"], row["verdict"], row["ok"], row["figures"],
            row["took_s"], row.get("finding"), row.get("error"),
        )
        for row in rows
    )  # fmt: skip
    return Swept(plan.scenario, plan.job.how, cells, plan.notes, plan, tuple(rows))
