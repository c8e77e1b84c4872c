"""Views of any number of replicas, compared with what a few replicas really do, state by state and without any shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from scenrun.model.machine import FREE, Machine
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.loaded import Loaded
from scenrun.program.primitives import thread
from scenrun.program.values import key
from scenrun.search.parameterized.configuration import Configurations
from scenrun.search.parameterized.view_abstraction import Views
from scenrun.search.reduction.interchangeable import interchangeable, without_identity

REPLICAS = 3


class TooLarge(Exception):
    """The comparison has more views than it is worth."""


def views_of(loaded: Loaded, size: int, most: int) -> Views | None:
    """The views of a scenario of any number of replicas, not yet searched; None where its replicas are not alike."""
    program = loaded.with_counts(dict.fromkeys(loaded.program.any_number, REPLICAS)).program
    machine = Machine(program, program.seed, folded=FREE, forgets=True)
    groups = [one for one in interchangeable(machine) if one.group.name in loaded.program.any_number]

    def alarm(views: int) -> None:
        if views > most:
            raise TooLarge

    if len(groups) < len(loaded.program.any_number):
        return None
    return Views(Configurations(machine, groups, size), size, alarm)


def is_violated(loaded: Loaded, replicas: int, most: int) -> bool:
    """Whether so many replicas of each group can break an `always`, or end with a fault; looks at `most` states."""
    program = loaded.with_counts(dict.fromkeys(loaded.program.any_number, replicas)).program
    machine = Machine(program, program.seed, folded=FREE, forgets=True)
    return any(
        state.broken or any(one.pc == ENDED and one.fault is not None for one in state.threads)
        for state in states_of(machine, most)
    )


def states_of(machine: Machine, most: int) -> Iterator[State]:
    """At most so many states that a machine can come to."""
    waiting = [machine.initial()]
    seen = {key(waiting[0])}
    while waiting:
        state = waiting.pop()
        yield state
        for _, after in machine.following(state):
            if len(seen) < most and (found := key(after)) not in seen:
                seen.add(found)
                waiting.append(after)


def missing_view(views: Views, most: int) -> State | None:
    """A state of `REPLICAS` replicas of which the views lack a part; None if they have all parts of all states."""
    of = views.of
    names = [(one.group, key(one.thread), one.lines) for one in of.locals]
    known = {
        (_place(of, of.bases[base]), tuple(sorted((names[one] for one in view), key=repr)))
        for base, view in views.all()
    }
    for state in states_of(of.machine, most):
        if any(part not in known for part in Parts(of, state).up_to(views.size)):
            return state
    return None


def _place(of: Configurations, base: State) -> Any:
    """A base as a hashable value; where main is in a loop over a group, only that."""
    loop = of.loop_of(base)
    if loop is not None:
        main = base.threads[0]._replace(registers=(), slots=(-loop[0] - 1,), arguments=())
        base = base._replace(threads=(main, *base.threads[1:]))
    return key(base)


class Parts:
    """A state of the machine itself, with threads numbered as in bases, and its parts."""

    def __init__(self, of: Configurations, state: State) -> None:
        self.of = of
        self.slots = {slot: (at, index) for at, group in enumerate(of.groups) for index, slot in enumerate(group.slots)}
        self.number_of = {place: number for number, place in of.reserved.items()}
        self.threads: list[Thread] = [state.threads[0], *(of.aside(number) for number in of.reserved)]
        self.numbers = {old: self._placed(old, one) for old, one in enumerate(state.threads)}
        self.alive = {n for n in of.reserved if self.threads[n].pc != ENDED}
        self.cells = list(state.cells)
        is_new = [any(state.cells[slot][0] == thread.NEW for slot in group.slots) for group in of.groups]
        self.status = [thread.NEW if new else thread.ENDED for new in is_new]
        self._renumber()

    def _placed(self, old: int, one: Thread) -> int:
        own = one.who.slots[0] if one.who.slots else None
        if old == 0:
            return 0
        if own not in self.slots:
            self.threads.append(one)
            return len(self.threads) - 1
        number = self.number_of[self.slots[own]]
        self.threads[number] = one
        return number

    def _renumber(self) -> None:
        for slot, kind in enumerate(self.of.machine.slots.kinds):
            if slot in self.of.named:
                self.cells[slot] = self.of.named[slot].renumbered(self.cells[slot], self.numbers)
            elif slot in self.slots:
                group = self.slots[slot][0]
                number = self.number_of[self.slots[slot]]
                self.cells[slot] = (thread.ALIVE if number in self.alive else self.status[group], number)
            elif kind in ("thread", "timer") and self.cells[slot][1] is not None:
                status, number, *rest = self.cells[slot]
                self.cells[slot] = (status, self.numbers[number], *rest)

    def up_to(self, size: int) -> Iterator[Any]:
        """The parts with at most so many free replicas, each as a base and the free replicas' local states."""
        owners = {n for slot in self.of.owners for n in self.of.named[slot].of(self.cells[slot])}
        free = [number for number in sorted(self.alive) if number not in owners]
        for kept in (kept for number in range(size + 1) for kept in combinations(free, number)):
            yield self._base(free), tuple(sorted((self._local(number) for number in kept), key=repr))

    def _local(self, number: int) -> Any:
        lines = frozenset(slot for slot in self.of.lines if number in self.of.named[slot].of(self.cells[slot]))
        return self.of.reserved[number][0], key(without_identity(self.threads[number])), lines

    def _base(self, free: list[int]) -> Any:
        """The state without its free replicas; raises TooLarge where an order of owners of rlocks would be needed."""
        cells, threads = list(self.cells), list(self.threads)
        for number in free:
            threads[number] = self.of.aside(number)
            group, index = self.of.reserved[number]
            cells[self.of.groups[group].slots[index]] = (self.status[group], number)
        for slot in self.of.lines:
            numbers = self.of.named[slot]
            cells[slot] = numbers.given(cells[slot], tuple(sorted(n for n in numbers.of(cells[slot]) if n not in free)))
        holding = [n for n in self.of.reserved if any(n in self.of.named[s].of(cells[s]) for s in self.of.owners)]
        return _place(self.of, self._first(State(tuple(cells), tuple(threads)), holding))

    def _first(self, state: State, holding: list[int]) -> State:
        """The state in which the owners of rlocks are first in their groups."""
        for group in range(len(self.of.groups)):
            mine = [number for number in holding if self.of.reserved[number][0] == group]
            if len(mine) > 1:
                raise TooLarge
            if mine and self.of.reserved[mine[0]][1] > 0:
                state = self._exchanged(state, group, mine[0])
        return state

    def _exchanged(self, state: State, group: int, old: int) -> State:
        new = self.number_of[group, 0]
        own, other = (self.of.groups[group].slots[self.of.reserved[n][1]] for n in (new, old))
        cells, threads = list(state.cells), list(state.threads)
        for slot, numbers in self.of.named.items():
            cells[slot] = numbers.renumbered(cells[slot], {old: new})
        cells[own], cells[other] = (cells[other][0], new), (self.status[group], old)
        mine = threads[old]
        slots = tuple(own if slot == other else slot for slot in mine.slots)
        threads[new], threads[old] = mine._replace(who=self.of.machine.slots.who[own], slots=slots), self.of.aside(old)
        return State(tuple(cells), tuple(threads), state.broken)
