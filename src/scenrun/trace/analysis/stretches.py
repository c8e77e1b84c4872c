"""Stretches of the critical path in the order of time: which thread it was in, from when to when."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MOST_STRETCHES = 100_000
"""The most stretches of a path; beyond, the shortest are left out."""


class Stretch(NamedTuple):
    """A time in which the path is in one thread, in seconds of the run and by the `seq` of its lines."""

    thread: str
    begin_s: float
    end_s: float
    begin_seq: int
    end_seq: int


class Stretches:
    """The stretches of a part of a path. Neighbours of one thread are one stretch."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: deque[Stretch] = deque()

    def __iter__(self) -> Iterator[Stretch]:
        return iter(self._all)

    def add(self, thread: str, begin: tuple[float, int], end: tuple[float, int]) -> None:
        """Adds a stretch at the end."""
        if self._all and (last := self._all[-1]).thread == thread and last.end_s == begin[0]:
            self._all[-1] = last._replace(end_s=end[0], end_seq=end[1])
        else:
            self._all.append(Stretch(thread, begin[0], end[0], begin[1], end[1]))

    def after(self, before: Stretches) -> Stretches:
        """Both parts as one; neither may be used any more."""
        # The shorter one goes into the longer one, so that long paths are put together in linear time.
        if len(before._all) > len(self._all):
            before._all.extend(self._all)
            self._all = before._all
        else:
            self._all.extendleft(reversed(before._all))
        if len(self._all) > 2 * MOST_STRETCHES:
            self._all = deque(_longest(self._all))
        return self

    @staticmethod
    def joined(parts: Iterable[Stretches]) -> list[Stretch]:
        """All stretches of consecutive parts."""
        out = Stretches()
        for part in parts:
            for one in part:
                out.add(one.thread, (one.begin_s, one.begin_seq), (one.end_s, one.end_seq))
        return _longest(out._all)


def _longest(stretches: deque[Stretch]) -> list[Stretch]:
    """The longest stretches, in the order of time."""
    if len(stretches) <= MOST_STRETCHES:
        return list(stretches)
    by_length = sorted(enumerate(stretches), key=lambda numbered: numbered[1].begin_s - numbered[1].end_s)
    return [one for _, one in sorted(by_length[:MOST_STRETCHES])]
