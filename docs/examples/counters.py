"""Two counters: one that loses updates when threads add at the same time, and one with a lock."""

import threading


class Counter:
    """Adds one to what it has read a moment before."""

    def __init__(self, start: int = 0) -> None:
        self.count = start

    def add(self) -> int:
        """One more; the new count."""
        after = following(self.count)
        self.count = after
        return after

    def value(self) -> int:
        """The count."""
        return self.count


class LockedCounter(Counter):
    """The same, one thread at a time."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(start)
        self._lock = threading.Lock()

    def add(self) -> int:
        """One more; the new count."""
        with self._lock:
            return super().add()


def following(number: int) -> int:
    """The next number, after some thought."""
    return number + len([None for _ in range(20)]) // 20
