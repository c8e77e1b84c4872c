"""A bounded cache of what a strategy needs to know of each state, and a cache that records the states of one walk.

The cache holds the next steps of single states, never a schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

MOST = 1 << 16
"""States that are remembered at a time."""

Known = TypeVar("Known")
Pick = Callable[[Known, int], int]
"""Chooses, for what is known of a state, and the state, one of the states that lead on."""


class KnownStates(dict[int, Known]):
    """A cache from states to what is known of them. Look-ups may raise Overflow, after which it must be discarded."""

    def __init__(self, worked_out: Callable[[int], Known], most: int = MOST) -> None:
        super().__init__()
        self.worked_out = worked_out
        self._most = most

    def __missing__(self, state: int) -> Known:
        if len(self) >= self._most:
            self.clear()
        found = self[state] = self.worked_out(state)
        return found

    def walk(self, pick: Pick[Known], state: int, limit: int) -> tuple[int, int]:
        """Walk from a state to an end, at most `limit` steps; returns the last state and the number of steps."""
        for steps in range(limit):
            known = self[state]
            if not known:
                return state, steps
            state = pick(known, state)
        return state, limit


class Recorder(KnownStates[Known]):
    """Records the states that are looked up, in order: the states of one walk."""

    def __init__(self, known: KnownStates[Known]) -> None:
        super().__init__(known.worked_out)
        self._known = known
        self.states: list[int] = []

    def __getitem__(self, state: int) -> Known:
        self.states.append(state)
        return self._known[state]
