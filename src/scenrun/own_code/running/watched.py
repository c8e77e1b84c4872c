"""What threads have read in loops in which they may wait until it is changed."""

from __future__ import annotations

from scenrun.own_code.running.steps import Controlled


class Watched:
    """The cells of one execution."""

    def __init__(self) -> None:
        self.is_used = False
        """Whether some thread is, or was, in a loop that may wait."""
        self._versions: dict[int, int] = {}
        """How often cells were changed."""
        self._waiting: dict[Controlled, frozenset[int]] = {}
        """The threads that wait, each with the cells that it has read."""

    def saw(self, one: Controlled, cell: int) -> None:
        """Note what a thread is about to read."""
        one.reads.setdefault(cell, self._versions.get(cell, 0))

    def watch(self, one: Controlled) -> bool:
        """Wake a thread when one of the cells is changed that it has read; returns whether one has been changed since it did."""
        one.is_woken = any(self._versions.get(cell, 0) != version for cell, version in one.reads.items())
        if not one.is_woken:
            self._waiting[one] = frozenset(one.reads)
        return one.is_woken

    def change(self, cell: int) -> None:
        """Note that a cell is changed, and wake those that wait for that."""
        self._versions[cell] = self._versions.get(cell, 0) + 1
        for one in [one for one, cells in self._waiting.items() if cell in cells]:
            one.is_woken = True
            del self._waiting[one]
