"""Symmetry reduction: maps states that differ only by a permutation of interchangeable replicas to one representative.

Ip and Dill, Better Verification Through Symmetry (1996). While main joins replicas one after another, the representative
has ended replicas in the places that are joined already, and its other ended replicas last: main then continues only when
all have ended, which no other thread can tell from its continuing earlier. The identities of ended replicas have no meaning
any more.

A thread's number follows the order of starting. Where other threads start threads, too, a replica may have different
numbers in different states; so its number is looked up in each state's list of threads.
"""

from __future__ import annotations

import itertools
from typing import Any

from msgspec import Struct, field

from scenrun.model.scc import components
from scenrun.model.state import ENDED, Thread
from scenrun.program.ir import Group
from scenrun.program.primitives.registry import KINDS
from scenrun.program.values import key
from scenrun.search.reduction.interchangeable import interchangeable, with_identity, without_identity
from scenrun.search.space.state_space import StateSpace

LAST = 1 << 40
"""Added to the number of an ended thread's local state, which so sorts behind all others."""


class Replicas(Struct):
    """A group of interchangeable threads, with what is known of their local states."""

    group: Group
    slots: tuple[int, ...]
    """The replicas' own cells, by index."""
    members: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """For each list of threads, by its number, the thread numbers in it of the started replicas, by index."""
    kinds: dict[Any, int] = field(default_factory=dict)
    """The numbers of the replicas' local states seen so far, each without the replica's identity."""
    locals: list[Thread] = field(default_factory=list)
    """Those local states, by number."""
    ids: dict[int, list[int]] = field(default_factory=dict)
    """For each thread number, by the number in its field, the number of the local state in `kinds`; -1 if not yet known."""


