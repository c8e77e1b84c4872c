"""The text report of scenario tests: a table, details of the failures, and a summary line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scenrun.batch.suite.verdict import SuiteResult
from scenrun.language.expect import SEARCHES
from scenrun.printable import clean
from scenrun.report.aligned import aligned
from scenrun.report.amounts import counted
from scenrun.report.width import columns, filled

_HEAD = ("scenario", "way", "", "verdict", "expected", "time")
_LEAST = 20
"""Columns that a scenario's name has at least."""


def table(results: Sequence[SuiteResult], width: int) -> list[str]:
    """The table of all results, failures first; names are cut at their beginning to fit the width."""
    rows = [_row(one) for one in sorted(results, key=lambda one: one.ok)]
    widths = [max(columns(row[at]) for row in (_HEAD, *rows)) for at in range(len(_HEAD))]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    widths[0] = max(_LEAST, widths[0] - max(0, over))
    cut = [(filled(_end_of(row[0], widths[0]), widths[0]), *row[1:]) for row in (_HEAD, *rows)]
    lines = aligned(cut, left=range(len(_HEAD) - 1), indent=0, wide=max(width, sum(widths) + 2 * len(widths)))
    return [lines[0], "-" * max(map(columns, lines)), *lines[1:]]


def _row(one: SuiteResult) -> tuple[str, ...]:
    expected = (" and " if one.way in SEARCHES else " or ").join(one.expected)
    return clean(one.file), one.way, "" if one.ok else "not ok", one.verdict, expected, _time(one.took_s)


def _time(took_s: float) -> str:
    return f"{took_s:,.2f} s"


def _end_of(name: str, most: int) -> str:
    """A name of at most `most` columns; its beginning is cut, as its end is more specific."""
    if columns(name) <= most:
        return name
    while columns(name) > most - 1:
        name = name[1:]
    return "…" + name


def complaints(results: Sequence[SuiteResult]) -> list[str]:
    """The details of each failure: its way, the first lines, and the command that shows more."""
    lines = []
    for one in (one for one in results if not one.ok):
        lines += ["", f"{clean(one.file)} {one.way}", *(f"  {line}".rstrip() for line in one.text.splitlines())]
    return lines


def last_line(results: Sequence[SuiteResult], took_s: float, left: int = 0) -> str:
    """The summary: how many tests are ok, the verdicts of the others, the time, and how many were left out."""
    verdicts = Counter(one.verdict for one in results if not one.ok)
    bad = f", {counted(sum(verdicts.values()), 'failure')}" if verdicts else ""
    kinds = f" ({', '.join(f'{count} {verdict}' for verdict, count in sorted(verdicts.items()))})" if verdicts else ""
    head = "not ok" if verdicts or left else "ok"
    cut = f"; {counted(left, 'test')} left out" if left else ""
    return f"{head}: {counted(sum(one.ok for one in results), 'test')} ok{bad}{kinds}, {_time(took_s)}{cut}"
