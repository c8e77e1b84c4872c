"""Lays spans that may overlap side by side, in as few lanes as there are at once."""

from __future__ import annotations


class Lanes:
    """The lanes of one object. Spans come in the order of their ends."""

    def __init__(self, only: bool) -> None:
        self.ends: list[int] = []
        """When the last span of each lane ended."""
        self._only = only
        """Whether spans never overlap but for the clock's noise: all of them lie in one lane."""

    def place(self, begin: int, end: int) -> tuple[int, int]:
        """The lane of a span, and where it begins there: the lane that has been free for the shortest time."""
        if self._only and self.ends:
            lane, begin = 0, max(begin, self.ends[0])
        else:
            free = [lane for lane, ended in enumerate(self.ends) if ended <= begin]
            lane = max(free, key=self.ends.__getitem__) if free else len(self.ends)
        if lane == len(self.ends):
            self.ends.append(end)
        self.ends[lane] = max(begin, end)
        return lane, begin
