"""The figures of a run in long form, a row per number, for pandas, DuckDB and spreadsheets."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from scenrun.report.spreadsheet import write_csv
from scenrun.trace.analysis.figures import TABLES, Figures

SECONDS, SHARE, PER_SECOND, ITEMS = "s", "share", "1/s", "1"
HEAD = ("table", "name", "figure", "value", "unit")


class Row(NamedTuple):
    """One number: its table, the name of its thread or object, the figure, the value and the unit."""

    table: str
    name: str
    figure: str
    value: float
    unit: str


def rows_of(figures: Figures) -> Iterator[Row]:
    """All numbers of a run."""
    yield from _scalars("run", figures.about["scenario"] or "run", figures.about)
    for link in figures.path:
        yield Row("critical_path", link.thread, _place(link.what, link.line, link.object), link.seconds, SECONDS)
    for table in TABLES:
        for name, found in figures.tables.get(table, {}).items():
            yield from _scalars(table, name, found)
            yield from _listed(table, name, found)


def _place(what: str, line: int | None, name: str | None) -> str:
    return " ".join([what, *([name] if name else []), *([f"line {line}"] if line is not None else [])])


def _scalars(table: str, name: str, found: dict[str, Any], before: str = "") -> Iterator[Row]:
    """The numbers of a mapping, and those of its durations: `waited` with `total`, `p50` and so on."""
    for key, value in found.items():
        if type(value) in (int, float) and key not in _SETTINGS:
            figure, unit = _unit(key)
            yield Row(table, name, before + figure, value, unit)
        elif isinstance(value, dict) and key in _DURATIONS:
            yield from _scalars(table, name, value, f"{key} ")


_DURATIONS = ("waited", "held", "waited_put", "waited_get", "inside", "queued", "served")
_SETTINGS = ("seed", "maxsize", "workers")


def _listed(table: str, name: str, found: dict[str, Any]) -> Iterator[Row]:
    """The numbers in lists: waits by target, holders, last arrivals."""
    waits = found.get("waits")
    for one in waits if isinstance(waits, list) else ():
        yield Row(table, name, f"waiting for {one['op']} {one['object']}".rstrip(), one["seconds"], SECONDS)
    for one in found.get("holders", ()):
        yield Row(table, name, f"held by {_place(one['group'], one['line'], None)}", one["seconds"], SECONDS)
    for one in found.get("last_to_arrive", ()):
        yield Row(table, name, f"{one['thread']} came last", one["times"], ITEMS)


def _unit(key: str) -> tuple[str, str]:
    """A figure's name without its unit, and the unit."""
    for ending, unit in (("_per_s", PER_SECOND), ("_s", SECONDS), ("_share", SHARE)):
        if key.endswith(ending):
            return key.removesuffix(ending), unit
    return key, ITEMS


def as_csv(head: Iterable[str], rows: Iterable[Iterable[Any]], *, raw: bool = False) -> str:
    """Rows as CSV with a head; `raw`: texts as they are, also those that a spreadsheet would run as formulas."""
    out = io.StringIO()
    write_csv(out, head, rows, raw=raw)
    return out.getvalue()
