"""Priorities: of the threads that could move the most urgent one does, and keeps on until it waits or one more urgent can."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any


class Priorities:
    """A priority for each thread or group by name, 0 where none is given; the higher goes first, equals take turns."""

    name = "priorities"
    slice_ns = -1
    wakes_all = True

    def __init__(self, priorities: Mapping[str, int]) -> None:
        self._priorities = dict(priorities)
        self._ready: list[tuple[int, int, Any]] = []
        self._count = 0

    def add(self, thread: Any) -> None:
        """This thread could move."""
        self._count += 1
        found = self._priorities.get(thread.name, self._priorities.get(thread.group, 0))
        heapq.heappush(self._ready, (-found, self._count, thread))

    def take(self) -> Any:
        """The most urgent one."""
        return heapq.heappop(self._ready)[2]

    def __len__(self) -> int:
        return len(self._ready)
