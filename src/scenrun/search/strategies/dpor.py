"""DPOR: of all schedules that differ only in the order of steps that have nothing to do with each other, it walks one.

Flanagan and Godefroid, Dynamic Partial-Order Reduction for Model Checking Software (POPL 2005); source sets and sleep sets
after Abdulla, Aronis, Jonsson and Sagonas, Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction (JACM 2017),
algorithm 1. Steps depend on each other by their footprints, which are those of the persistent sets. There is no visited set.

Departures. Steps here may have to wait, which the source sets of 2017 leave out. So races are looked for as in 2005, between
each thread's next step, also one that cannot be done yet, and every earlier step that it depends on and did not have to come
after. Whether the next step can come first is tried out: with what must come before it and without the earlier step. If
it can, one of the threads that may begin such an order is owed at the point before the earlier step. If it cannot, though
steps of others that are independent of the earlier one touch what it waits for, all threads are owed there. If nothing
but the earlier step and what follows from it touches that, it cannot come first, and nothing is owed. A thread with several
ways to go takes all of them wherever it is taken at all.

A schedule that comes back to a state of its own need not end. It is cut off there, and the search is not closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scenrun.search.reduction.may_access import Effects
from scenrun.search.space.packed import Overflow, Packed
from scenrun.search.strategies.exhaustive import Ending, Exhaustive, cut_off
from scenrun.search.strategies.remembered import Option, Point


@dataclass(slots=True, eq=False)
class Frame:
    """One point of the schedule, and the step that was taken there."""

    state: int
    point: Point
    asleep: set[int]
    """Threads that need not be taken here: everything that begins with them is known."""
    owed: set[int] = field(default_factory=set)
    """Threads that are taken here sooner or later, with those that have been."""
    option: Option | None = None
    """The thread that is taken now."""
    way: int = 0
    """Which of its ways."""
    again: bool = False
    """Whether the schedule has been in this state before."""
    past: int = 0
    """The steps that had to come before this one, and itself, as bits."""

    @property
    def effects(self) -> Effects:
        """Of the step."""
        assert self.option is not None
        return self.option.effects

    @property
    def thread(self) -> int:
        """Who takes the step."""
        assert self.option is not None
        return self.option.thread

    @property
    def after(self) -> int:
        """The state after the step."""
        assert self.option is not None
        return self.option.afters[self.way]


class Dpor(Exhaustive):
    """A depth-first search that owes other orders only where steps depend on each other."""

    def __init__(self, packed: Packed, max_steps: int) -> None:
        super().__init__(packed, max_steps)
        self.stack: list[Frame] = []
        self._steps: dict[int, list[int]] = {}
        """The steps of each thread in the schedule, by number; before the first one, the step that started it."""
        self._on_path: set[int] = set()
        self.cut: dict[Ending, int] = {}

    def schedules(self) -> Iterator[Ending]:
        """One schedule of each kind, and those that were begun in vain."""
        ending = self._arrive(None)
        while self.stack:
            if ending is not None:
                if ending in (Ending.STEPS, Ending.ROUND):
                    self.cut[ending] = self.cut.get(ending, 0) + 1
                yield ending
            ending = None
            if self._take(self.stack[-1]):
                ending = self.told(self._arrive(self.stack[-1]))
            else:
                self._leave()

    def states(self) -> list[int]:
        """The states of the schedule."""
        return [frame.state for frame in self.stack]

    @property
    def left_out(self) -> str | None:
        """What was cut off."""
        return cut_off(self.cut)

    # --- one step on, one step back

    def _take(self, frame: Frame) -> bool:
        """Choose what to take next at a point; False where nothing is left."""
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
        """Back to the point before."""
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
        """Go to the point after a step; how the schedule ended, if it did."""
        while True:
            try:
                frame = self._reached(before)
                break
            except Overflow:
                self._pack_anew()
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
            return Frame(self.packed.initial, self.known[self.packed.initial], set())
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

    def _packed_again(self) -> None:
        state = self.packed.initial
        self._on_path.clear()
        for frame in self.stack:
            frame.state, frame.point = state, self.known[state]
            self._on_path.add(state)
            if frame.option is not None:
                thread = frame.option.thread
                frame.option = next(option for option in frame.point.enabled if option.thread == thread)
                state = frame.after

    # --- which step had to come before which

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
        """The steps that had to come before a thread could be where it is."""
        steps = self._steps.get(thread)
        return self.stack[steps[-1]].past if steps else 0

    # --- races

    def _owe_all(self, before: Frame, frame: Frame) -> None:
        """Look for races of each thread's next step with earlier steps, where the latest step makes a difference.

        It makes none for a thread that has not moved and an earlier step that had to come before the latest.
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
        while True:
            try:
                self._owe(number, option, known)
                return
            except Overflow:
                self._pack_anew()

    def _owe(self, number: int, option: Option, known: int) -> None:
        """Owe an order in which a thread's next step comes before an earlier step."""
        least, direct = self._without(number, option, known)
        frame = self.stack[number]
        if not direct and not self._can_follow(number, least, option.thread):
            return
        wanted = least
        for at in direct:
            wanted |= self.stack[at].past >> number + 1 << number + 1
        if direct and not (
            self._can_follow(number, least, option.thread) and self._can_follow(number, wanted, option.thread)
        ):
            frame.owed.update(one.thread for one in frame.point.enabled)
            return
        first = self._first_of(number, wanted) or {option.thread}
        if first.isdisjoint(frame.owed) and first.isdisjoint(frame.asleep):
            frame.owed.add(min(first))

    def _without(self, number: int, option: Option, known: int) -> tuple[int, list[int]]:
        """The later steps that a thread needed to be where it is; and others, independent of the step, that it depends on."""
        least = known >> number + 1 << number + 1
        direct = []
        for at in range(number + 1, len(self.stack) - 1):
            step = self.stack[at]
            if not step.past >> number & 1 and not known >> at & 1 and step.effects.conflicts(option.effects):
                direct.append(at)
        return least, direct

    def _can_follow(self, number: int, steps: int, thread: int) -> bool:
        """Whether a thread can move after some of the steps after a point, without the step that was taken there."""
        state = self.stack[number].state
        packed = self.packed
        for at in range(number + 1, len(self.stack) - 1):
            if steps >> at & 1:
                step = self.stack[at]
                state ^= packed.following_of(state, packed.thread_fields[step.thread])[step.way]
        return not packed.is_over(state) and bool(packed.following_of(state, packed.thread_fields[thread]))

    def _first_of(self, number: int, steps: int) -> set[int]:
        """The threads of the steps, among some, before which none of them has to come."""
        first = set()
        for at in range(number + 1, len(self.stack) - 1):
            if steps >> at & 1 and self.stack[at].past & steps == 1 << at:
                first.add(self.stack[at].thread)
        return first
