"""The comparison of two runs: their figures in pairs, with the ratio of the second to the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from scenrun.printable import clean
from scenrun.report.aligned import WIDE, aligned, name_of, number, percent, time
from scenrun.report.stats_of_objects import joined
from scenrun.report.stats_rows import PER_SECOND, SECONDS, SHARE, Row, rows_of
from scenrun.report.width import hanging
from scenrun.trace.analysis.figures import TABLES, Figures

HEAD = ("table", "name", "figure", "unit", "a", "b", "ratio")
MOST_NAMES = 60
_SHOWN = ("elapsed", "lines", "threads", "lived", "running", "working", "sleeping", "waiting", "acquisitions",
          "contended_share", "waited total", "waited p99", "held total", "held max", "puts", "gets", "throughput", "size_mean",
          "waited_put total", "waited_get total", "inside p50", "inside p99", "tasks", "utilisation", "queued total",
          "queued p99", "served total", "waits", "timed_out", "notifies")  # fmt: skip
"""The figures of the text; CSV and JSON have all."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure in both runs; None for a run that does not have it."""

    table: str
    name: str
    figure: str
    unit: str
    a: float | None
    b: float | None

    @property
    def ratio(self) -> float | None:
        """The second value divided by the first; None if it is not defined."""
        return self.b / self.a if self.a and self.b is not None else None


Key = tuple[str, str, str]


def pairs_of(a: Figures, b: Figures) -> list[Pair]:
    """All figures of both runs, in the order of the first; those of the second only come last in their table."""
    mine, its = _by_key(a), _by_key(b)
    names = {(table, name): at for at, (table, name, _) in reversed(list(enumerate([*mine, *its])))}
    keys = sorted(dict.fromkeys([*mine, *its]), key=lambda key: (_TABLES.index(key[0]), names[key[:2]]))
    return [_pair(key, mine.get(key), its.get(key)) for key in keys]


_TABLES = ("run", "critical_path", *TABLES)


def _by_key(figures: Figures) -> dict[Key, Row]:
    """The rows by key; those of the run itself have no name, as two scenarios may have different ones."""
    return {(row.table, "" if row.table == "run" else row.name, row.figure): row for row in rows_of(figures)}


def _pair(key: Key, a: Row | None, b: Row | None) -> Pair:
    unit = next(row.unit for row in (a, b) if row is not None)
    return Pair(*key, unit, None if a is None else a.value, None if b is None else b.value)


def as_rows(pairs: Iterable[Pair]) -> Iterator[tuple[Any, ...]]:
    """The pairs as rows for CSV; missing values are empty."""
    for pair in pairs:
        yield pair.table, pair.name, pair.figure, pair.unit, pair.a, pair.b, pair.ratio


def as_dict(a: Figures, b: Figures) -> dict[str, Any]:
    """One JSON document: both runs whole, and their figures in pairs."""
    pairs = [asdict(pair) | {"ratio": pair.ratio} for pair in pairs_of(a, b)]
    return {"a": a.as_dict(), "b": b.as_dict(), "compared": pairs}


# --- text


def described(a: Figures, b: Figures, names: tuple[str, str]) -> str:
    """The main figures of both runs as a text table, and below it the bottleneck of each."""
    rows: list[tuple[str, ...]] = [("", "A", "B", "B/A")]
    shown = [pair for pair in pairs_of(a, b) if _is_shown(pair)]
    left_out = 0
    for at, (of, pairs) in enumerate(groupby(shown, key=lambda pair: (pair.table, pair.name))):
        if at < MOST_NAMES:
            rows += _rows(*of, list(pairs))
        else:
            left_out += 1
    lines = [f"{word}: {name_of(name, WIDE - 3)}" for word, name in zip("AB", names, strict=True)]
    lines += ["", *aligned(rows, indent=0)]
    if left_out:
        lines.append(f"and {left_out:,} more")
    bounds = [
        f"bottleneck of {word}: {one.bound.sentence}" for word, one in (("A", a), ("B", b)) if one.bound is not None
    ]
    notes = [f"note on {word}: {note}" for word, one in (("A", a), ("B", b)) for note in one.notes]
    below = [line for text in (*bounds, *notes) for line in hanging(clean(text), WIDE, 2)]
    return "\n".join([*lines, *([""] if below else []), *below])


def _is_shown(pair: Pair) -> bool:
    if pair.table in ("threads", "critical_path") or pair.figure not in _SHOWN:
        return False
    return not (pair.figure == "threads" and pair.a == pair.b) and bool(pair.a or pair.b)


def _rows(table: str, name: str, pairs: list[Pair]) -> list[tuple[str, ...]]:
    """The rows of one object or group: its name, and below it its figures."""
    only = "only in B" if all(p.a is None for p in pairs) else "only in A" if all(p.b is None for p in pairs) else ""
    title = joined(name) if table == "joins" else f"{table.removesuffix('s')} {name}".rstrip()
    rows: list[tuple[str, ...]] = [(name_of(title), "", "", only)]
    for pair in pairs:
        figure = pair.figure.replace("_", " ").removesuffix(" share")
        ratio = "" if pair.ratio is None else number(pair.ratio)
        rows.append((f"  {figure}", _shown(pair.a, pair.unit), _shown(pair.b, pair.unit), ratio))
    return rows


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    words: dict[str, Callable[[float], str]] = {SECONDS: time, SHARE: percent, PER_SECOND: lambda v: f"{number(v)}/s"}
    return words.get(unit, number)(value)
