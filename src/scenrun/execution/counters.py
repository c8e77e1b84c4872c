"""Figures of a run: counters that any thread may advance, how many are listed, and to how many digits."""

from __future__ import annotations

import itertools
from typing import Any

MAX_LISTED = 200
"""Threads and objects that are listed one by one; the rest are counted."""


class Counter:
    """A count that threads advance without a lock: `next` on an `itertools.count` is one step of the interpreter."""

    __slots__ = ("_count", "add")

    def __init__(self) -> None:
        self._count = itertools.count()
        self.add = self._count.__next__

    @property
    def value(self) -> int:
        """How often `add` was called."""
        return int(repr(self._count)[6:-1])


def rounded(value: Any) -> Any:
    """Figures, to six digits behind the point."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value
