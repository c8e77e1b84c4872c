"""The text report of a sweep: a table of combinations, a heat map, the failing cells and the slowest cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scenrun.batch.sweep.cell import Row
from scenrun.batch.sweep.heat_map import Map, number
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.short_names import Commands, labels, named, value_text
from scenrun.batch.sweep.statistics import Combination, combinations
from scenrun.batch.sweep.totals import Totals
from scenrun.printable import clean
from scenrun.report.aligned import WIDE, aligned
from scenrun.report.amounts import counted, seconds
from scenrun.report.width import columns, hanging, short

MOST_COMBINATIONS = 40
MOST_FAILING = 10
MOST_SLOW = 5
_LEAST_FOR_SLOW = 10
"""The fewest cells for which the slowest are listed."""
_PAST = {"run": "run on real threads", "simulate": "simulated", "explore": "explored"}
_TOGETHER = "parameters"
NOTHING = "-"


class Told(Totals):
    """The contents of the report, gathered in one pass over the rows in the order of the grid."""

    def __init__(self, plan: SweepPlan, shown: Sequence[str]) -> None:
        super().__init__(MOST_SLOW)
        self.plan = plan
        self.shown = tuple(shown)
        self.names = labels(plan.grid.paths)
        self.combinations = 0
        self._table: list[Combination] = []
        self._failing: dict[int, tuple[Row, int]] = {}
        """By number of the combination, its first failing cell and the number of its failing cells."""
        self._map = self._empty_map()

    def _empty_map(self) -> Map | None:
        grid = self.plan.grid
        values = [grid.values_of(path) for path in grid.paths]
        if len(grid.paths) != 2 or min(map(len, values)) < 2 or not self.shown:
            return None
        down, across = (self.names[path] for path in grid.paths)
        return Map(f"mean {self.shown[0]}", down, across, values[0], values[1])

    def read(self, rows: Iterable[Row]) -> None:
        """Takes all rows."""
        for one in combinations(self.noted(rows), self.plan.grid, self.shown.__contains__):
            self.combinations += 1
            if len(self._table) < MOST_COMBINATIONS:
                self._table.append(one)
            if self._map is not None:
                down, across = (one.parameters.get(path) for path in self.plan.grid.paths)
                figure = one.figures.get(self.shown[0])
                self._map.add(down, across, figure.mean if figure else None, one.failing > 0)

    def note(self, row: Row) -> None:
        """Takes the next row."""
        super().note(row)
        if not row["ok"]:
            self._note_failing(row)

    def _note_failing(self, row: Row) -> None:
        number = row["number"] // self.plan.grid.runs
        if number in self._failing:
            first, count = self._failing[number]
            self._failing[number] = first, count + 1
        elif len(self._failing) < MOST_FAILING:
            self._failing[number] = row, 1

    @property
    def status(self) -> int:
        """The exit status: 0 if every cell is as the file expects, 3 if the others are only incomplete, 1 otherwise."""
        if not self.failing:
            return 0
        return 3 if self.failing == self.incomplete else 1

    def lines(self, colour: bool) -> list[str]:
        """The lines of the report."""
        parts = [self._head(), self._combinations(), self._map.lines(colour) if self._map else [], self._failures(),
                 self._slowest()]  # fmt: skip
        return [line for part in parts if part for line in ("", *part)][1:]

    def _head(self) -> list[str]:
        grid, how = self.plan.grid, self.plan.job.how
        each = f", {counted(len(grid.seeds), 'seed')} each" if len(grid.seeds) > 1 else ""
        each += f", {grid.repeat:,} times" if grid.repeat > 1 else ""
        said = f"{self.count:,} cells {_PAST[how]}" if self.count != 1 else f"1 cell {_PAST[how]}"
        wrong = f"{self.failing:,} not as expected" if self.failing else "all as expected"
        if self.broken:
            wrong += f" (of which {counted(self.broken, 'error')})"
        lines = [f"{self.plan.scenario}: {said} ({counted(self.combinations, 'combination')}{each}): {wrong}"]
        if self.beside > 1:
            lines += hanging(f"note: up to {self.beside} real runs at a time disturbed each other's timing", WIDE, 2)
        return lines

    def _combinations(self) -> list[str]:
        if not self._table:
            return []
        rows = next((rows for names in self._heads() if _width(rows := self._cells(names)) <= WIDE), self._cells(None))
        verdict = len(rows[0]) - len(self.shown) - 1
        lines = aligned(rows, left=[verdict] if rows[0][0] != _TOGETHER else [0, verdict])
        if self.combinations > len(self._table):
            lines.append(f"  .. and {self.combinations - len(self._table):,} more combinations; -o has all")
        return lines

    def _heads(self) -> Iterator[list[str]]:
        """The parameters' names, then shorter ones for a narrow table."""
        yield list(self.names.values())
        last = [path.rpartition(".")[2] for path in self.names]
        if len(set(last)) == len(last):
            yield [clean(name) for name in last]

    def _cells(self, names: Sequence[str] | None) -> list[list[str]]:
        """The table's rows: a column for each parameter under these names, or one for all of them."""
        paths = self.plan.grid.paths
        heads = [_TOGETHER] if names is None else names
        spread = " ± sd" if self.plan.grid.runs > 1 else ""
        rows = [[*heads, "runs", "verdicts", *(f"{name}{spread}" for name in self.shown)]]
        for one in self._table:
            given = [short(value_text(one.parameters[p]), 24) if p in one.parameters else NOTHING for p in paths]
            about = given if names is not None else [named(one.parameters, self.names)]
            rows.append([*about, f"{one.runs:,}", _verdicts(one), *(_figure(one, name) for name in self.shown)])
        return rows

    def _failures(self) -> list[str]:
        if not self._failing:
            return []
        lines = [f"not as expected ({self.failing:,} of {self.count:,} cells):"]
        for row, count in self._failing.values():
            lines += self._cell(row, count)
        left = self.failing - sum(count for _, count in self._failing.values())
        if left:
            lines.append(f"  .. and {counted(left, 'cell')} of other combinations; -o has all")
        return lines

    def _cell(self, row: Row, count: int) -> list[str]:
        said = row.get("error") or row.get("finding") or ""
        often = f" ({count:,} of {self.plan.grid.runs:,} runs)" if self.plan.grid.runs > 1 else ""
        about = named(row["parameters"], self.names) or f"seed {row['seed']}"
        text = clean(f"{about}{often}: {row['verdict']}" + (f": {said}" if said else ""))
        return [f"  {short(text, WIDE - 2)}", f"    {clean(Commands(self.plan.job).again(row))}"]

    def _slowest(self) -> list[str]:
        if self.count < _LEAST_FOR_SLOW:
            return []
        rows = [
            [
                named(row["parameters"], self.names, 40) or self.plan.scenario,
                f"seed {row['seed']}",
                seconds(row["took_s"]),
            ]
            for row in self.slowest
        ]
        return [f"slowest cells (mean {seconds(self.took_s / self.count)}):", *aligned(rows)]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """The display width of a table."""
    return sum(max(columns(row[at]) for row in rows) + 2 for at in range(len(rows[0])))


def _verdicts(one: Combination) -> str:
    if len(one.verdicts) == 1:
        return next(iter(one.verdicts))
    return ", ".join(f"{word} {count:,}" for word, count in sorted(one.verdicts.items(), key=lambda v: (-v[1], v[0])))


def _figure(one: Combination, name: str) -> str:
    figure: Any = one.figures.get(name)
    if figure is None:
        return NOTHING
    return number(figure.mean) if figure.count < 2 else f"{number(figure.mean)} ± {number(figure.spread)}"
