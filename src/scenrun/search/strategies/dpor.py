"""Dynamic partial-order reduction (DPOR): walks one of all schedules that differ only in the order of independent steps.

Flanagan and Godefroid, Dynamic Partial-Order Reduction for Model Checking Software (POPL 2005); source sets and sleep sets
after Abdulla, Aronis, Jonsson and Sagonas, Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction (JACM 2017),
algorithm 1. Steps are dependent where their footprints conflict; the footprints are those of the persistent sets. There is
no visited set.

Departures. Steps here may block, which the source sets of 2017 do not model. So races are searched as in 2005: between each
thread's next step, enabled or not, and every earlier step that is dependent on it and does not happen before it. Whether the
next step can come first is tried out, after the steps that happen before it and without the earlier step. If it can, a
thread that can start such an order is added to the backtrack set of the point before the earlier step. If it cannot, but
independent steps of other threads touch what it waits for, all enabled threads are added there. If only the earlier step
and steps that it happens before touch that, the next step cannot come first, and no thread is added. A thread with several
alternatives takes all of them wherever it is taken at all.

A schedule that returns to one of its own states need not end. It is cut off there, and the search is not closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from scenrun.search.reduction.may_access import Effects
from scenrun.search.space.state_space import Overflow
from scenrun.search.strategies.executions import Executions, Option, Point
from scenrun.search.strategies.exhaustive import Ending, Exhaustive, cut_off


class Frame(Struct, eq=False):
    """One point of the schedule: its state, its sleep and backtrack sets, and the step that was taken there."""

    state: int
    point: Point
    asleep: set[int]
    """The sleep set: threads that need not be taken here, as all schedules that begin with them are covered already."""
    owed: set[int] = field(default_factory=set)
    """The backtrack set: threads that must be taken here, including those that were."""
    option: Option | None = None
    """The thread that is being explored here; None where none is."""
    way: int = 0
    """Which of its alternatives."""
    again: bool = False
    """Whether the schedule has been in this state before."""
    past: int = 0
    """The steps that happen before this one, and itself, as bits by position in the schedule."""

    @property
    def effects(self) -> Effects:
        """The footprint of the step."""
        assert self.option is not None
        return self.option.effects

    @property
    def thread(self) -> int:
        """The number of the thread that takes the step."""
        assert self.option is not None
        return self.option.thread

    @property
    def after(self) -> int:
        """The state after the step."""
        assert self.option is not None
        return self.option.afters[self.way]


class Dpor(Exhaustive):
    """A depth-first search that backtracks only where dependent steps can be reordered."""

    def __init__(self, executions: Executions, max_steps: int) -> None:
        super().__init__(executions, max_steps)
        self.stack: list[Frame] = []
        self._steps: dict[int, list[int]] = {}
        """The positions of each thread's steps in the schedule, after the position of the step that started the thread."""
        self._on_path: set[int] = set()
        self.cut: dict[Ending, int] = {}

    def schedules(self) -> Iterator[Ending]:
        """One schedule of each equivalence class, and the redundant ones that were given up."""
        ending = self._arrive(None)
        while self.stack:
            if ending is not None:
                if ending in (Ending.STEPS, Ending.ROUND):
                    self.cut[ending] = self.cut.get(ending, 0) + 1
                yield ending
            ending = None
            if self._take(self.stack[-1]):
                ending = self.counted(self._arrive(self.stack[-1]))
            else:
                self._leave()

    def states(self) -> list[int]:
        """The states of the schedule."""
        return [frame.state for frame in self.stack]

    @property
    def left_out(self) -> str | None:
        """Which schedules were cut off, in words; None where none were."""
        return cut_off(self.cut)

    # --- one step on, one step back

    def _take(self, frame: Frame) -> bool:
        """Choose the next alternative or thread of the backtrack set; False where none is left."""
        if frame.option is not None:
            if frame.way + 1 < len(frame.option.afters):
                frame.way += 1
                return True
            frame.asleep.add(frame.option.thread)
        owed = frame.owed - frame.asleep
        frame.option = None
        if not owed:
            return False
        thread = min(owed)
        frame.option = next(option for option in frame.point.enabled if option.thread == thread)
        frame.way = 0
        return True

    def _leave(self) -> None:
        """Pop a point, and the step that led to it."""
        left = self.stack.pop()
        if not left.again:
            self._on_path.discard(left.state)
        if self.stack:
            at = len(self.stack) - 1
            for thread in [thread for thread, steps in self._steps.items() if steps[-1] == at]:
                self._steps[thread].pop()
                if not self._steps[thread]:
                    del self._steps[thread]

    def _arrive(self, before: Frame | None) -> Ending | None:
        """Push the point after a step and note its races; returns how the schedule ended, or None where it goes on."""
        try:
            frame = self._reached(before)
        except Overflow:
            frame = self._after_overflow(self._reached, before)
        frame.again = frame.state in self._on_path
        self.stack.append(frame)
        if before is not None:
            self._note_step(before, frame)
            self._owe_all(before, frame)
        ending = self._ending(frame)
        if ending is None:
            awake = [option.thread for option in frame.point.enabled if option.thread not in frame.asleep]
            frame.owed.add(before.thread if before is not None and before.thread in awake else awake[0])
        if not frame.again:
            self._on_path.add(frame.state)
        return ending

    def _reached(self, before: Frame | None) -> Frame:
        if before is None:
            return Frame(self.initial, self.known[self.initial], set())
        asleep = {
            option.thread
            for option in before.point.enabled
            if option.thread in before.asleep and not option.effects.conflicts(before.effects)
        }
        return Frame(before.after, self.known[before.after], asleep - {before.thread})

    def _ending(self, frame: Frame) -> Ending | None:
        if not frame.point.enabled:
            return Ending.END
        if frame.again:
            return Ending.ROUND
        if len(self.stack) > self.max_steps:
            return Ending.STEPS
        if all(option.thread in frame.asleep for option in frame.point.enabled):
            return Ending.REDUNDANT
        return None

    def _follow_again(self) -> None:
        state = self.initial
        self._on_path.clear()
        for frame in self.stack:
            frame.state, frame.point = state, self.known[state]
            self._on_path.add(state)
            if frame.option is not None:
                thread = frame.option.thread
                frame.option = next(option for option in frame.point.enabled if option.thread == thread)
                state = frame.after

    # --- happens-before

    def _note_step(self, before: Frame, frame: Frame) -> None:
        at = len(self.stack) - 2
        past = self._known_to(before.thread)
        for number in range(at - 1, -1, -1):
            if not past >> number & 1 and self.stack[number].effects.conflicts(before.effects):
                past |= self.stack[number].past
        before.past = past | 1 << at
        self._steps.setdefault(before.thread, []).append(at)
        old = {option.thread for option in (*before.point.enabled, *before.point.waiting)}
        for option in (*frame.point.enabled, *frame.point.waiting):
            if option.thread not in old:
                self._steps.setdefault(option.thread, []).append(at)

    def _known_to(self, thread: int) -> int:
        """The steps that happen before a thread's next step, whatever that step is, as bits."""
        steps = self._steps.get(thread)
        return self.stack[steps[-1]].past if steps else 0

    # --- races

    def _owe_all(self, before: Frame, frame: Frame) -> None:
        """Look for races of each thread's next step with earlier steps, where the latest step makes a difference.

        It makes none for a thread that has not moved and an earlier step that happens before the latest one.
        """
        for option in (*frame.point.enabled, *frame.point.waiting):
            known = self._known_to(option.thread)
            moved = known >> len(self.stack) - 2 & 1
            if moved or option.effects.conflicts(before.effects):
                settled = known | before.past & ~(1 << len(self.stack) - 2)
                for number in range(len(self.stack) - 2, -1, -1):
                    if not settled >> number & 1 and self.stack[number].effects.conflicts(option.effects):
                        self._owe_safely(number, option, known)

    def _owe_safely(self, number: int, option: Option, known: int) -> None:
        try:
            self._owe(number, option, known)
        except Overflow:
            self._after_overflow(self._owe, number, option, known)

    def _owe(self, number: int, option: Option, known: int) -> None:
        """Extend the backtrack set before an earlier step, so that a thread's next step comes first in some schedule."""
        least, direct = self._without(number, option, known)
        frame = self.stack[number]
        if not direct and not self._can_follow(number, least, option):
            return  # only the earlier step can enable the next one: the two cannot be reordered
        wanted = least
        for at in direct:
            wanted |= self.stack[at].past >> number + 1 << number + 1
        if direct and not (self._can_follow(number, least, option) and self._can_follow(number, wanted, option)):
            # other steps may enable it, in an order that is not known here: all threads is the safe choice (POPL 2005)
            frame.owed.update(one.thread for one in frame.point.enabled)
            return
        # one initial is enough for a source set; one that is asleep is covered already (JACM 2017)
        first = self._first_of(number, wanted) or {option.thread}
        if first.isdisjoint(frame.owed) and first.isdisjoint(frame.asleep):
            frame.owed.add(min(first))

    def _without(self, number: int, option: Option, known: int) -> tuple[int, list[int]]:
        """The later steps that a thread needs, as bits; and others, independent of step `number`, that conflict with its next."""
        least = known >> number + 1 << number + 1
        direct = []
        for at in range(number + 1, len(self.stack) - 1):
            step = self.stack[at]
            if not step.past >> number & 1 and not known >> at & 1 and step.effects.conflicts(option.effects):
                direct.append(at)
        return least, direct

    def _can_follow(self, number: int, steps: int, option: Option) -> bool:
        """Whether a thread is enabled once some of the steps after a point are made, without the step that was taken there."""
        needed = [self.stack[at] for at in range(number + 1, len(self.stack) - 1) if steps >> at & 1]
        if option.never_blocks and all(step.option is not None and step.option.never_blocks for step in needed):
            return True
        state = self.stack[number].state
        for step in needed:
            afters = self._afters_of(state, step.thread)
            if step.way >= len(afters):  # without the step that is left out, the program is over before
                return False
            state = afters[step.way]
        return bool(self._afters_of(state, option.thread))

    def _afters_of(self, state: int, thread: int) -> Sequence[int]:
        """The states after a thread's step, which need not be looked up at a state of the present schedule."""
        point = self.known.get(state)
        if point is None:
            return self.executions.afters_of(state, thread)
        return next((one.afters for one in point.enabled if one.thread == thread), ())

    def _first_of(self, number: int, steps: int) -> set[int]:
        """The threads of the initial steps among some: those that none of the others happens before."""
        first = set()
        for at in range(number + 1, len(self.stack) - 1):
            if steps >> at & 1 and self.stack[at].past & steps == 1 << at:
                first.add(self.stack[at].thread)
        return first
