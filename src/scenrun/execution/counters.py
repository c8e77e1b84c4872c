"""Helpers for the figures of a run: a counter without a lock, the limit of listed entries, and rounding."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

MAX_LISTED = 200
"""The most threads, and the most objects, that are listed one by one; the rest are only counted."""


class Counter:
    """A counter that threads increment without a lock: `next` on an `itertools.count` is one step of the interpreter."""

    __slots__ = ("_count", "add")

    def __init__(self) -> None:
        self._count = itertools.count()
        self.add = self._count.__next__

    @property
    def value(self) -> int:
        """The number of calls of `add`."""
        # reading by `next` would change the count; its text is `count(N)`
        return int(repr(self._count)[6:-1])


def by_worker(threads: Iterable[Any], figures: Callable[[Any], dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """The figures of threads by name, those of a pool's tasks summed by worker, and how many threads are left out."""
    out: dict[str, Any] = {}
    left_out = 0
    for thread in threads:
        name = thread.worker or thread.name
        if name not in out and len(out) == MAX_LISTED:
            left_out += 1
        elif name not in out:
            out[name] = figures(thread)
        else:
            before = out[name]
            out[name] = {key: before[key] + value for key, value in figures(thread).items()}
    return rounded(out), left_out


def rounded(value: Any) -> Any:
    """Rounds figures to six decimal places."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value
