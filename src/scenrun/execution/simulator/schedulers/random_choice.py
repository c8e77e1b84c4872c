"""Random scheduling: before every step one of the ready threads is drawn, each with the same probability."""

from __future__ import annotations

from typing import Any

from scenrun.program.draws import Draws


class RandomChoice:
    """Schedules by a uniform random walk, the same for the same seed."""

    name = "random"
    slice_ns = -1
    wakes_all = True

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "scheduler#")  # no thread can have this name, and so these draws
        self._ready: list[Any] = []
        self.add = self._ready.append

    def take(self) -> Any:
        """Removes and returns a ready thread drawn at random."""
        ready = self._ready
        if len(ready) < 2:
            return ready.pop()
        at = self._draws.bits() * len(ready) >> 64
        ready[at], ready[-1] = ready[-1], ready[at]  # removing from the end takes constant time
        return ready.pop()

    def __len__(self) -> int:
        return len(self._ready)
