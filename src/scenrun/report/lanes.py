"""Lays overlapping spans of an object side by side, in as few lanes as there are spans at once."""

from __future__ import annotations


class Lanes:
    """The lanes of one object. Spans come in the order of their ends."""

    def __init__(self, only: bool) -> None:
        self.ends: list[int] = []
        """The end of the last span of each lane."""
        self._only = only
        """Whether all spans lie in one lane, because they overlap by the clock's noise only."""

    def place(self, begin: int, end: int) -> tuple[int, int]:
        """The lane of a span, and its begin there; of the free lanes the one that ended last is taken."""
        if self._only and self.ends:
            lane, begin = 0, max(begin, self.ends[0])
        else:
            free = [lane for lane, ended in enumerate(self.ends) if ended <= begin]
            lane = max(free, key=self.ends.__getitem__) if free else len(self.ends)
        if lane == len(self.ends):
            self.ends.append(end)
        self.ends[lane] = max(begin, end)
        return lane, begin
