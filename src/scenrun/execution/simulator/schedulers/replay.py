"""Replay: whose turn it is was decided before, by a schedule that came out of another run."""

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
        """Whose turn it is, once it has been let on."""
        self._moves = self._parks = 0
        """How many steps it has made when its turn is over, and how often it had waited when that began."""
        self._count = 0
        self._ready: OrderedDict[str, Any] = OrderedDict()

    def add(self, thread: Any) -> None:
        """This thread could move."""
        self._ready[thread.name] = thread

    def take(self) -> Any:
        """The thread of the schedule's next turn; a UsageError where it cannot move."""
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
        """Until when the thread whose turn it is may go on."""
        if self._turn is None:
            return -1
        return _FOR_EVER if self._turn.until_ns is None else self._turn.until_ns

    def _is_over(self) -> bool:
        """Whether the turn's steps are made, and where it says so, its thread has come to where it waits."""
        thread, turn = self._thread, self._turn
        if thread is None or turn is None:
            return True
        return bool(
            thread.moves >= self._moves and (turn.until_ns is not None or thread.parks > self._parks or thread.ended)
        )

    def __len__(self) -> int:
        return len(self._ready)
