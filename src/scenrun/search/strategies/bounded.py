"""Preemption-bounded and delay-bounded search: depth first through all schedules of cost 0, then of cost 1, and so on.

Preemptions: Musuvathi and Qadeer, Iterative Context Bounding for Systematic Testing of Multithreaded Programs (PLDI 2007). A
switch away from an enabled thread costs one; a switch away from a thread that is blocked, or that is enabled only by its
time-out, costs nothing.
Delays: Emmi, Qadeer and Rakamaric, Delay-Bounded Scheduling (POPL 2011). The default order is round-robin from the thread that
moved last, with threads that are enabled only by a time-out at the end; each thread that is skipped costs one.

Departures. Each bound starts again at the initial state, and schedules of a smaller bound are not counted again. No step is
executed again: the points of a schedule are stored states. The alternatives of a `choose` cost nothing. A schedule that
returns to a state with the same thread moving last need not end. It is cut off there: every continuation was possible at
the first visit at the same cost or less.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from scenrun.search.space.state_space import Overflow
from scenrun.search.strategies.executions import Executions, Option, Point
from scenrun.search.strategies.exhaustive import Ending, Exhaustive, cut_off


class Move(NamedTuple):
    """A transition at a point of the schedule."""

    after: int
    """The state it leads to."""
    thread: int
    cost: int
    """In preemptions or delays."""


class Frame(Struct, eq=False):
    """One point of the schedule: a state, and the transitions that are tried there."""

    state: int
    last: int
    """The thread that moved last."""
    spent: int
    """The cost of the schedule up to this point."""
    moves: list[Move]
    at: int = -1
    """The index of the move that was taken; -1 before the first."""


class Bounded(Exhaustive):
    """A depth-first search in which each move has a cost, with iteratively increased bounds on a schedule's cost.

    most: the largest bound; None for no limit.
    """

    unit = ""

    def __init__(self, executions: Executions, max_steps: int, most: int | None) -> None:
        super().__init__(executions, max_steps)
        self.most = most
        self.stack: list[Frame] = []
        self._on_path: set[tuple[int, int]] = set()
        self._bound = 0
        self._exceeded = False
        self._cut: dict[Ending, int] = {}

    @abstractmethod
    def costs(self, point: Point, last: int) -> Iterator[tuple[Option, int]]:
        """The enabled threads in the order in which they are tried, each with its cost; `last` is the thread that moved last."""

    def schedules(self) -> Iterator[Ending]:
        """Every schedule, in the order of increasing cost."""
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
        """Why the search is incomplete, in words: schedules above the bound, or that were cut off; None where it is complete."""
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
                ending = self.counted(self._arrive(self.stack[-1]))
            else:
                self._leave()

    def _counted(self, ending: Ending) -> Ending:
        """The ending of a schedule that this bound reaches first; KNOWN for a cheaper one, which a smaller bound has walked."""
        if ending is Ending.NOT_YET:
            return ending
        if self.stack[-1].spent < self._bound:
            return Ending.KNOWN
        if ending in (Ending.STEPS, Ending.ROUND):
            self._cut[ending] = self._cut.get(ending, 0) + 1
        return ending

    # --- one step on, one step back

    def _take(self, frame: Frame) -> bool:
        """Advance to the next move within the bound; False where there is none."""
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
        """Push the point after a move; returns how the schedule ended, or None where it goes on."""
        try:
            frame = self._reached(before)
        except Overflow:
            frame = self._after_overflow(self._reached, before)
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
            return Frame(self.initial, -1, 0, self._moves(self.initial, -1))
        move = before.moves[before.at]
        return Frame(move.after, move.thread, before.spent + move.cost, self._moves(move.after, move.thread))

    def _moves(self, state: int, last: int) -> list[Move]:
        costs = self.costs(self.known[state], last)
        return [Move(after, option.thread, cost) for option, cost in costs for after in option.afters]

    def _follow_again(self) -> None:
        self._on_path.clear()
        state = self.initial
        for frame in self.stack:
            frame.state, frame.moves = state, self._moves(state, frame.last)
            self._on_path.add((state, frame.last))
            state = frame.moves[frame.at].after


class PreemptionBounded(Bounded):
    """Each preemption, a switch away from an enabled thread, costs one."""

    unit = "preemption"

    def costs(self, point: Point, last: int) -> Iterator[tuple[Option, int]]:
        """The thread that moved last costs 0; the others cost 1, or 0 where that thread is blocked."""
        order = in_a_circle(point, last)
        price = int(any(option.thread == last and not option.waits for option in order))
        return ((option, 0 if option.thread == last else price) for option in order)


class DelayBounded(Bounded):
    """Each thread that is skipped in round-robin order costs one."""

    unit = "delay"

    def costs(self, point: Point, last: int) -> Iterator[tuple[Option, int]]:
        """The cost of a thread is its position in the order."""
        return ((option, skipped) for skipped, option in enumerate(in_a_circle(point, last)))


def in_a_circle(point: Point, last: int) -> list[Option]:
    """The enabled threads in round-robin order from the last mover; those enabled only by a time-out come at the end."""
    return sorted(point.enabled, key=lambda option: (option.waits, option.thread < last, option.thread))
