"""The base class of strategies that enumerate all schedules, and the loop that tallies their schedules up to the limits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar

from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.search.strategies.executions import Executions, Point
from scenrun.search.strategies.finding_recorder import FindingRecorder
from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.results import Tally
from scenrun.search.strategies.schedule_queue import Limits

T = TypeVar("T")
LOOK_EVERY = 64
"""Schedules between two checks of the limits."""
TELL_EVERY = 256
"""Steps between two reports that a schedule has not ended yet."""


class Ending(Enum):
    """How a schedule ended."""

    END = "end"
    """No thread is enabled, or main and all threads but daemons have ended."""
    STEPS = "steps"
    """It was cut off after the maximal number of steps."""
    ROUND = "round"
    """It was cut off where it returned to one of its own states: it need not end."""
    NOT_YET = "not yet"
    """It has not ended; reported from time to time, so that the limits can be checked."""
    KNOWN = "known"
    """It was walked before, and is not counted."""
    REDUNDANT = "redundant"
    """It was given up, as other schedules show all that it could show."""


class Exhaustive(ABC):
    """Enumerates schedules depth first, backtracking to the last point that has an unexplored option."""

    def __init__(self, executions: Executions, max_steps: int) -> None:
        self.executions = executions
        self.max_steps = max_steps
        self.steps = 0
        """Steps taken in all schedules together, without backtracking."""
        self.bound: int | None = None
        """For a bounded strategy: the bound up to which all schedules have been walked."""
        self.begin()

    def begin(self) -> None:
        """Begin at a new initial state, and forget what was known of states before."""
        self.initial = self.executions.begin()
        self.known: KnownStates[Point] = KnownStates(self.executions.point)

    def _begin_anew(self) -> None:
        """Find the states of the current schedule again, after an Overflow."""
        while True:
            try:
                self.begin()
                self._follow_again()
                return
            except Overflow:
                continue

    def _after_overflow(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of some work on the current schedule that an Overflow has interrupted."""
        while True:
            self._begin_anew()
            with suppress(Overflow):
                return work(*arguments)

    @abstractmethod
    def _follow_again(self) -> None:
        """Replace the states of the current schedule by new ones, which the same steps lead to."""

    @abstractmethod
    def schedules(self) -> Iterator[Ending]:
        """Yields how each schedule ended, until all have been walked."""

    @abstractmethod
    def states(self) -> list[int]:
        """The states of the schedule that has just ended, from the initial one on."""

    def counted(self, ending: Ending | None) -> Ending | None:
        """Count a step; returns how the schedule ended, or NOT_YET every `TELL_EVERY` steps."""
        self.steps += 1
        return Ending.NOT_YET if ending is None and not self.steps % TELL_EVERY else ending

    @property
    @abstractmethod
    def left_out(self) -> str | None:
        """After all schedules: why some were left out, in words; None where the search is complete."""


def cut_off(cut: dict[Ending, int]) -> str | None:
    """Why schedules were cut off, as a sentence without its full stop."""
    if Ending.ROUND in cut:
        return f"{_some(cut[Ending.ROUND])} came back to an earlier state: they need not end, and were cut off there"
    if Ending.STEPS in cut:
        return f"{_some(cut[Ending.STEPS])} had not ended after the most steps, and were cut off there"
    return None


def _some(count: int) -> str:
    return f"{count:,} schedules" if count != 1 else "1 of the schedules"


class Progress:
    """Tallies the schedules of an exhaustive strategy, up to the limits."""

    def __init__(self, search: Exhaustive, limits: Limits, began: float) -> None:
        self.search = search
        self.limits = limits
        self.began = began
        self.tally = Tally()
        self.redundant = 0
        self._recorder = FindingRecorder(search.executions, self.tally)

    def run(self) -> str | None:
        """Walk schedules until a limit is reached or none is left; returns why some were left out, None where none were."""
        reached = self.limits.reached(self.tally, self.began)
        if reached is not None:
            return reached
        for count, ending in enumerate(self.search.schedules()):
            if self.tally.schedules == self.limits.schedules:
                return self.limits.reached(self.tally, self.began)
            failing = self.tally.failing
            if ending not in (Ending.NOT_YET, Ending.KNOWN, Ending.REDUNDANT):
                self._take(ending)
            is_first = failing == 0 < self.tally.failing
            self.redundant += ending is Ending.REDUNDANT
            if (ending is Ending.NOT_YET or is_first or not count % LOOK_EVERY) and self._is_short_of_limit():
                reached = self.limits.reached(self.tally, self.began)
                if reached is not None:
                    return reached
        return self.search.left_out

    def stop(self) -> None:
        """Raise Stopped if a limit is reached; called within a schedule, as one may take long."""
        reached = self.limits.reached(self.tally, self.began)
        if reached is not None and self._is_short_of_limit():
            raise Stopped(reached)

    def _is_short_of_limit(self) -> bool:
        """False at the limit of schedules: one more is looked for then, as the search is complete if there is none."""
        return self.limits.schedules is None or self.tally.schedules < self.limits.schedules

    def _take(self, ending: Ending) -> None:
        tally, states = self.tally, self.search.states()
        is_end = ending is Ending.END
        findings = self._recorder.of_end(states[-1]) if is_end else self._recorder.of_cut_off(states[-1])
        self._recorder.keep(findings, tally.schedules, states)
        tally.schedules += 1
        tally.cut_off += not is_end
        tally.failing += bool(findings)
        tally.steps += len(states) - 1
        tally.longest = max(tally.longest, len(states) - 1)
