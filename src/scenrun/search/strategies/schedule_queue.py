"""Hands out chunks of numbered schedules to processes, and merges their results in the order of the numbers.

So the tally always covers a prefix of all schedules, and the lowest failing one is known, for any number of processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from scenrun.report.amounts import exact_seconds
from scenrun.search.space.state_space import Stopped
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.results import Tally

AT_A_TIME_S = 0.05
"""The time that a process should take for one chunk, in seconds."""
Look = Callable[[Tally], "str | None"]
"""Called now and then with the tally so far; a sentence that it returns ends the campaign."""


class Chunk(Struct, frozen=True):
    """Consecutive schedules that one process walks, and the lesson for a policy that learns."""

    first: int
    count: int
    lesson: Any = None


class Walked(Struct, frozen=True):
    """The result of a chunk."""

    chunk: Chunk
    tally: Tally
    lesson: Any
    seconds: float


class Limits(Struct, frozen=True):
    """The limits of a campaign."""

    schedules: int | None
    seconds: float | None
    max_steps: int
    look: Look

    def reached(self, tally: Tally, began: float) -> str | None:
        """The limit that is reached, in words, or None; `began` is a time of `time.perf_counter`."""
        if self.schedules is not None and tally.schedules >= self.schedules:
            return f"{self.schedules:,} schedule{'s' if self.schedules != 1 else ''}"
        if self.seconds is not None and time.perf_counter() - began >= self.seconds:
            return exact_seconds(self.seconds)
        return self.look(tally)


class ScheduleQueue:
    """The schedules that are to be walked next, and the tally of all schedules before the first one that is still out."""

    def __init__(self, policy: Policy[Any], limits: Limits, began: float) -> None:
        self.policy = policy
        self.limits = limits
        self.began = began
        self.tally = Tally()
        self.ended_by: str | None = None
        self.died: list[Chunk] = []
        """Chunks whose worker has died once."""
        self._next = 0
        self._size = 1
        self._early: dict[int, Walked] = {}
        """Results by first schedule that wait for an earlier chunk."""
        self._round = 1
        """The number of schedules after which a policy that learns gets the lesson of all of them; then this doubles."""
        self._told: Any = None
        self.learnt: Any = None

    def stop(self) -> None:
        """Raise Stopped if a limit is reached; called within a schedule, as one may take long."""
        reason = self.limits.reached(self.tally, self.began)
        if reason is not None:
            raise Stopped(reason)

    def next(self) -> Chunk | None:
        """The next chunk; None where none is left, or where the results of earlier chunks are needed first."""
        if self.ended_by is not None:
            return None
        if self.policy.learns and self._next == self._round:
            if self.tally.schedules < self._next:
                return None
            self._told = self.learnt
            self._round *= 2
        count = min(self._size, self._left())
        if count <= 0:
            return None
        self._next += count
        return Chunk(self._next - count, count, self._told)

    def _left(self) -> int:
        """How many schedules may be handed out now."""
        left = self._size
        if self.limits.schedules is not None:
            left = self.limits.schedules - self._next
        return min(left, self._round - self._next) if self.policy.learns else left

    def take(self, walked: Walked) -> None:
        """Take a result, and merge all results whose predecessors have been merged."""
        self._early[walked.chunk.first] = walked
        while (following := self._early.pop(self.tally.schedules, None)) is not None:
            self.tally.add(following.tally)
            self.learnt = self.policy.merged(self.learnt, following.lesson)
            self._resize(following)
        self.ended_by = self.ended_by or self.limits.reached(self.tally, self.began)

    def _resize(self, walked: Walked) -> None:
        per_schedule = max(walked.seconds / max(walked.chunk.count, 1), 1e-9)
        self._size = max(1, min(int(AT_A_TIME_S / per_schedule), 4 * walked.chunk.count))
