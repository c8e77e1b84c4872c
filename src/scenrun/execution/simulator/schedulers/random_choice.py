"""Random choice: before every step one of the threads that could move is drawn, each as likely as the others."""

from __future__ import annotations

from typing import Any

from scenrun.program.draws import Draws


class RandomChoice:
    """A uniform random walk, the same for the same seed."""

    name = "random"
    slice_ns = -1
    wakes_all = True

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "scheduler#")  # no thread can be called so
        self._ready: list[Any] = []
        self.add = self._ready.append

    def take(self) -> Any:
        """Draw one; the last one takes its place."""
        ready = self._ready
        if len(ready) < 2:
            return ready.pop()
        at = self._draws.bits() * len(ready) >> 64
        ready[at], ready[-1] = ready[-1], ready[at]
        return ready.pop()

    def __len__(self) -> int:
        return len(self._ready)