class Symmetry:
    """Finds the interchangeable groups of a program, and the representative of a state."""

    def __init__(self, space: StateSpace) -> None:
        self.space = space
        self.groups = [Replicas(group, slots) for group, slots in interchangeable(space.machine)]
        kinds = enumerate(space.machine.slots.kinds)
        self.named = [(slot, numbers) for slot, kind in kinds if (numbers := KINDS[kind].numbers) is not None]
        """The slots of the cells whose values have numbers of threads."""
        self._mentions_known: dict[tuple[tuple[int, int], ...], int] = {(): 0}
        self._layout = -1
        self._given: dict[tuple[int, int, int, int], int] = {}

    def canonical(self, state: int) -> int:
        """The representative of all states that differ from this one by a permutation of replicas."""
        self.follow_layout()
        for group in self.groups:
            state = self._sorted(group, state)
        return state

    def again(self, state: int) -> frozenset[int]:
        """The threads that are like one with a lower number: replicas of a group at the same place, and mentioned alike."""
        self.follow_layout()
        out: list[int] = []
        for group in self.groups:
            members = self.members(group, state)
            seen: set[tuple[int, int]] = set()
            for member, found in zip(members, self._ranks(group, state, members), strict=True):
                if found in seen:
                    out.append(member)
                seen.add(found)
        return frozenset(out)

    def can_loop(self) -> bool:
        """Whether a thread can return to a local state by its own steps, as far as steps are known.

        Replicas count as one thread: of a space of representatives, the steps of one of them are known here and there.
        """
        steps: dict[Any, set[Any]] = {}
        for number in range(self.space.thread_count):
            nodes = [
                None if one is None else self._node(number, at, one)
                for at, one in enumerate(self.space.local_states(number))
            ]
            for place, node in enumerate(nodes):
                if node is not None:
                    found = steps.setdefault(node, set())
                    found.update(nodes[after] for after, _, _ in self.space.local_steps(number, place))
                    found.discard(None)
        graph = {node: sorted(afters & steps.keys()) for node, afters in steps.items()}
        return any(len(part) > 1 or part[0] in graph[part[0]] for part in components(graph, graph.__getitem__))

    def _node(self, number: int, place: int, thread: Thread) -> tuple[int, int, int]:
        """What a thread's place is called in `can_loop`: for replicas, by its group and kind."""
        for at, group in enumerate(self.groups):
            if thread.who.slots[:1] and thread.who.slots[0] in group.slots:
                return 1, at, self.kind_of(group, thread)
        return 0, number, place

    def follow_layout(self) -> None:
        """Forget what belongs to an old layout of the space."""
        if self._layout == self.space.layout:
            return
        self._layout = self.space.layout
        self._given.clear()
        for group in self.groups:
            group.members.clear()
            group.ids.clear()

    # --- sorting

    def _sorted(self, group: Replicas, state: int) -> int:
        members = self.members(group, state)
        first = self.joined(group, state)
        if len(members) < 2:
            return state
        order = self._order(group, state, members, first)
        if order is None:
            return state
        return self._permuted(group, state, members, order)

    def members(self, group: Replicas, state: int) -> tuple[int, ...]:
        """The thread numbers of the started replicas, by index."""
        threads = self.space.threads_number(state)
        found = group.members.get(threads)
        if found is None:
            numbers = {who.slots[:1]: number for number, who in enumerate(self.space.threads(state))}
            started = itertools.takewhile(lambda slot: (slot,) in numbers, group.slots)
            found = group.members[threads] = tuple(numbers[slot,] for slot in started)
        return found

    def joined(self, group: Replicas, state: int) -> int:
        """The number of replicas that main has joined, while it is in its join loop; otherwise 0."""
        return self.joined_by(group, self.space.thread(state, 0))

    def joined_by(self, group: Replicas, main: Thread) -> int:
        """The same by main's local state."""
        if main.pc >= 0 and main.slots and main.slots[0] in group.slots:
            instruction = self.space.machine.instruction_of(main)
            if instruction is not None and instruction.op == "thread.join":
                return group.slots.index(main.slots[0])
        return 0

    def _order(self, group: Replicas, state: int, members: tuple[int, ...], first: int) -> list[int] | None:
        """For each index, the index of the replica whose state it gets; None where the state is canonical already."""
        keys = self._ranks(group, state, members)
        in_order = sorted(range(len(keys)), key=keys.__getitem__)
        running = [at for at in in_order if keys[at][0] < LAST]
        ended = [at for at in in_order if keys[at][0] >= LAST]
        order = [*ended[:first], *running, *ended[first:]]
        return None if all(at == source for at, source in enumerate(order)) else order

    def _ranks(self, group: Replicas, state: int, members: tuple[int, ...]) -> list[tuple[int, int]]:
        """For each replica, its local state and where it is mentioned, as numbers."""
        mentions = self.mentions(tuple([self.space.cell(state, slot) for slot, _ in self.named]))
        at_places = zip(members, self.space.places(state, members), strict=True)
        return [(self._kind(group, member, place, state), mentions.get(member, 0)) for member, place in at_places]

    def mentions(self, values: tuple[Any, ...]) -> dict[int, int]:
        """For each thread number in the values of the `named` cells, the number of its places in them; 0 is none."""
        out: dict[int, tuple[tuple[int, int], ...]] = {}
        for (slot, numbers), value in zip(self.named, values, strict=True):
            for at, number in enumerate(numbers.of(value)):
                out[number] = (*out.get(number, ()), (slot, at if numbers.in_order else 0))
        known = self._mentions_known
        return {number: known.setdefault(found, len(known)) for number, found in out.items()}

    def _kind(self, group: Replicas, member: int, place: int, state: int) -> int:
        """The number of the local state of the replica, which is at `place`, without its identity; with `LAST` if it ended."""
        ids = group.ids.setdefault(member, [])
        while len(ids) <= place:
            ids.append(-1)
        if ids[place] < 0:
            ids[place] = self.kind_of(group, self.space.thread(state, member))
        return ids[place]

    def kind_of(self, group: Replicas, thread: Thread) -> int:
        """The number of a replica's local state without its identity; with `LAST` if it ended."""
        local = without_identity(thread)
        stand_in = key(local)
        if stand_in not in group.kinds:
            group.kinds[stand_in] = len(group.locals)
            group.locals.append(local)
        return group.kinds[stand_in] + (LAST if thread.pc == ENDED else 0)

    def _permuted(self, group: Replicas, state: int, members: tuple[int, ...], order: list[int]) -> int:
        """The state in which each replica has the local state of the one at `order`, and all its mentions."""
        space = self.space
        now = space.places(state, members)
        renamed: dict[int, int] = {}
        places: dict[int, int] = {}
        cells: dict[int, Any] = {}
        for at, source in enumerate(order):
            if at != source:
                member, other = members[at], members[source]
                renamed[other] = member
                places[member] = self.place_given(group, at, member, self._kind(group, other, now[source], state))
                cells[group.slots[at]] = space.cell(state, group.slots[source])[0], member
        for slot, numbers in self.named:
            value = space.cell(state, slot)
            if any(number in renamed for number in numbers.of(value)):
                cells[slot] = numbers.renumbered(value, renamed)
        return space.replaced(state, places, cells)

    def place_given(self, group: Replicas, index: int, member: int, kind: int) -> int:
        """The place of thread `member` that stands for a local state given to the replica at `index`."""
        given = (group.group.cell, index, member, kind)
        if given not in self._given:
            local = group.locals[kind % LAST]
            self._given[given] = self.space.place_of(
                member, with_identity(local, self.space.machine.slots.who[group.slots[index]])
            )
        return self._given[given]
