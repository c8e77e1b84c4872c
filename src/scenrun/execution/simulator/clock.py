"""The queue of moments of virtual time at which sleeps and timeouts end."""

from __future__ import annotations

import heapq
from typing import Any

COMPACT_AT = 10_000
"""Entries that are added between two removals of those that are out of date."""


class Clock:
    """A heap of (moment, number, thread). An entry is out of date, and skipped, if its number is not the thread's `timer`."""

    __slots__ = ("_count", "entries")

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, Any]] = []
        self._count = 0

    def wake_at(self, thread: Any, at_ns: int) -> None:
        """Wakes a thread at a moment, unless it is woken before."""
        self._count += 1
        thread.timer, thread.wakes_ns = self._count, at_ns
        heapq.heappush(self.entries, (at_ns, self._count, thread))
        if not self._count % COMPACT_AT:
            self._compact()

    def _compact(self) -> None:
        """Removes the entries that are out of date."""
        self.entries = [entry for entry in self.entries if entry[2].timer == entry[1]]
        heapq.heapify(self.entries)

    def first(self) -> int | None:
        """Returns the next moment at which a thread wakes; None if there is none."""
        entries = self.entries
        while entries:
            at_ns, count, thread = entries[0]
            if thread.timer == count:
                return at_ns
            heapq.heappop(entries)
        return None

    def due(self, now_ns: int) -> list[Any]:
        """Removes and returns the threads whose moment has come, in the order of the moments."""
        entries, found = self.entries, []
        while entries and entries[0][0] <= now_ns:
            at_ns, count, thread = heapq.heappop(entries)
            if thread.timer == count:
                thread.timer = 0
                thread.ready_ns = at_ns
                found.append(thread)
        return found
