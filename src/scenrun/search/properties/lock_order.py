"""Lock-order cycles: threads that take the same locks in different orders, which is a potential deadlock.

Havelund, Using Runtime Analysis to Guide Model Checking of Java Programs (SPIN 2000): an edge a -> b where a thread,
holding a, waits for b without a time-out; a cycle counts if its edges belong to different threads and no two of them
are made under one common lock (a gate). What a thread holds follows from its own steps, so the local states of a
search suffice and its states are not visited. A lock that is released by a thread that did not take it is a signal and
no lock, and so is a semaphore that does not start with one permit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.ir import Instruction
from scenrun.search.space.state_space import StateSpace

MOST_STEPS = 20_000
"""The most steps of the search for cycles; beyond it only the shortest cycles are reported."""


class Held(NamedTuple):
    """A lock that a thread holds, and where it took it."""

    slot: int
    line: int
    step: str


Holding = tuple[Held, ...]
"""The locks that a thread holds, in the order of taking; a reentrant lock as often as it was taken."""


class Edge(Struct, frozen=True):
    """A thread that waits for one lock while it holds another."""

    thread: str
    holds: str
    held_line: int
    wants: str
    line: int
    step: str
    guards: frozenset[str]
    """All locks that the thread holds then."""

    def sentence(self) -> str:
        """Such as `t takes b (line 5) while it holds a (line 4)`."""
        return (
            f"{self.thread} takes {self.wants} (line {self.line}) while it holds {self.holds} (line {self.held_line})"
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "thread": self.thread, "holds": self.holds, "held_line": self.held_line,
            "wants": self.wants, "line": self.line, "step": self.step,
        }  # fmt: skip


class LockCycle(Struct, frozen=True):
    """A cycle of edges of different threads: each thread holds the lock that the one before waits for."""

    edges: tuple[Edge, ...]

    @property
    def locks(self) -> tuple[str, ...]:
        """The held lock of each edge; each one's holder waits for the next."""
        return tuple(edge.holds for edge in self.edges)

    def sentence(self) -> str:
        """The cycle as a sentence."""
        told = ", and ".join(edge.sentence() for edge in self.edges)
        return f"Lock order: {told}: a deadlock, if they get there at the same time."

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"locks": list(self.locks), "edges": [edge.as_dict() for edge in self.edges]}


def lock_order_cycles(
    space_or_machine: StateSpace | Machine, executions: Iterable[Iterable[Transition]] = ()
) -> list[LockCycle]:
    """The cycles in the places of a state search, or for a machine those in the given executions of it."""
    if isinstance(space_or_machine, Machine):
        order = LockOrder(space_or_machine)
        for transitions in executions:
            order.add_execution(transitions)
    else:
        order = LockOrder(space_or_machine.machine)
        order.add_places(space_or_machine)
    return order.cycles()


