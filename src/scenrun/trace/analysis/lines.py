"""Waiting lines and tokens: which line of the log let which waiting thread go on, by a notify, a set, a barrier or a permit."""

from __future__ import annotations

from collections import deque

from scenrun.trace.analysis.cause import Cause


class Line:
    """The threads that wait at a condition, an event or a barrier, first come first, and the causes of those let go on."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._freed: dict[str, Cause] = {}

    def __len__(self) -> int:
        """The number of waiting threads."""
        return len(self._waiting)

    def join(self, thread: str) -> None:
        """Adds a thread at the end."""
        self._freed.pop(thread, None)
        self._waiting.pop(thread, None)
        self._waiting[thread] = None

    def free(self, cause: Cause, most: int | None = None) -> None:
        """Lets the first `most` threads, or all, go on because of this line."""
        for thread in list(self._waiting)[:most]:
            del self._waiting[thread]
            self._freed[thread] = cause

    def leave(self, thread: str) -> Cause | None:
        """Removes a thread; returns the line that let it go on, if one did."""
        self._waiting.pop(thread, None)
        return self._freed.pop(thread, None)

    def scatter(self) -> None:
        """Removes all threads, without a cause: a barrier was broken."""
        self._waiting.clear()


class Tokens:
    """Permits of a semaphore, or free places of a bounded queue. The oldest is taken first."""

    def __init__(self, count: int) -> None:
        self._untouched = count
        """The tokens left of those that were there from the beginning."""
        self._given: deque[Cause] = deque()

    def give(self, cause: Cause, times: int = 1) -> None:
        """Adds `times` tokens that this line gave."""
        self._given.extend([cause] * times)

    def take(self) -> Cause | None:
        """Takes one; returns the line that gave it, or None if it was there from the beginning or that line is still to come."""
        if self._untouched > 0:
            self._untouched -= 1
            return None
        return self._given.popleft() if self._given else None
