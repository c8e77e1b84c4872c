"""Numbers for names: one registry that two threads can confuse, and one that is mended."""

import threading


class Registry:
    """Gives each name a number of its own."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number_of(self, name: str) -> int:
        """The number of a name, a new one if it has none."""
        if name not in self._numbers:
            self._numbers[name] = len(self._numbers)
        return self._numbers[name]

    def names(self) -> list[str]:
        """All names so far."""
        return list(self._numbers)


class LockedRegistry(Registry):
    """The same, where one thread at a time looks and gives."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def number_of(self, name: str) -> int:
        with self._lock:
            return super().number_of(name)

    def names(self) -> list[str]:
        with self._lock:
            return super().names()
