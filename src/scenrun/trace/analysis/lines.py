"""Who was let go on by which line where several wait for one object: by a notify, a set, the last one at a barrier, a permit."""

from __future__ import annotations

from collections import deque

from scenrun.trace.analysis.cause import Cause


class Line:
    """Threads that wait at a condition, an event or a barrier, the first one first, and who has let them go on."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._freed: dict[str, Cause] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def join(self, thread: str) -> None:
        """A thread begins to wait."""
        self._freed.pop(thread, None)
        self._waiting.pop(thread, None)
        self._waiting[thread] = None

    def free(self, cause: Cause, most: int | None = None) -> None:
        """The first ones, or all, are let go on by this line."""
        for thread in list(self._waiting)[:most]:
            del self._waiting[thread]
            self._freed[thread] = cause

    def leave(self, thread: str) -> Cause | None:
        """A thread goes on; the line that let it, if one did."""
        self._waiting.pop(thread, None)
        return self._freed.pop(thread, None)

    def scatter(self) -> None:
        """Nobody waits any more: a barrier was broken."""
        self._waiting.clear()


class Tokens:
    """What can be taken so often: permits of a semaphore, or places of a bounded queue. The oldest one is taken first."""

    def __init__(self, count: int) -> None:
        self._untouched = count
        """Those that are there from the beginning."""
        self._given: deque[Cause] = deque()

    def give(self, cause: Cause, times: int = 1) -> None:
        """So many more, by this line."""
        self._given.extend([cause] * times)

    def take(self) -> Cause | None:
        """One less: the line that gave it; None for one that was there from the beginning, or if that line is still to come."""
        if self._untouched > 0:
            self._untouched -= 1
            return None
        return self._given.popleft() if self._given else None
