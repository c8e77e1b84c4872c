"""Round-robin scheduling: the thread ready longest moves until it waits or its time slice is over, as under the GIL."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

SWITCH_INTERVAL_NS = 5_000_000
"""CPython's own switch interval: `sys.getswitchinterval()` is 5 ms."""


class RoundRobin:
    """Schedules first come, first served, in time slices."""

    name = "round-robin"
    wakes_all = False

    def __init__(self, slice_ns: int = SWITCH_INTERVAL_NS) -> None:
        self.slice_ns = slice_ns
        self._ready: deque[Any] = deque()
        self.add = self._ready.append
        self.take = self._ready.popleft
        self.add_first = self._ready.appendleft

    def asked_ns(self) -> int:
        """The moment at which the first ready thread has waited for a whole slice and gets its turn; -1 if none is ready."""
        return self._ready[0].ready_ns + self.slice_ns if self._ready else -1

    def prefer(self, chosen: Callable[[Any], bool]) -> None:
        """Moves the last ready thread to the front if it is chosen and the first is not."""
        if self._ready and not chosen(self._ready[0]) and chosen(self._ready[-1]):
            self._ready.appendleft(self._ready.pop())

    def __len__(self) -> int:
        return len(self._ready)
