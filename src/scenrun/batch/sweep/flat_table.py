"""Flattens rows of a sweep to a table with a column per parameter and figure, and writes it as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenrun.batch.sweep.cell import Row, Rows
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.report.spreadsheet import write_csv

_BEFORE = ("seed", "repetition", "verdict", "ok", "took_s")
_AFTER = ("finding", "error")


@dataclass(slots=True)
class Columns:
    """The columns of all rows: parameters, common fields, figures, finding and error."""

    parameters: tuple[str, ...]
    figures: dict[str, None] = field(default_factory=dict)
    types: dict[str, set[type]] = field(default_factory=dict)
    """The types of each column's values."""

    def see(self, rows: Iterable[Row]) -> None:
        """Takes the columns and types of rows."""
        for row in rows:
            self.figures.update(dict.fromkeys(row["figures"]))
            for name, value in self._pairs(row):
                if value is not None:
                    self.types.setdefault(name, set()).add(_type_of(value))

    @property
    def names(self) -> list[str]:
        """The name of each column, all different in lower case: databases take `A` and `a` for one."""
        return _unique([*self.parameters, *_BEFORE, *self.figures, *_AFTER])

    @property
    def keys(self) -> list[str]:
        """The internal name of each column; a parameter and a figure may have the same name."""
        return [
            *(f"p {name}" for name in self.parameters), *(f"r {name}" for name in _BEFORE),
            *(f"f {name}" for name in self.figures), *(f"r {name}" for name in _AFTER),
        ]  # fmt: skip

    def flat(self, row: Row) -> list[Any]:
        """A row's values in the order of the columns."""
        found = dict(self._pairs(row))
        return [found.get(key) for key in self.keys]

    @staticmethod
    def _pairs(row: Row) -> Iterator[tuple[str, Any]]:
        yield from ((f"p {name}", _plain(value)) for name, value in row["parameters"].items())
        yield from ((f"r {name}", row.get(name)) for name in (*_BEFORE, *_AFTER))
        yield from ((f"f {name}", _plain(value)) for name, value in row["figures"].items())


def _type_of(value: Any) -> type:
    """The type of a value in a table; an integer of more than 64 bits counts as a float."""
    return float if type(value) is int and not -(1 << 63) <= value < 1 << 63 else type(value)


def _plain(value: Any) -> Any:
    """Lists and mappings as JSON text, as tables have no such values."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _unique(names: list[str]) -> list[str]:
    seen: set[str] = set()
    out = []
    for name in names:
        number, own = 2, name
        while own.lower() in seen:
            own, number = f"{name}_{number}", number + 1
        seen.add(own.lower())
        out.append(own)
    return out


def columns_of(plan: SweepPlan, record: Rows) -> Columns:
    """The columns of all rows of a record."""
    columns = Columns(plan.grid.paths)
    columns.see(record.rows())
    return columns


def write(path: str, plan: SweepPlan, record: Rows, shown: Sequence[str], *, raw: bool = False) -> None:
    """Writes all rows as CSV; `raw`: texts as they are, also those that a spreadsheet would run as formulas."""
    columns = columns_of(plan, record)
    with open(path, "w", newline="", encoding="utf-8") as file:
        write_csv(file, columns.names, map(_cells, map(columns.flat, record.rows())), raw=raw)


def _cells(values: list[Any]) -> list[Any]:
    return [str(value).lower() if isinstance(value, bool) else value for value in values]
