"""Round robin: who has waited longest moves, until it waits or its time slice is over, as threads under the GIL do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

SWITCH_INTERVAL_NS = 5_000_000
"""CPython's own: `sys.getswitchinterval()` is 5 ms."""


class RoundRobin:
    """First come, first served, in time slices."""

    name = "round-robin"
    wakes_all = False

    def __init__(self, slice_ns: int = SWITCH_INTERVAL_NS) -> None:
        self.slice_ns = slice_ns
        self._ready: deque[Any] = deque()
        self.add = self._ready.append
        self.take = self._ready.popleft
        self.add_first = self._ready.appendleft

    def asked_ns(self) -> int:
        """When the first in line asks whoever moves to let it on, as it has waited for a whole slice; -1 if nobody is."""
        return self._ready[0].ready_ns + self.slice_ns if self._ready else -1

    def prefer(self, chosen: Callable[[Any], bool]) -> None:
        """Let the first in line, or else the last, go first if it is chosen."""
        if self._ready and not chosen(self._ready[0]) and chosen(self._ready[-1]):
            self._ready.appendleft(self._ready.pop())

    def __len__(self) -> int:
        return len(self._ready)
