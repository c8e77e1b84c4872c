"""Replay scheduling: threads take the turns of a schedule recorded in another run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from scenrun.errors import UsageError
from scenrun.model.turn_schedule import Turn

_FOR_EVER = 1 << 62


class Replay:
    """Follows a schedule to its end; after that, first come, first served."""

    name = "replay"
    slice_ns = -1

    def __init__(self, turns: Sequence[Turn], wakes_all: bool = True) -> None:
        self.wakes_all = wakes_all
        self._turns = iter(turns)
        self._turn: Turn | None = None
        self._thread: Any = None
        """The thread of the current turn, once it was resumed for it."""
        self._moves = self._parks = 0
        """The steps that the thread will have made at the end of its turn, and its waits at the beginning of the turn."""
        self._count = 0
        self._ready: OrderedDict[str, Any] = OrderedDict()

    def add(self, thread: Any) -> None:
        """Adds a ready thread."""
        self._ready[thread.name] = thread

    def take(self) -> Any:
        """Removes and returns the thread of the schedule's next turn; raises UsageError if it is not ready."""
        if not self._ready:
            raise IndexError
        if self._is_over():
            self._turn, self._thread = next(self._turns, None), None
            self._count += 1
        if self._turn is None:
            return self._ready.popitem(last=False)[1]
        thread = self._ready.pop(self._turn.thread, None)
        if thread is None:
            raise UsageError(f"the schedule does not fit: in turn {self._count:,}, `{self._turn.thread}` cannot move")
        if self._thread is None:
            self._thread, self._moves, self._parks = thread, thread.moves + self._turn.steps, thread.parks
        return thread

    def until_ns(self) -> int:
        """The moment until which the thread may go on, in nanoseconds; -1, so for one step, after the schedule's end."""
        if self._turn is None:
            return -1
        return _FOR_EVER if self._turn.until_ns is None else self._turn.until_ns

    def _is_over(self) -> bool:
        """Whether the turn's steps are made and, if the turn has no end in time, its thread has waited again or ended."""
        thread, turn = self._thread, self._turn
        if thread is None or turn is None:
            return True
        return bool(
            thread.moves >= self._moves and (turn.until_ns is not None or thread.parks > self._parks or thread.ended)
        )

    def __len__(self) -> int:
        return len(self._ready)
