"""Collects the data of a sweep's page: columns by combination, and details of the failing and the slowest cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scenrun.batch.sweep.cell import Row, Rows
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.short_names import Commands, labels, named, value_text
from scenrun.batch.sweep.statistics import Combination, combinations
from scenrun.batch.sweep.totals import Totals
from scenrun.printable import clean

MOST_NUMBERS = 300_000
"""The most means of a page; beyond, figures are left out, requested ones last."""
MOST_COMBINATIONS = 20_000
MOST_SHOWN = 200
"""The most failing cells that are listed."""
MOST_SLOW = 20


class _Cells(Totals):
    """Totals of all cells, and the first failing ones."""

    def __init__(self) -> None:
        super().__init__(MOST_SLOW)
        self.failures: list[Row] = []

    def note(self, row: Row) -> None:
        """Takes the next row."""
        super().note(row)
        if not row["ok"] and len(self.failures) < MOST_SHOWN:
            self.failures.append(row)


def collected(plan: SweepPlan, record: Rows, shown: Sequence[str]) -> dict[str, Any]:
    """The page's data. shown: the figures that the page shows first."""
    figures, left_figures = _figures(plan, record, shown)
    cells = _Cells()
    columns = _Columns(plan, figures)
    left = 0
    for one in combinations(cells.noted(record.rows()), plan.grid, set(figures).__contains__):
        if len(columns.runs) < MOST_COMBINATIONS:
            columns.add(one)
        else:
            left += 1
    return {
        **_about(plan, cells, record), **columns.as_dict(), "shown": [name for name in shown if name in figures],
        "notes": [clean(note) for note in _notes(cells, left, left_figures)],
        "failing": [_cell(plan, row) for row in cells.failures], "slowest": [_cell(plan, row) for row in cells.slowest],
    }  # fmt: skip


def _figures(plan: SweepPlan, record: Rows, shown: Sequence[str]) -> tuple[list[str], int]:
    """The figures of the page, with those of `shown` first, and the number of figures left out."""
    found: dict[str, None] = dict.fromkeys(shown)
    combinations = 0
    for row in record.rows():
        combinations += row["number"] % plan.grid.runs == 0
        found.update({name: None for name, value in row["figures"].items() if not isinstance(value, str)})
    room = max(1, MOST_NUMBERS // max(1, min(combinations, MOST_COMBINATIONS)))
    return list(found)[:room], max(0, len(found) - room)


def _about(plan: SweepPlan, cells: _Cells, record: Rows) -> dict[str, Any]:
    job, grid = plan.job, plan.grid
    options = {clean(name): value_text(value) for name, value in {**job.overrides, **job.options}.items()}
    return {
        "scenario": plan.scenario, "file": clean(job.name), "how": job.how, "options": options, "seeds": len(grid.seeds),
        "first_seed": str(grid.seeds[0]), "repeat": grid.repeat, "cells": cells.count, "wanted": plan.cells,
        "not_as_expected": cells.failing, "took_s": round(cells.took_s, 3), "beside": cells.beside,
    }  # fmt: skip


def _notes(cells: _Cells, left: int, left_figures: int) -> Iterator[str]:
    if cells.beside > 1:
        yield f"Up to {cells.beside} real runs at a time disturbed each other's timing."
    if left:
        yield f"The page has the first {MOST_COMBINATIONS:,} combinations; {left:,} more are in the rows."
    if left_figures:
        yield f"{left_figures:,} more figures are in the rows; choose others for the page with --show."


class _Columns:
    """The combinations as columns."""

    def __init__(self, plan: SweepPlan, figures: Sequence[str]) -> None:
        self.paths = plan.grid.paths
        self.names = labels(self.paths)
        self.values = [plan.grid.values_of(path) for path in self.paths]
        self._numbers = [{_key(value): at for at, value in enumerate(values)} for values in self.values]
        self.at: list[list[int]] = [[] for _ in self.paths]
        self.runs: list[int] = []
        self.failing: list[int] = []
        self.verdicts: list[str] = []
        self.figures: dict[str, dict[str, list[Any]]] = {
            name: {"mean": [], "margin": [], "low": [], "high": [], "count": []} for name in figures
        }

    def add(self, one: Combination) -> None:
        """Adds a combination."""
        for at, path in enumerate(self.paths):
            known = path in one.parameters
            self.at[at].append(self._numbers[at].get(_key(one.parameters[path]), -1) if known else -1)
        self.runs.append(one.runs)
        self.failing.append(one.failing)
        self.verdicts.append(", ".join(f"{word} {count:,}" for word, count in sorted(one.verdicts.items())))
        for name, columns in self.figures.items():
            figure = one.figures.get(name)
            values = (None,) * 4 if figure is None else (figure.mean, figure.margin, figure.low, figure.high)
            for key, value in zip(("mean", "margin", "low", "high"), values, strict=True):
                columns[key].append(value if value is None else float(f"{value:.6g}"))
            columns["count"].append(0 if figure is None else figure.count)

    def as_dict(self) -> dict[str, Any]:
        """The columns in the form that the page's script reads."""
        parameters = [
            {
                "path": clean(path), "name": self.names[path], "values": [value_text(v) for v in self.values[at]],
                "numbers": [v if type(v) in (int, float) and abs(v) < 2**53 else None for v in self.values[at]],
                "at": self.at[at],
            }
            for at, path in enumerate(self.paths)
        ]  # fmt: skip
        figures = {clean(name): columns for name, columns in self.figures.items()}
        return {"parameters": parameters, "runs": self.runs, "failing_runs": self.failing, "verdicts": self.verdicts,
                "figures": figures}  # fmt: skip


def _key(value: Any) -> tuple[str, str]:
    return type(value).__name__, repr(value)


def _cell(plan: SweepPlan, row: Row) -> dict[str, Any]:
    commands = Commands(plan.job)
    return {
        "number": row["number"], "about": named(row["parameters"], labels(plan.grid.paths), 120), "seed": str(row["seed"]),
        "repetition": row["repetition"], "verdict": row["verdict"], "ok": row["ok"], "took_s": row["took_s"],
        "said": clean(row.get("error") or row.get("finding") or "")[:400], "again": clean(commands.again(row)),
        "report": clean(commands.report(row)),
    }  # fmt: skip
