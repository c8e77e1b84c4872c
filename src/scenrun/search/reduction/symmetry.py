"""Symmetry between replicas: states that differ only by which of some like threads is where are one state.

Ip and Dill, Better Verification Through Symmetry (1996). Replicas are interchangeable where nothing that matters looks at
their index or name, none of them draws, and only main's plain starts and joins of the whole group know them by number.
While main joins them one after another, those that it has joined stay where they are, and of the others those that have
ended come last: main then goes on just when all have ended, which no other thread can tell from its going on at once.
Which of those that have ended is which has no meaning any more.

A thread's number follows the order of starting. Where other threads start some, too, a replica has one number in one
state and another in the next; so which number belongs to which replica is asked of each state's list of threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scenrun.model.state import ENDED, Thread, Who
from scenrun.program.ir import Group, Instruction
from scenrun.program.values import key
from scenrun.search.space.packed import Packed

_LAST = 1 << 60
NAMING: dict[str, Callable[[Any], tuple[int, ...]]] = {
    "rlock": lambda value: () if value[0] is None else (value[0],),
    "condition": lambda value: value,
    "event": lambda value: value[1],
}
"""The kinds whose values name threads by number, and the numbers in a value."""
RENAMED: dict[str, Callable[[Any, dict[int, int]], Any]] = {
    "rlock": lambda value, to: (to.get(value[0], value[0]), value[1]),
    "condition": lambda value, to: tuple(to.get(number, number) for number in value),
    "event": lambda value, to: (value[0], tuple(sorted(to.get(number, number) for number in value[1]))),
}
"""The same values after threads have changed their numbers."""
_ORDERED = frozenset({"condition"})
"""The kinds in whose values the place of a number has a meaning."""


_NOBODY = Who("", "", 0, 0)


@dataclass(slots=True)
class Replicas:
    """A group of interchangeable threads."""

    group: Group
    slots: tuple[int, ...]
    """Their own cells, in the order of their index."""
    members: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """For each list of threads, by its number, the replicas' numbers in it: of those that have been started, by index."""
    kinds: dict[Any, int] = field(default_factory=dict)
    """The local states that they have been in, without what is their own, each with a number."""
    locals: list[Thread] = field(default_factory=list)
    ids: dict[int, list[int]] = field(default_factory=dict)
    """For each thread's number and each number in its field, the number of its local state."""


