"""States of any number of replicas in two parts: a base, which all replicas share, and the local states of free replicas.

A base is a state of the program with a few replicas in which those that nothing refers to are put aside. Only a replica that
holds an rlock stays in it, as the lock's value names its owner. What a step does is computed with the free replica that takes
it, if any, and without all others: a step reads and changes the base and its own thread, and it takes others out of a line at
the most (of a condition, or of those parked at an event). In which order free replicas stand in a line is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations, product
from typing import Any, NamedTuple

from msgspec import Struct

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State, Thread, Who
from scenrun.program.primitives import thread as threads
from scenrun.program.primitives.registry import KINDS
from scenrun.program.values import key
from scenrun.search.reduction.interchangeable import Interchangeable, with_identity, without_identity

_ELSEWHERE = 1 << 40
"""The first of the numbers that stand for free replicas in a line which are not in the state."""
_MOST_IN_LINE = 7
_MAIN = 0


class TooMany(Exception):
    """More replicas, or others in a line, than a base can have."""


class Local(Struct, frozen=True):
    """The local state of a free replica."""

    group: int
    """The number of its group among those that may have any number of replicas."""
    thread: Thread
    """Its thread without its identity."""
    lines: frozenset[int]
    """The slots of the objects at which it is in line."""


class Effect(NamedTuple):
    """What a step makes of a base, and of the free replicas beside it."""

    base: int
    added: tuple[int, ...]
    """The free replicas that come from the step: its own, a new one, or one that holds no rlock any more."""
    woken: tuple[tuple[int, int], ...] = ()
    """How many others it takes out of lines at the most, by the line's slot."""
    without: int | None = None
    """The group of which no replica may be left, as main joins all of them."""


class Violation(NamedTuple):
    """A step that breaks an `always`, or after which a thread has ended with a fault."""

    line: int | None
    what: str


