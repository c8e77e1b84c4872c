"""Decides which holds of a thread are drawn on its own track: slices of one track nest, and holds need not."""

from __future__ import annotations

from collections import defaultdict


class Nesting:
    """Follows the holds that are going on. Of two that overlap without nesting the one that began later is not drawn."""

    def __init__(self) -> None:
        self._going_on: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """The holds of each thread, the outermost first: the line that each began with, and when."""

    def began(self, thread: str, seq: int, at: int) -> None:
        """A thread has taken something, and may hold it from now on."""
        self._going_on[thread].append((seq, at))

    def ended(self, thread: str, seq: int) -> int | None:
        """When a hold began that ends now; None if it is not to be drawn. Those within it would cross it."""
        holds = self._going_on.get(thread, [])
        for place in range(len(holds) - 1, -1, -1):
            if holds[place][0] == seq:
                began = holds[place][1]
                del holds[place:]
                return began
        return None