class LockOrder:
    """The lock-order graph of a program, to which a state search or executions add edges."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        slots = machine.slots
        self._locks = frozenset(s for s, (cell, _) in enumerate(slots.cells) if _is_lock(cell.kind, slots.initial[s]))
        self._signals: set[int] = set()
        """Slots of locks that were released by a thread that did not hold them."""
        self._edges: dict[tuple[str, int, int, str, frozenset[int]], tuple[Held, Held]] = {}
        """By thread, held lock, wanted lock, step and all held locks: where the two locks are taken."""

    # --- steps

    def _about(self, thread: Thread) -> tuple[int, str, Instruction] | None:
        """The effect of a thread's next step on a lock: `take`, `give`, or `park`, which releases it however often it is held."""
        node = self.machine.node_of(thread)
        if node is None or not thread.slots:
            return None
        kind, _, name = node.instruction.op.partition(".")
        if kind == "condition":
            what = {0: "park", 2: "take"}.get(thread.phase) if name == "wait" else None
        else:
            what = {"acquire": "take", "release": "give"}.get(name)
        slot = thread.slots[1 if kind == "condition" else 0]
        return None if what is None or slot not in self._locks else (slot, what, node.instruction)

    def _after(self, thread: Thread, holding: Holding) -> Holding:
        """The locks that a thread holds after its next step, if that changes the lock."""
        about = self._about(thread)
        if about is None:
            return holding
        slot, what, i = about
        mine = [at for at, held in enumerate(holding) if held.slot == slot]
        if what == "take":
            if mine and self.machine.slots.kinds[slot] != "rlock":
                return holding  # another thread must have released it, which marks it as a signal
            times = _depth(thread) if i.op == "condition.wait" else 1
            return holding + (Held(slot, i.line, i.step),) * times
        if not mine:
            self._signals.add(slot)
            return holding
        gone = mine if what == "park" else mine[-1:]
        return tuple(held for at, held in enumerate(holding) if at not in gone)

    def _want(self, thread: Thread, holding: Holding) -> None:
        """Add the edges of a thread whose next step takes a lock and waits for it without a time-out."""
        about = self._about(thread)
        if about is None or about[1] != "take" or not holding or not _waits(thread, about[2]):
            return
        slot, _, i = about
        if any(held.slot == slot for held in holding):
            return
        guards = frozenset(held.slot for held in holding)
        for held in holding:
            place = thread.who.name, held.slot, slot, i.step, guards
            self._edges.setdefault(place, (held, Held(slot, i.line, i.step)))

    # --- a state search

    def add_places(self, space: StateSpace) -> None:
        """Add the edges of each thread, from the steps between its places that a search has computed."""
        for number, first in enumerate(space.first_places()):
            threads = space.local_states(number)
            seen: set[tuple[int, Holding]] = {(place, ()) for place in first}
            waiting = sorted(seen)
            while waiting:
                place, holding = waiting.pop()
                thread = threads[place]
                if thread is None:
                    continue
                self._want(thread, holding)
                for following in self._following(space, number, place, thread, holding):
                    if following not in seen:
                        seen.add(following)
                        waiting.append(following)

    def _following(
        self, space: StateSpace, number: int, place: int, thread: Thread, holding: Holding
    ) -> Iterator[tuple[int, Holding]]:
        """The places that a thread may be at after its step, each with the locks held then."""
        about = self._about(thread)
        slot = None if about is None else about[0]
        after = holding if about is None else self._after(thread, holding)
        for place_after, changes_lock, value in space.local_steps(number, place, slot):
            if not changes_lock:
                yield place_after, holding
            elif slot is not None and self._fits(number, slot, value, holding):
                yield place_after, after

    def _fits(self, number: int, slot: int, value: Any, holding: Holding) -> bool:
        """Whether a lock's value agrees with what the thread holds: the value of a reentrant lock has its depth.

        A place has steps that were computed at all depths; those that fit the locks held are selected.
        """
        if self.machine.slots.kinds[slot] != "rlock":
            return True
        times = sum(held.slot == slot for held in holding)
        return bool(value == ((number, times) if times else (None, 0)))

    # --- executions

    def add_execution(self, transitions: Iterable[Transition]) -> None:
        """Add the edges of the steps of one execution, and of the threads that have not ended at its end."""
        state: State = self.machine.initial()
        held: defaultdict[str, Holding] = defaultdict(tuple)
        for transition in transitions:
            thread = state.threads[transition.thread]
            self._want(thread, held[thread.who.name])
            after = self.machine.step(state, transition)
            assert after is not None, "the transition is not enabled"
            about = self._about(thread)
            if about is not None and state.cells[about[0]] != after.cells[about[0]]:
                held[thread.who.name] = self._after(thread, held[thread.who.name])
            state = after
        for thread in state.threads:
            if thread.pc != ENDED:
                self._want(thread, held[thread.who.name])

    # --- cycles

    def cycles(self) -> list[LockCycle]:
        """The cycles, the shortest first; one of those that differ only by their threads."""
        graph: defaultdict[int, list[tuple[Any, tuple[Held, Held]]]] = defaultdict(list)
        for place, taken in sorted(self._edges.items(), key=lambda item: _order(item[0])):
            if not self._signals & {place[1], place[2]}:
                graph[place[1]].append((place, taken))
        found: dict[Any, LockCycle] = {}
        for ring in _rings(graph):
            same = tuple(sorted((place[1], place[2], place[3]) for place, _ in ring))
            found.setdefault(same, LockCycle(tuple(self._edge(*one) for one in ring)))
        return list(found.values())

    def _edge(self, place: Any, taken: tuple[Held, Held]) -> Edge:
        label = self.machine.slots.label
        held, wanted = taken
        guards = frozenset(label(slot) for slot in place[4])
        return Edge(place[0], label(held.slot), held.line, label(wanted.slot), wanted.line, wanted.step, guards)


def _rings(graph: dict[int, list[Any]]) -> Iterator[list[Any]]:
    """Cycles of different threads without a common lock, the shortest first; each starts at its lowest lock, to occur once."""
    paths = deque([edge] for first in sorted(graph) for edge in graph[first])
    for _ in range(MOST_STEPS):
        if not paths:
            return
        path = paths.popleft()
        first, at = path[0][0][1], path[-1][0][2]
        if at == first:
            yield path
            continue
        locks = {place[1] for place, _ in path}
        for edge in graph.get(at, ()):
            wanted = edge[0][2]
            if (wanted == first or (wanted > first and wanted not in locks)) and _apart(edge, path):
                paths.append([*path, edge])


def _apart(edge: Any, path: list[Any]) -> bool:
    """Whether an edge is of another thread than all edges of a path, and has no held lock in common with any."""
    thread, guards = edge[0][0], edge[0][4]
    return all(place[0] != thread and not place[4] & guards for place, _ in path)


def _order(place: tuple[str, int, int, str, frozenset[int]]) -> tuple[Any, ...]:
    thread, held, wanted, step, guards = place
    return held, wanted, step, thread, sorted(guards)


def _is_lock(kind: str, initial: Any) -> bool:
    if kind in ("semaphore", "bounded_semaphore"):
        return bool(initial[0] == 1)
    return kind in ("lock", "rlock")


def _waits(thread: Thread, instruction: Instruction) -> bool:
    """Whether taking a lock blocks without a time-out."""
    if instruction.op == "condition.wait":
        return True
    timeout, blocking = thread.arguments
    return timeout is None and bool(blocking)


def _depth(thread: Thread) -> int:
    """How often a condition's wait takes its lock again: its depth before the wait."""
    return int(thread.memo[0])