class Configurations:
    """The bases and local states of a program, by number, and what its steps do to them.

    groups: those that may have any number of replicas. hidden: how many free replicas may be beside the one that steps.
    """

    def __init__(self, machine: Machine, groups: Sequence[Interchangeable], hidden: int) -> None:
        self.machine = machine
        self.groups = groups
        self.hidden = hidden
        self.bases: list[State] = []
        self.locals: list[Local] = []
        self.violation: Violation | None = None
        """The first that a step showed."""
        self._base_numbers: dict[Any, int] = {}
        self._local_numbers: dict[Any, int] = {}
        named = [(slot, KINDS[kind]) for slot, kind in enumerate(machine.slots.kinds)]
        self.named = {slot: kind.numbers for slot, kind in named if kind.numbers is not None}
        """The slots of the objects whose values have numbers of threads."""
        self.owners = {slot for slot, kind in named if kind.numbers is not None and kind.is_held}
        """Those of which a number is the owner's; at the others, the threads are in line."""
        self.lines = self.named.keys() - self.owners
        self.reserved: dict[int, tuple[int, int]] = {}
        """For each thread number that is kept for a replica, its group and index."""
        self._numbers: list[list[int]] = []
        """For each group, the thread numbers of its replicas, by index."""
        number = 1
        for at, group in enumerate(groups):
            self._numbers.append([number + index for index in range(len(group.slots))])
            self.reserved |= {number + index: (at, index) for index in range(len(group.slots))}
            number += len(group.slots)
        self._of_fixed: dict[int, list[Effect]] = {}
        self._of_free: dict[tuple[int, int], list[Effect]] = {}

    def initial(self) -> int:
        """The base at the beginning: no replica has been started."""
        state = self.machine.initial()
        aside = [self.aside(number) for number in self.reserved]
        self._look_at(state, _MAIN, state.threads[_MAIN])
        return self._parted(state._replace(threads=(*state.threads, *aside)))[0]

    # --- steps

    def of_fixed(self, base: int) -> list[Effect]:
        """The effects of the steps of all threads that a base has."""
        if base not in self._of_fixed:
            state = self.bases[base]
            found = [effect for number in range(len(state.threads)) for effect in self._of_thread(base, number)]
            self._of_fixed[base] = list(dict.fromkeys(found))
        return self._of_fixed[base]

    def of_free(self, base: int, local: int) -> list[Effect]:
        """The effects of the steps of a free replica."""
        if (base, local) not in self._of_free:
            state, number = self._with(self.bases[base], self.locals[local])
            self._of_free[base, local] = list(dict.fromkeys(self._stepped(state, number)))
        return self._of_free[base, local]

    def woken(self, local: int, slot: int) -> int:
        """A local state after it was taken out of a line."""
        found = self.locals[local]
        return self._local(Local(found.group, found.thread, found.lines - {slot}))

    def _of_thread(self, base: int, number: int) -> Iterator[Effect]:
        state = self.bases[base]
        if state.threads[number].pc == ENDED:
            return
        loop = self.loop_of(state) if number == _MAIN else None
        if loop is None:
            yield from self._stepped(state, number)
        elif loop[1] == "thread.start":
            yield from self._started(base, loop[0])
        elif not self._has(state, loop[0]):
            yield self._joined(base, *loop)

    def _stepped(self, state: State, number: int) -> Iterator[Effect]:
        """The effects of a thread's enabled transitions; free replicas in its lines stand in any order with those of the base."""
        used = sorted(set(state.threads[number].slots) & self.lines)
        others = self._others(state.threads[number])
        for orders in product(*(self._orders(state, slot, others) for slot in used)):
            cells = list(state.cells)
            for slot, order in zip(used, orders, strict=True):
                cells[slot] = self.named[slot].given(cells[slot], order)
            for _, after in self.machine.following_of(state._replace(cells=tuple(cells)), number):
                yield self._effect(after, number, used, others, state.threads[number])

    def _others(self, thread: Thread) -> int:
        """How many free replicas must be in a line beside a step: all that it may take out, as those may be all that it takes."""
        operation = self.machine.operation_of(thread)
        given = dict(zip(operation.parameters, thread.arguments, strict=False)) if operation is not None else {}
        most = given.get("n")
        return max(self.hidden, most) if isinstance(most, int) else self.hidden

    def _orders(self, state: State, slot: int, number: int) -> list[tuple[int, ...]]:
        """The lines in which the threads of the base and a number of others can stand."""
        seen = self.named[slot].of(state.cells[slot])
        if len(seen) + number > _MOST_IN_LINE:
            raise TooMany(
                f"{len(seen)} threads are in line at {self.machine.slots.label(slot)}, and {number} may be woken"
            )
        others = tuple(_ELSEWHERE + at for at in range(number))
        if not seen or not self.named[slot].in_order:
            return [(*seen, *others)]
        alike = {tuple(-1 if one >= _ELSEWHERE else one for one in order) for order in permutations((*seen, *others))}
        return [_numbered(order) for order in sorted(alike)]

    def _effect(self, after: State, number: int, used: Iterable[int], others: int, before: Thread) -> Effect:
        """The effect of a transition that led to `after`, of a thread that was at `before`, with `others` in its lines."""
        self._look_at(after, number, before)
        cells, woken = list(after.cells), []
        for slot in used:
            numbers = self.named[slot]
            line = numbers.of(cells[slot])
            here = tuple(one for one in line if one < _ELSEWHERE)
            if (taken := others - (len(line) - len(here))) > 0:
                woken.append((slot, taken))
            cells[slot] = numbers.given(cells[slot], here)
        base, added = self._parted(after._replace(cells=tuple(cells)))
        return Effect(base, added, tuple(woken))

    # --- main's loops over a group

    def loop_of(self, state: State) -> tuple[int, str] | None:
        """The group, and the op, of the loop over all its replicas that main is in."""
        main = state.threads[_MAIN]
        instruction = self.machine.instruction_of(main) if main.pc >= 0 else None
        if instruction is None or instruction.op not in ("thread.start", "thread.join"):
            return None
        found = [at for at, group in enumerate(self.groups) if main.slots[0] in group.slots]
        return (found[0], instruction.op) if found else None

    def _has(self, state: State, group: int) -> bool:
        """Whether a replica of the group is in the base and has not ended."""
        return any(state.threads[number].pc != ENDED for number in self._numbers[group])

    def _started(self, base: int, group: int) -> Iterator[Effect]:
        """Main starts one replica, and goes on starting or was at the last one."""
        state, _ = self._all_alike(self.bases[base], group)
        after = self.machine.step(state, Transition(_MAIN))
        assert after is not None
        if len(after.threads) == len(state.threads):  # refused: they were started before
            yield self._left(base, group, "thread.start")
            return
        new = self._local(self._freed(group, after.threads[-1], frozenset()))
        yield Effect(base, (new,))
        yield self._left(base, group, "thread.start")._replace(added=(new,))

    def _joined(self, base: int, group: int, op: str) -> Effect:
        return self._left(base, group, op)._replace(without=group)

    def _left(self, base: int, group: int, op: str) -> Effect:
        """Main goes through its loop to the end, with replicas that do nothing."""
        state, status = self._all_alike(self.bases[base], group)
        before = self.bases[base]
        is_start = op == "thread.start" and status == threads.NEW
        for _ in self.groups[group].slots:
            if self.loop_of(state) != (group, op):
                break
            after = self.machine.step(state, Transition(_MAIN))
            assert after is not None
            state = after._replace(threads=after.threads[: len(before.threads)])
        cells = list(before.cells)
        for number, slot in zip(self._numbers[group], self.groups[group].slots, strict=True):
            if before.threads[number].pc == ENDED and is_start:
                cells[slot] = (threads.ENDED, number)
        left = State(tuple(cells), (state.threads[_MAIN], *before.threads[1:]), state.broken)
        self._look_at(left, _MAIN, before.threads[_MAIN])
        return Effect(self._base(left), ())

    def _all_alike(self, state: State, group: int) -> tuple[State, str]:
        """The state in which all replicas are new, or all have ended, as those are that are put aside; and which of both."""
        cells = list(state.cells)
        status = self._status(state.cells, group)
        for number, slot in zip(self._numbers[group], self.groups[group].slots, strict=True):
            cells[slot] = (status, number)
        return state._replace(cells=tuple(cells)), status

    # --- parts and whole

    def _with(self, state: State, local: Local) -> tuple[State, int]:
        """The state with a free replica in it, and the thread number that it has there."""
        owners = self._owning(state)
        able = self._numbers[local.group][:-1]
        number = next((n for n in able if state.threads[n].pc == ENDED and n not in owners), None)
        if number is None:
            raise TooMany(f"too many replicas of {self.groups[local.group].group.name} hold an rlock")
        cells, members = list(state.cells), list(state.threads)
        slot = self.groups[local.group].slots[self.reserved[number][1]]
        cells[slot] = (threads.ALIVE, number)
        for line in local.lines:
            numbers = self.named[line]
            cells[line] = numbers.given(cells[line], (*numbers.of(cells[line]), number))
        members[number] = with_identity(local.thread, self._who(number))
        return state._replace(cells=tuple(cells), threads=tuple(members)), number

    def _parted(self, state: State) -> tuple[int, tuple[int, ...]]:
        """The base of a state, and the free replicas that were in it."""
        owners = self._owning(state)
        cells, members, added = list(state.cells), list(state.threads), []
        for number, (group, index) in self.reserved.items():
            if number in owners:
                continue
            lines = frozenset(slot for slot in self.lines if number in self.named[slot].of(cells[slot]))
            if members[number].pc != ENDED:
                added.append(self._local(self._freed(group, members[number], lines)))
            for slot in lines:
                kept = self.named[slot]
                cells[slot] = kept.given(cells[slot], tuple(one for one in kept.of(cells[slot]) if one != number))
            members[number] = self.aside(number)
            cells[self.groups[group].slots[index]] = (self._status(cells, group), number)
        parted = State(tuple(cells), tuple(members), state.broken)
        return self._base(self._in_order(parted, owners)), tuple(sorted(added))

    def _in_order(self, state: State, owners: frozenset[int]) -> State:
        """The state in which the replicas that hold rlocks come first in their groups, in one of all orders."""
        for group, numbers in enumerate(self._numbers):
            holding = [number for number in numbers if number in owners]
            if holding:
                holding.sort(key=lambda number: self._rank(group, state, number))
                state = self._moved(group, state, dict(zip(holding, numbers, strict=False)))
        return state

    def _rank(self, group: int, state: State, number: int) -> tuple[int, list[int]]:
        freed = self._freed(group, state.threads[number], frozenset())
        held = [slot for slot, kept in self.named.items() if number in kept.of(state.cells[slot])]
        return self._local(freed), held

    def _moved(self, group: int, state: State, to: dict[int, int]) -> State:
        """The state in which replicas of a group have other numbers; all others of the group are aside."""
        if all(old == new for old, new in to.items()):
            return state
        cells, members = list(state.cells), list(state.threads)
        for slot, kept in self.named.items():
            cells[slot] = kept.renumbered(cells[slot], to)
        slots = self.groups[group].slots
        for number, slot in zip(self._numbers[group], slots, strict=True):
            members[number] = self.aside(number)
            cells[slot] = (self._status(state.cells, group), number)
        for old, new in to.items():
            freed = self._freed(group, state.threads[old], frozenset()).thread
            slot = slots[self.reserved[new][1]]
            members[new] = with_identity(freed, self._who(new))
            cells[slot] = (state.cells[slots[self.reserved[old][1]]][0], new)
        return State(tuple(cells), tuple(members), state.broken)

    def _status(self, cells: Sequence[Any], group: int) -> str:
        """Whether replicas that are put aside are still to be started, or have ended: as the last one, which never steps."""
        status: str = cells[self.groups[group].slots[-1]][0]
        return status

    def _owning(self, state: State) -> frozenset[int]:
        """The thread numbers of the replicas that hold an rlock."""
        return frozenset(
            n for slot in self.owners for n in self.named[slot].of(state.cells[slot]) if n in self.reserved
        )

    def aside(self, number: int) -> Thread:
        """A replica that is not in a base, under one of the numbers that are kept for replicas."""
        return Thread(self._who(number), ENDED, ())

    def _who(self, number: int) -> Who:
        group, index = self.reserved[number]
        return self.machine.slots.who[self.groups[group].slots[index]]

    def _freed(self, group: int, thread: Thread, lines: frozenset[int]) -> Local:
        return Local(group, without_identity(thread), lines)

    # --- numbers

    def _base(self, state: State) -> int:
        cells = list(state.cells)
        for slot in self.lines:
            cells[slot] = self.named[slot].given(cells[slot], tuple(sorted(self.named[slot].of(cells[slot]))))
        state = state._replace(cells=tuple(cells), broken=())
        found = self._base_numbers.setdefault(key(state), len(self.bases))
        if found == len(self.bases):
            self.bases.append(state)
        return found

    def _local(self, local: Local) -> int:
        stand_in = (local.group, key(local.thread), local.lines)
        found = self._local_numbers.setdefault(stand_in, len(self.locals))
        if found == len(self.locals):
            self.locals.append(local)
        return found

    def _look_at(self, after: State, number: int, before: Thread) -> None:
        """Keep the first violation that a step shows, of a thread that was at `before`."""
        fault = after.threads[number].fault if after.threads[number].pc == ENDED else None
        if self.violation is not None or (not after.broken and fault is None):
            return
        always = self.machine.program.expectations.always
        instruction = self.machine.instruction_of(before)
        what = f"`{always[after.broken[0]].text}`" if after.broken else str(fault)
        self.violation = Violation(None if instruction is None else instruction.line, what)


def _numbered(order: Sequence[int]) -> tuple[int, ...]:
    """An order in which each -1 is another of those who are elsewhere."""
    out: list[int] = []
    for one in order:
        out.append(one if one >= 0 else _ELSEWHERE + sum(1 for other in out if other >= _ELSEWHERE))
    return tuple(out)
