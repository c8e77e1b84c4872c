"""Two caches that compute a value once for each key: one looks first and acts later, the other holds a lock meanwhile."""

import threading


class Cache:
    """Check, then act: two threads may both find nothing, and both compute."""

    def __init__(self) -> None:
        self.values: dict[int, int] = {}
        self.computed = 0

    def get(self, key: int) -> int:
        """The value of a key."""
        if key not in self.values:
            self.values[key] = self._compute(key)
        return self.values[key]

    def _compute(self, key: int) -> int:
        self.computed += 1
        return sum(number * number for number in range(key + 200))

    def computations(self) -> int:
        """How often a value was computed."""
        return self.computed


class LockedCache(Cache):
    """Nobody looks while another one acts."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def get(self, key: int) -> int:
        """The value of a key."""
        with self._lock:
            return super().get(key)
