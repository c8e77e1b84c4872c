"""Priority scheduling: the ready thread with the highest priority moves, until it waits or one with a higher is ready."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any


class Priorities:
    """Schedules by the priority of a thread's or group's name, 0 if none is given; the higher goes first, equals take turns."""

    name = "priorities"
    slice_ns = -1
    wakes_all = True

    def __init__(self, priorities: Mapping[str, int]) -> None:
        self._priorities = dict(priorities)
        self._ready: list[tuple[int, int, Any]] = []
        self._count = 0

    def add(self, thread: Any) -> None:
        """Adds a ready thread."""
        self._count += 1
        found = self._priorities.get(thread.name, self._priorities.get(thread.group, 0))
        heapq.heappush(self._ready, (-found, self._count, thread))

    def take(self) -> Any:
        """Removes and returns the ready thread with the highest priority; of equals the one that became ready first."""
        return heapq.heappop(self._ready)[2]

    def __len__(self) -> int:
        return len(self._ready)
