"""Strategies that go through all schedules in an order of their own: each tells how every schedule ended, until none is left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import Enum

from scenrun.search.space.packed import Overflow, Packed, Stopped
from scenrun.search.strategies.found import Tally
from scenrun.search.strategies.remembered import Point, Points, Remembered
from scenrun.search.strategies.schedule_queue import Limits
from scenrun.search.strategies.showing import Showing

LOOK_EVERY = 64
"""Schedules between two looks at the limits."""
TELL_EVERY = 256
"""Steps after which a schedule that goes on says so."""
MOST_ENDS = 1 << 16
"""Ends whose judgement is remembered at a time."""


class Ending(Enum):
    """How a schedule ended."""

    END = "end"
    """Nobody can move, or needs to."""
    STEPS = "steps"
    """It was cut off after the most steps of one."""
    ROUND = "round"
    """It was cut off as it came back to where it had been: it need not end."""
    NOT_YET = "not yet"
    """It goes on: somebody may want to look at the limits."""
    KNOWN = "known"
    """It has been walked before, and does not count."""
    REDUNDANT = "redundant"
    """It was given up, as it could show nothing that others do not."""


class Exhaustive(ABC):
    """Goes through schedules one after another, back to a point that is still open and on from there."""

    def __init__(self, packed: Packed, max_steps: int) -> None:
        self.packed = packed
        self.max_steps = max_steps
        self.steps = 0
        """Steps of all schedules together."""
        self.bound: int | None = None
        """The bound up to which all schedules have been walked."""
        self.begin()

    def begin(self) -> None:
        """States are packed in another way: forget what was known of them."""
        self.packed.initial = self.packed.packed_anew()
        self.known: Remembered[Point] = Remembered(Points(self.packed).of)

    def _pack_anew(self) -> None:
        """Find the states of the schedule again."""
        while True:
            try:
                self.begin()
                self._packed_again()
                return
            except Overflow:
                continue

    @abstractmethod
    def _packed_again(self) -> None:
        """The states of the schedule at hand, as they are packed now."""

    @abstractmethod
    def schedules(self) -> Iterator[Ending]:
        """Every schedule, as long as somebody asks for more."""

    @abstractmethod
    def states(self) -> list[int]:
        """The states of the schedule that has just ended, from the first one to the last."""

    def told(self, ending: Ending | None) -> Ending | None:
        """How a schedule ended, or from time to time that it has not."""
        self.steps += 1
        return Ending.NOT_YET if ending is None and not self.steps % TELL_EVERY else ending

    @property
    @abstractmethod
    def left_out(self) -> str | None:
        """After all schedules: why some were left out, in words; None where none were."""


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
    """Takes in the schedules of an exhaustive strategy, up to the limits."""

    def __init__(self, search: Exhaustive, limits: Limits, began: float) -> None:
        self.search = search
        self.limits = limits
        self.began = began
        self.tally = Tally()
        self.redundant = 0
        self._judge_anew()

    def _judge_anew(self) -> None:
        """Forget the ends that were judged."""
        self._showing = Showing(self.search.packed, self.tally)

    def run(self) -> str | None:
        """Go on until a limit is reached or nothing is left; why something was left out, in words."""
        reached = self.limits.reached(self.tally, self.began)
        if reached is not None:
            return reached
        for count, ending in enumerate(self.search.schedules()):
            if self.tally.schedules == self.limits.schedules:
                return self.limits.reached(self.tally, self.began)
            if ending not in (Ending.NOT_YET, Ending.KNOWN, Ending.REDUNDANT):
                self._take(ending)
            self.redundant += ending is Ending.REDUNDANT
            if (ending is Ending.NOT_YET or not count % LOOK_EVERY) and self._is_short_of_limit():
                reached = self.limits.reached(self.tally, self.began)
                if reached is not None:
                    return reached
        return self.search.left_out

    def stop(self) -> None:
        """Raise Stopped if a limit was reached: one schedule may last."""
        reached = self.limits.reached(self.tally, self.began)
        if reached is not None and self._is_short_of_limit():
            raise Stopped(reached)

    def _is_short_of_limit(self) -> bool:
        """With as many schedules as there may be, one more is looked for: there may be none."""
        return self.limits.schedules is None or self.tally.schedules < self.limits.schedules

    def _take(self, ending: Ending) -> None:
        tally, states = self.tally, self.search.states()
        is_end = ending is Ending.END
        findings = self._showing.of_end(states[-1]) if is_end else self._showing.lasting(states[-1])
        self._showing.keep(findings, tally.schedules, states)
        tally.schedules += 1
        if not tally.schedules % MOST_ENDS:
            self._judge_anew()
        tally.cut_off += not is_end
        tally.failing += bool(findings)
        tally.steps += len(states) - 1
        tally.longest = max(tally.longest, len(states) - 1)
