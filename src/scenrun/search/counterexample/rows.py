"""From the steps of a counterexample to the rows of its table: switches, local actions, rounds in brackets, what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scenrun.program.values import key
from scenrun.search.counterexample.local_steps import OwnStep
from scenrun.search.counterexample.rounds import Rounds, rounds_of
from scenrun.search.counterexample.trace import TraceStep

LONG, FIRST, LAST, LEAST = 60, 3, 2, 10
"""Steps from which on a story is long. Of what a thread then does without a switch, only the first and last few steps are shown,
if at least so many are left out."""
OTHER_VALUES = 4
"""Rounds that differ in their values are left out between the first and the last from so many on."""


class Row(Struct, frozen=True):
    """A row of the table."""

    at: int
    """The position of its step, from 0."""
    text: str
    thread: str = ""
    """The thread in whose column it stands; empty where it takes the whole width."""
    number: int | None = None
    """The number of its step, in the first of its rows."""
    line: int | None = None
    bracket: str = " "
    times: int = 0
    """In the last row of a bracket: how often its steps come."""


def rows_of(steps: Sequence[TraceStep], cycle_from: int | None = None) -> list[Row]:
    """All rows, in their order. cycle_from: the position of the first step of a livelock's cycle."""
    if cycle_from is None:
        return list(_part(steps, 0, len(steps)))
    again = Row(cycle_from, "and then again and again:")
    return [*_part(steps, 0, cycle_from), again, *_part(steps, cycle_from, len(steps))]


def brackets_of(steps: Sequence[TraceStep], cycle_from: int | None = None) -> list[Rounds]:
    """The rounds that show the same each time."""
    whole = len(steps)
    parts = [(0, whole)] if cycle_from is None else [(0, cycle_from), (cycle_from, whole)]
    return [rounds for begin, end in parts for rounds in _found(steps, begin, end) if _are_the_same(steps, rounds)]


def rows_of_step(step: TraceStep, at: int = 0) -> Iterator[Row]:
    """A step's rows: why its thread goes on, the step itself, then its local actions."""
    if step.switched is not None and step.switched.kind in ("blocked", "conflict"):
        yield Row(at, f"switched: {step.switched.text}")
    yield Row(at, _cell(step), step.thread, step.number, step.line)
    for own in step.own:
        if is_news(step, own):
            yield Row(at, str(own), own.thread, None, own.line)


def is_news(step: TraceStep, own: OwnStep) -> bool:
    """Whether a local action says more than its step: not the value just read, nor the initial locals of a new thread."""
    if own.kind not in ("local", "asked"):
        return True
    gets = not step.move.op.startswith("variable.") or step.move.op == "variable.read"
    is_known = gets and own is step.own[0] and key(own.value) == key(step.value)
    return own.thread == step.thread and not is_known


def _cell(step: TraceStep) -> str:
    text = step.text
    is_told_below = any(own.kind == "raised" and own.text == step.fault for own in step.own)
    if step.fault is not None and not is_told_below:
        text += f" ! {step.fault}"
    if step.broke:
        text += " ! broken"
    return text


def _part(steps: Sequence[TraceStep], begin: int, end: int) -> Iterator[Row]:
    """The rows of some of the steps."""
    at = begin
    for rounds in _found(steps, begin, end):
        yield from _stretches(steps, at, rounds.begin)
        yield from _rounds(steps, rounds)
        at = rounds.end
    yield from _stretches(steps, at, end)


def _found(steps: Sequence[TraceStep], begin: int, end: int) -> list[Rounds]:
    found = rounds_of([_alike(step) for step in steps[begin:end]])
    return [one._replace(begin=one.begin + begin) for one in found]


def _alike(step: TraceStep) -> tuple[object, ...]:
    """What steps have in common that are the same one in different rounds."""
    own = tuple((own.thread, own.kind) for own in step.own)
    return step.thread, step.move, step.object, step.line, step.fault, step.broke, own


def _rounds(steps: Sequence[TraceStep], rounds: Rounds) -> Iterator[Row]:
    """The first round in a bracket where all are the same; where only values differ, the first and the last."""
    if _are_the_same(steps, rounds):
        yield from _in_bracket(
            [row for at in range(rounds.length) for row in _rows(steps, rounds.begin + at)], rounds.times
        )
        return
    if rounds.times < OTHER_VALUES:
        yield from _stretches(steps, rounds.begin, rounds.end)
        return
    second, last = rounds.begin + rounds.length, rounds.end - rounds.length
    yield from _stretches(steps, rounds.begin, second)
    yield Row(second, f"..  {rounds.times - 2:,} more rounds like this, with other values")
    yield from _stretches(steps, last, rounds.end)


def _are_the_same(steps: Sequence[TraceStep], rounds: Rounds) -> bool:
    """Whether each round shows the same; why its thread goes on at the beginning may differ in the first."""
    each = [[_without_switch(steps, at, positions.start) for at in positions] for positions in rounds.positions()]
    return all(one == each[0] for one in each)


def _without_switch(steps: Sequence[TraceStep], at: int, first: int) -> list[tuple[str, str, int | None]]:
    """What a step of a round shows, without the switch to the round."""
    step = replace(steps[at], switched=None) if at == first else steps[at]
    return [(row.thread, row.text, row.line) for row in rows_of_step(step)]


def _in_bracket(rows: Sequence[Row], times: int) -> Iterator[Row]:
    before = next(at for at, row in enumerate(rows) if row.thread)
    yield from rows[:before]
    inside = rows[before:]
    for at, row in enumerate(inside):
        is_last = at == len(inside) - 1
        sign = "[" if len(inside) == 1 else "┌" if not at else "└" if is_last else "│"
        yield replace(row, bracket=sign, times=times if is_last else 0)


def _rows(steps: Sequence[TraceStep], at: int) -> Iterator[Row]:
    return rows_of_step(steps[at], at)


def _stretches(steps: Sequence[TraceStep], begin: int, end: int) -> Iterator[Row]:
    """The rows of some steps; in a long story, what one thread does without a switch is cut in the middle."""
    start = begin
    for at in range(begin, end):
        if at + 1 < end and steps[at + 1].thread == steps[start].thread:
            continue
        shown = [*range(start, at + 1)]
        left_out = len(shown) - FIRST - LAST
        is_cut = len(steps) > LONG and left_out >= LEAST
        for place in shown[:FIRST] if is_cut else shown:
            yield from _rows(steps, place)
        if is_cut:
            yield Row(start + FIRST, f"..  {left_out:,} more steps of {steps[start].thread}")
            for place in shown[-LAST:]:
                yield from _rows(steps, place)
        start = at + 1
