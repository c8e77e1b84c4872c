"""Calls of several threads as bars over time, one below the other: which began before which had come back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

from msgspec import Struct

from scenrun.printable import clean
from scenrun.report.width import columns, short
from scenrun.search.counterexample.trace import TraceStep

BEGINS, ENDS = "calls.call", "calls.finish"
"""The operations with which calls of behaviours begin and end."""
LONGEST = 40
"""The most columns of the text of a call."""


class Bar(Struct, frozen=True):
    """One call."""

    thread: str
    text: str
    """What was called, and what came of it."""
    began: float
    ended: float = inf
    """On the same scale; infinite: it has not come back."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the numbers of the events, from 0."""
        return {
            "thread": self.thread,
            "call": self.text,
            "began": self.began,
            "ended": None if self.ended == inf else self.ended,
        }


def bars_of(steps: Iterable[TraceStep]) -> tuple[Bar, ...]:
    """The calls of behaviours among the steps of a model."""
    out: list[Bar] = []
    last: dict[str, int] = {}
    for step in steps:
        if step.move.op == BEGINS:
            last[step.thread] = len(out)
            out.append(Bar(step.thread, step.text.removeprefix("call "), step.number))
        elif step.move.op == ENDS:
            at = last[step.thread]
            came = step.text.partition(" ")[2]
            out[at] = Bar(step.thread, f"{out[at].text} {came}".strip(), out[at].began, step.number)
    return tuple(out)


def drawn(bars: Sequence[Bar], wide: int, indent: int = 2) -> list[str]:
    """The bars as lines of text, in the order of their beginnings; none where they are too many for the width.

    From left to right is time: a bar that ends left of another one's beginning is a call that had come back before.
    """
    if not bars:
        return []
    names = max(columns(clean(one.thread)) for one in bars)
    places = _places(bars)
    if indent + names + 2 + max(places.values()) + 1 > wide:
        return []
    end = max(places.values())
    lines = []
    for number, one in enumerate(bars):
        first = places[number, False]
        last = places.get((number, True), end + 1)
        text = short(clean(one.text), LONGEST)
        room = last - first - 1 - columns(text)
        rest = "─" * max(0, room - 2)
        bar = f"├─{text}─{rest}{'┤' if one.ended != inf else '┄'}"
        lines.append(f"{' ' * indent}{clean(one.thread).ljust(names)}  {' ' * first}{bar}".rstrip())
    return lines


def _places(bars: Sequence[Bar]) -> dict[tuple[int, bool], int]:
    """The column of each beginning, and of each end, in the order of time."""
    events = [(one.began, False, number) for number, one in enumerate(bars)]
    events += [(one.ended, True, number) for number, one in enumerate(bars) if one.ended != inf]
    places: dict[tuple[int, bool], int] = {}
    now = -1
    for _, is_end, number in sorted(events):
        now += 1
        if is_end:
            text = short(clean(bars[number].text), LONGEST)
            now = max(now, places[number, False] + columns(text) + 3)
        places[number, is_end] = now
    return places