class Symmetry:
    """Finds the representative of a state."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self.groups = [found for group in packed.machine.program.groups if (found := self._replicas(group))]
        self._named = [(slot, kind) for slot, kind in enumerate(packed.machine.slots.kinds) if kind in NAMING]
        self._layout = -1
        self._codes: dict[tuple[int, int, int, int], int] = {}

    def canonical(self, state: int) -> int:
        """The one state that stands for all that differ from this one by swapping replicas."""
        if self._layout != self.packed.layout:
            self._forget()
        for group in self.groups:
            state = self._sorted(group, state)
        return state

    def _forget(self) -> None:
        self._layout = self.packed.layout
        self._codes.clear()
        for group in self.groups:
            group.members.clear()
            group.ids.clear()

    # --- which threads are alike

    def _replicas(self, group: Group) -> Replicas | None:
        """The group, if its threads are interchangeable."""
        relevance = self.packed.machine.relevance
        if (group.count or 1) < 2 or group.pool is not None or relevance is None:
            return None
        if relevance.of("own", group.code) or relevance.of("draws", group.code):
            return None
        if self._is_asked_about(group) or not all(self._is_alike(group, code, i) for code, i in self._naming(group)):
            return None
        where = self.packed.machine.slots.of_cell[group.cell]
        return Replicas(group, tuple(where)) if isinstance(where, list) else None

    def _naming(self, group: Group) -> list[tuple[int, Instruction]]:
        codes = self.packed.machine.program.codes
        return [(c.number, i) for c in codes for i in c.instructions if i.target and i.target.cell == group.cell]

    def _is_asked_about(self, group: Group) -> bool:
        expect = self.packed.machine.program.expectations
        return any(group.cell in o.cells for o in (*expect.always, *expect.final, *expect.observe))

    def _is_alike(self, group: Group, number: int, i: Instruction) -> bool:
        """Whether an instruction is main's start or join in a plain loop over the whole group."""
        if number != 0 or i.op not in ("thread.start", "thread.join") or i.target is None:
            return False
        if i.op == "thread.join" and i.arguments != ("None",):
            return False
        code = self.packed.machine.program.codes[0].instructions
        at = code.index(i)
        register = i.target.index
        if register is None or at < 2 or at + 2 >= len(code):
            return False
        first, test, add, back = code[at - 2], code[at - 1], code[at + 1], code[at + 2]
        return (
            (first.op, first.into, first.arguments) == ("let", register, ("0",))
            and (test.op, test.arguments, test.to) == ("branch", (f"{register} < {group.count}",), at + 3)
            and (add.op, add.into, add.arguments) == ("let", register, (f"{register} + 1",))
            and (back.op, back.to) == ("jump", at - 1)
        )

    # --- sorting

    def _sorted(self, group: Replicas, state: int) -> int:
        members = self._members(group, state)
        first = self._joined(group, state)
        if len(members) < 2:
            return state
        order = self._order(group, state, members, first)
        if order is None:
            return state
        return self._permuted(group, state, members, order)

    def _members(self, group: Replicas, state: int) -> tuple[int, ...]:
        """The numbers of the replicas that have been started, in the order of their index."""
        live_threads = self.packed.live_threads
        code = state >> live_threads.offset & (1 << live_threads.width) - 1
        found = group.members.get(code)
        if found is None:
            numbers = {who.slots[:1]: number for number, who in enumerate(live_threads.values[code][0])}
            started = itertools.takewhile(lambda slot: (slot,) in numbers, group.slots)
            found = group.members[code] = tuple(numbers[slot,] for slot in started)
        return found

    def _joined(self, group: Replicas, state: int) -> int:
        """How many of them main has joined already, while it joins them."""
        main = self.packed.threads[0].at(state)
        if main.pc >= 0 and main.slots and main.slots[0] in group.slots:
            instruction = self.packed.machine.instruction_of(main)
            if instruction is not None and instruction.op == "thread.join":
                return group.slots.index(main.slots[0])
        return 0

    def _order(self, group: Replicas, state: int, members: tuple[int, ...], first: int) -> list[int] | None:
        """Where each replica's state comes from; None where they are in order."""
        places = self._places(state)
        keys = []
        for member in members:
            thread_field = self.packed.thread_fields[member]
            kind = self._kind(group, member, state >> thread_field.shift & thread_field.mask)
            keys.append((kind, places.get(member, ())))
        in_order = sorted(range(len(keys)), key=keys.__getitem__)
        running = [at for at in in_order if keys[at][0] < _LAST]
        ended = [at for at in in_order if keys[at][0] >= _LAST]
        order = [*ended[:first], *running, *ended[first:]]
        return None if all(at == source for at, source in enumerate(order)) else order

    def _places(self, state: int) -> dict[int, tuple[tuple[int, int], ...]]:
        """For each thread the cells that name it, and where."""
        out: dict[int, tuple[tuple[int, int], ...]] = {}
        for slot, kind in self._named:
            numbers = NAMING[kind](self.packed.cells[slot].at(state))
            for at, number in enumerate(numbers):
                out[number] = (*out.get(number, ()), (slot, at if kind in _ORDERED else 0))
        return out

    def _kind(self, group: Replicas, member: int, code: int) -> int:
        """The number of a replica's local state, whoever it is; those that have ended come last."""
        ids = group.ids.setdefault(member, [])
        while len(ids) <= code:
            ids.append(-1)
        if ids[code] < 0:
            thread = self.packed.threads[member].values[code]
            local = _without_own(thread)
            stand_in = key(local)
            if stand_in not in group.kinds:
                group.kinds[stand_in] = len(group.locals)
                group.locals.append(local)
            ids[code] = group.kinds[stand_in] + (_LAST if thread.pc == ENDED else 0)
        return ids[code]

    def _permuted(self, group: Replicas, state: int, members: tuple[int, ...], order: list[int]) -> int:
        """The state in which each replica is where another one was."""
        packed, out = self.packed, state
        renamed: dict[int, int] = {}
        for at, source in enumerate(order):
            if at == source:
                continue
            renamed[members[source]] = members[at]
            thread_field, other = packed.thread_fields[members[at]], packed.thread_fields[members[source]]
            kind = self._kind(group, members[source], state >> other.shift & other.mask)
            out ^= (state & thread_field.field.mask) ^ (self._code(group, at, members[at], kind) << thread_field.shift)
            cell, status = packed.cells[group.slots[at]], packed.cells[group.slots[source]].at(state)[0]
            out ^= (state & cell.mask) ^ (cell.number((status, members[at])) << cell.offset)
        for slot, kind_name in self._named:
            cell = packed.cells[slot]
            value = cell.at(state)
            if any(number in renamed for number in NAMING[kind_name](value)):
                out ^= (state & cell.mask) ^ (cell.number(RENAMED[kind_name](value, renamed)) << cell.offset)
        packed.check_widths()
        return out

    def _code(self, group: Replicas, index: int, member: int, kind: int) -> int:
        """The number of a replica's field, it being that thread, for a local state."""
        place = (group.group.cell, index, member, kind)
        if place not in self._codes:
            local = group.locals[kind - _LAST if kind >= _LAST else kind]
            self._codes[place] = self.packed.number_of(member, self._own(local, group.slots[index]))
        return self._codes[place]

    def _own(self, local: Thread, slot: int) -> Thread:
        """A local state as the replica has it whose own cell this is."""
        who = self.packed.machine.slots.who[slot]
        slots = tuple(who.slots[0] if slot < 0 else slot for slot in local.slots)
        return local._replace(who=who, slots=slots)


def _without_own(thread: Thread) -> Thread:
    """A thread without what tells it from its like."""
    own = thread.who.slots[0]
    return thread._replace(who=_NOBODY, slots=tuple(-1 if slot == own else slot for slot in thread.slots))
