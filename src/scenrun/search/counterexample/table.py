"""Formats a counterexample as a table, with a column for each thread and a row for each step, and the waiting threads below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from scenrun.program.findings import Stuck
from scenrun.search.counterexample.trace import TraceStep
from scenrun.search.record import Counterexample

WIDEST = 56
"""The most characters of a column."""
MOST_COLUMNS = 8
MOST_ROWS = 200
LONG, FIRST, LAST, LEAST = 60, 3, 2, 10
"""Steps from which on a story is long. Of what a thread then does without a switch, only the first and last few steps are shown,
if at least so many are left out."""
ALIKE = 4
"""Threads that wait alike from which on they are told in one line."""


def table(one: Counterexample, width: int = 120) -> list[str]:
    """The lines of the table. width: characters of a line."""
    steps = list(one.story.steps)
    if not steps:
        return ["    before the first step", *_ending(one)]
    names = _columns(steps)
    rows = {name: [text for step in steps for who, text, _ in _rows(step) if who == name] for name in names}
    if len(names) > MOST_COLUMNS or _too_narrow(names, width):
        return [*_rows_of_one_column(steps, one.cycle_from), *_ending(one)]
    column = min(WIDEST, max(12, (width - 12) // max(1, len(names)) - 2))
    widths = [min(column, max(len(name), *map(len, rows[name]))) for name in names]
    head = "  step  " + "  ".join(name[:w].ljust(w) for name, w in zip(names, widths, strict=True)) + "   line"
    lines = [head.rstrip(), "  " + "-" * (len(head) - 2)]
    shown = _shown(steps, one.cycle_from)
    for at, left_out in shown[:MOST_ROWS]:
        if at == one.cycle_from:
            lines.append("        and then again and again:")
        if left_out:
            lines.append(f"    ..  {left_out:,} more steps of {steps[at].thread}")
            continue
        step = steps[at]
        for first, (who, text, line) in enumerate(_rows(step)):
            cells = [_fit(text, w) if who == name else " " * w for name, w in zip(names, widths, strict=True)]
            number = "" if first else step.number
            lines.append((f"{number:>6}  " + "  ".join(cells) + ("" if line is None else f"{line:>7}")).rstrip())
    return lines + _cut(steps, shown) + _ending(one)


def _shown(steps: Sequence[TraceStep], cycle_from: int | None) -> list[tuple[int, int]]:
    """The steps that have rows, each with 0; and where steps are left out, the first of them with how many these are."""
    if len(steps) <= LONG:
        return [(at, 0) for at in range(len(steps))]
    out: list[tuple[int, int]] = []
    start = 0
    for end in range(1, len(steps) + 1):
        if end < len(steps) and steps[end].thread == steps[start].thread and end != cycle_from:
            continue
        if end - start >= FIRST + LAST + LEAST:
            out += [(at, 0) for at in range(start, start + FIRST)]
            out.append((start + FIRST, end - start - FIRST - LAST))
            out += [(at, 0) for at in range(end - LAST, end)]
        else:
            out += [(at, 0) for at in range(start, end)]
        start = end
    return out


def _rows(step: TraceStep) -> Iterator[tuple[str, str, int | None]]:
    """A step's rows, each with thread, text and line: the step itself, then its local actions."""
    yield step.thread, _cell(step), step.line
    for own in step.own:
        is_news = own.thread == step.thread and own.value != step.value
        if own.kind != "local" or is_news:  # neither the value just read, nor the initial locals of a new thread
            yield own.thread, str(own), own.line


def _columns(steps: Sequence[TraceStep]) -> list[str]:
    """The threads that move, main first, then in the order of their first step."""
    names = list(dict.fromkeys(who for step in steps for who, _, _ in _rows(step)))
    return sorted(names, key=lambda name: name != "main")


def _too_narrow(names: Sequence[str], width: int) -> bool:
    return (width - 12) // max(1, len(names)) - 2 < 12


def _cell(step: TraceStep) -> str:
    text = step.text
    if step.fault is not None:
        text += f" ! {step.fault}"
    if step.broke:
        text += " ! broken"
    return text


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _rows_of_one_column(steps: Sequence[TraceStep], cycle_from: int | None) -> list[str]:
    """The rows in one column with the thread's name in front, for too many threads or too narrow lines."""
    wide = max((len(step.thread) for step in steps), default=0)
    lines = []
    shown = _shown(steps, cycle_from)
    for at, left_out in shown[:MOST_ROWS]:
        if at == cycle_from:
            lines.append("        and then again and again:")
        if left_out:
            lines.append(f"    ..  {left_out:,} more steps of {steps[at].thread}")
            continue
        step = steps[at]
        for first, (who, text, line) in enumerate(_rows(step)):
            where = f"  (line {line})" if line is not None else ""
            lines.append(f"{'' if first else step.number:>6}  {who:<{wide}}  {text}{where}")
    return lines + _cut(steps, shown)


def _cut(steps: Sequence[TraceStep], shown: Sequence[tuple[int, int]]) -> list[str]:
    """How many steps come after the last row, where there are too many rows."""
    return [f"        and {len(steps) - shown[MOST_ROWS][0]:,} more steps"] if len(shown) > MOST_ROWS else []


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
