"""Bounded search: depth first through all schedules with no preemption, then with one, and so on; or with so many delays.

Preemptions: Musuvathi and Qadeer, Iterative Context Bounding for Systematic Testing of Multithreaded Programs (PLDI 2007). To
leave a thread that could go on costs one; to leave one that has to wait, or that can go on only as its time is up, nothing.
Delays: Emmi, Qadeer and Rakamaric, Delay-Bounded Scheduling (POPL 2011). The thread that moved last goes on, and after it
the others in a circle, those last that can go on only as their time is up; each thread that is skipped costs one.

Departures. Each bound begins at the first state again, and what smaller bounds have walked is not counted. Nothing of it is
run again: a point on the way is a stored state. Which way a thread goes at a `choose` costs nothing. A schedule that comes
back to a state with the same thread moving last need not end, and whatever can follow could have followed the first time
at the same price or less; it is cut off there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from scenrun.search.space.packed import Overflow, Packed
from scenrun.search.strategies.exhaustive import Ending, Exhaustive, cut_off
from scenrun.search.strategies.remembered import Option, Point


class Move(NamedTuple):
    """One way on from a point."""

    after: int
    thread: int
    cost: int


@dataclass(slots=True, eq=False)
class Frame:
    """One point of the schedule."""

    state: int
    last: int
    """The thread that moved last."""
    spent: int
    moves: list[Move]
    at: int = -1
    """The move that was taken."""


class Bounded(Exhaustive):
    """A depth-first search that is told what a move costs, and never spends more than a bound."""

    unit = ""

    def __init__(self, packed: Packed, max_steps: int, most: int | None) -> None:
        super().__init__(packed, max_steps)
        self.most = most
        self.stack: list[Frame] = []
        self._on_path: set[tuple[int, int]] = set()
        self._bound = 0
        self._exceeded = False
        self._cut: dict[Ending, int] = {}

    @abstractmethod
    def costs(self, point: Point, last: int) -> Iterator[tuple[Option, int]]:
        """The threads that can move, in the order in which they are tried, and what each costs."""

    def schedules(self) -> Iterator[Ending]:
        """Every schedule, the cheapest first."""
        while self.most is None or self._bound <= self.most:
            self._exceeded = False
            yield from self._within()
            self.bound = self._bound
            if not self._exceeded:
                return
            self._bound += 1

    def states(self) -> list[int]:
        """The states of the schedule."""
        return [frame.state for frame in self.stack]

    @property
    def left_out(self) -> str | None:
        """Dearer schedules, or what was cut off."""
        if self._exceeded:
            return f"there are schedules with more than {self.bound} {self.unit}{'s' if self.bound != 1 else ''}"
        return cut_off(self._cut)

    def _within(self) -> Iterator[Ending]:
        """All schedules within the bound."""
        ending = self._arrive(None)
        while self.stack:
            if ending is not None:
                yield self._counted(ending)
            ending = None
            if self._take(self.stack[-1]):
                ending = self.told(self._arrive(self.stack[-1]))
            else:
                self._leave()

    def _counted(self, ending: Ending) -> Ending:
        """How a schedule ended that is new; those that cost less were walked before."""
        if ending is Ending.NOT_YET:
            return ending
        if self.stack[-1].spent < self._bound:
            return Ending.KNOWN
        if ending in (Ending.STEPS, Ending.ROUND):
            self._cut[ending] = self._cut.get(ending, 0) + 1
        return ending

    # --- one step on, one step back

    def _take(self, frame: Frame) -> bool:
        """The next move that can be paid; False where there is none."""
        while frame.at + 1 < len(frame.moves):
            frame.at += 1
            if frame.spent + frame.moves[frame.at].cost <= self._bound:
                return True
            self._exceeded = True
        return False

    def _leave(self) -> None:
        left = self.stack.pop()
        if left.moves:
            self._on_path.discard((left.state, left.last))

    def _arrive(self, before: Frame | None) -> Ending | None:
        """Go to the point after a move; how the schedule ended, if it did."""
        while True:
            try:
                frame = self._reached(before)
                break
            except Overflow:
                self._pack_anew()
        ending = None
        if not frame.moves:
            ending = Ending.END
        elif (frame.state, frame.last) in self._on_path:
            ending = Ending.ROUND
        elif len(self.stack) >= self.max_steps:
            ending = Ending.STEPS
        if ending is None:
            self._on_path.add((frame.state, frame.last))
        else:
            frame.moves = []
        self.stack.append(frame)
        return ending

    def _reached(self, before: Frame | None) -> Frame:
        if before is None:
            return Frame(self.packed.initial, -1, 0, self._moves(self.packed.initial, -1))
        move = before.moves[before.at]
        return Frame(move.after, move.thread, before.spent + move.cost, self._moves(move.after, move.thread))

    def _moves(self, state: int, last: int) -> list[Move]:
        costs = self.costs(self.known[state], last)
        return [Move(after, option.thread, cost) for option, cost in costs for after in option.afters]

    def _packed_again(self) -> None:
        self._on_path.clear()
        state = self.packed.initial
        for frame in self.stack:
            frame.state, frame.moves = state, self._moves(state, frame.last)
            self._on_path.add((state, frame.last))
            state = frame.moves[frame.at].after


class PreemptionBounded(Bounded):
    """Costs one: to leave a thread that could go on."""

    unit = "preemption"

    def costs(self, point: Point, last: int) -> Iterator[tuple[Option, int]]:
        """The thread that moved last is free; the others are if it has to wait."""
        order = in_a_circle(point, last)
        price = int(any(option.thread == last and not option.waits for option in order))
        return ((option, 0 if option.thread == last else price) for option in order)


class DelayBounded(Bounded):
    """Costs one: each thread that is skipped."""

    unit = "delay"

    def costs(self, point: Point, last: int) -> Iterator[tuple[Option, int]]:
        """The first in the order is free."""
        return ((option, skipped) for skipped, option in enumerate(in_a_circle(point, last)))


def in_a_circle(point: Point, last: int) -> list[Option]:
    """Threads that can move: from the one that moved last on, and those last that can do so only as their time is up."""
    return sorted(point.enabled, key=lambda option: (option.waits, option.thread < last, option.thread))
