"""Formats a counterexample as a table, with a column for each thread and a row for each step, and the waiting threads below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from scenrun.program.findings import Stuck
from scenrun.search.counterexample.rows import Row, rows_of
from scenrun.search.record import Counterexample

WIDEST = 72
"""The most characters of a column."""
MOST_COLUMNS = 8
MOST_ROWS = 300
LEAST_WIDTH = 12
"""The fewest characters of a column; where there is less room, all threads share one."""
ALIKE = 4
"""Threads that wait alike from which on they are told in one line."""


def table(one: Counterexample, width: int = 120) -> list[str]:
    """The lines of the table. width: characters of a line."""
    steps = one.story.steps
    if not steps:
        return ["    before the first step", *_ending(one)]
    rows = rows_of(steps, one.cycle_from)
    shown = rows[:MOST_ROWS]
    names = sorted(dict.fromkeys(row.thread for row in rows if row.thread), key=lambda name: name != "main")
    is_narrow = (width - 12) // max(1, len(names)) - 2 < LEAST_WIDTH
    in_lines = _in_one_column if len(names) > MOST_COLUMNS or is_narrow else _in_columns
    cut = [f"        and {len(steps) - rows[MOST_ROWS].at:,} more steps"] if len(rows) > MOST_ROWS else []
    return [*in_lines(rows, shown, names, width), *cut, *_ending(one)]


def _in_columns(rows: Sequence[Row], shown: Sequence[Row], names: Sequence[str], width: int) -> Iterator[str]:
    """The rows with a column for each thread."""
    widths = _widths(rows, names, width - 12)
    head = "  step  " + "  ".join(name[:w].ljust(w) for name, w in zip(names, widths, strict=True)) + "   line"
    yield head.rstrip()
    yield "  " + "-" * (len(head) - 2)
    for row in shown:
        if row.thread:
            column = names.index(row.thread)
            before = sum(widths[:column]) + 2 * column
            room = sum(widths[column:]) + 2 * (len(widths) - column - 1)  # the columns to its right are empty
            end = "" if row.line is None else f"{row.line:>7}"
            yield f"{_front(row)}{' ' * before}{_fit(row.text, room)}{end}{_times(row)}".rstrip()
        else:
            yield _whole(row, width)


def _widths(rows: Sequence[Row], names: Sequence[str], width: int) -> list[int]:
    """The widths of the columns: as wide as their rows where there is room, or else at most an equal share each."""
    wanted = [min(WIDEST, max(len(name), *(len(row.text) for row in rows if row.thread == name))) for name in names]
    if sum(wanted) + 2 * len(wanted) <= width:
        return wanted
    share = max(LEAST_WIDTH, width // len(names) - 2)
    return [min(share, one) for one in wanted]


def _in_one_column(rows: Sequence[Row], shown: Sequence[Row], names: Sequence[str], width: int) -> Iterator[str]:
    """The rows in one column with the thread's name in front, for too many threads or too narrow lines."""
    wide = max(map(len, names))
    for row in shown:
        where = f"  (line {row.line})" if row.line is not None else ""
        own = f"{_front(row)}{row.thread:<{wide}}  {row.text}{where}{_times(row)}"
        yield own if row.thread else _whole(row, width)


def _front(row: Row) -> str:
    """The number of a step, and its part of a bracket."""
    return f"{'' if row.number is None else row.number:>6} {row.bracket}"


def _times(row: Row) -> str:
    return f"  x {row.times:,}" if row.times else ""


def _whole(row: Row, width: int) -> str:
    """A row that belongs to no thread."""
    if row.text.startswith(".."):
        return f"    {row.text}"
    text = f"{_front(row)}{row.text}"
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _waits(one: Counterexample, stuck: Stuck) -> bool:
    """Whether a thread takes no step of the cycle."""
    return all(step.thread != stuck.thread for step in one.story.steps[one.cycle_from or 0 :])


def _ending(one: Counterexample) -> list[str]:
    """The threads that have not ended, with what they wait for."""
    if one.about.kind == "livelock":  # threads of the cycle are at no fixed place; only starving ones are listed
        named = one.about.about.split(", ")
        return [f"    {stuck}" for stuck in one.story.waiting if stuck.thread in named and _waits(one, stuck)]
    return [f"    {line}" for line in _alike(one.story.waiting)]


def _alike(waiting: Sequence[Stuck]) -> Iterator[str]:
    """The threads that wait, many replicas that wait for the same in one line."""
    for (_, about), some in groupby(
        waiting, lambda one: (one.thread.partition("[")[0], str(one).removeprefix(one.thread))
    ):
        names = [one.thread for one in some]
        if len(names) >= ALIKE:
            yield f"{names[0]} .. {names[-1]} ({len(names)} threads){about}"
        else:
            yield from (f"{name}{about}" for name in names)
