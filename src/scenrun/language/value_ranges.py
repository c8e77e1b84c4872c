"""Parses ranges of whole numbers for swept parameters: `1..8`, `0..100+10`, `1..64*2`."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_VALUES = 100_000
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:([+*])(\d+))?\Z")


class RangeError(Exception):
    """The text is not a valid range; the message says why."""


def is_range(text: str) -> bool:
    """Whether a text has the form of a range: `FIRST..LAST`, optionally with `+STEP` or `*FACTOR`."""
    return ".." in text and _RANGE.match(text.replace(" ", "")) is not None


def values_of(text: str) -> tuple[int, ...]:
    """The whole numbers of a range, `LAST` included where a step meets it; raises RangeError."""
    match = _RANGE.match(text.replace(" ", ""))
    if match is None:
        raise RangeError(f"`{text[:60]}` is no range; ranges are written 1..8, 0..100+10 or 1..64*2")
    first, last, sign, by = int(match[1]), int(match[2]), match[3] or "+", int(match[4] or 1)
    if first > last:
        raise RangeError(f"the range {text[:60]} begins after its end")
    if by == 0 or (sign == "*" and (by < 2 or first < 1)):
        rule = "begins at 1 or more, and its factor is at least 2" if sign == "*" else "has a step of at least 1"
        raise RangeError(f"the range {text[:60]} would never end: such a range {rule}")
    out: list[int] = []
    for value in _from(first, sign, by):
        if value > last:
            return tuple(out)
        if len(out) == MAX_VALUES:
            raise RangeError(f"the range {text[:60]} has more than {MAX_VALUES:,} values")
        out.append(value)
    raise AssertionError("a range ends")


def _from(value: int, sign: str, by: int) -> Iterator[int]:
    while True:
        yield value
        value = value + by if sign == "+" else value * by
