"""Chooses the holds that are drawn on their thread's own track: slices of a track must nest, and holds need not."""

from __future__ import annotations

from collections import defaultdict


class Nesting:
    """Follows the open holds of all threads. Of two that overlap without nesting, the later one is not drawn."""

    def __init__(self) -> None:
        self._going_on: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """The open holds of each thread, outermost first: `seq` of the line, and time, of their begin."""

    def began(self, thread: str, seq: int, at: int) -> None:
        """Notes the begin of a hold."""
        self._going_on[thread].append((seq, at))

    def ended(self, thread: str, seq: int) -> int | None:
        """Ends a hold; returns its begin, or None if it is not drawn. Drops the open holds within it, which would cross it."""
        holds = self._going_on.get(thread, [])
        for place in range(len(holds) - 1, -1, -1):
            if holds[place][0] == seq:
                began = holds[place][1]
                del holds[place:]
                return began
        return None
