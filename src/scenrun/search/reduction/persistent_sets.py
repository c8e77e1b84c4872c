"""Partial-order reduction: a breadth-first search that expands only a persistent set of threads in each state.

Godefroid, Partial-Order Methods for the Verification of Concurrent Systems (1996), chapter 4; a set is grown from
one thread by conflicts between its next step and all that the threads outside may do before a thread of the set
moves. Departures: what a thread outside may do ends at a wait whose guard stays closed until a thread of the set
moves (a neighbour that will take the fork cannot interfere with its release); and the cells of an `always` count as
one more object, which every step that changes any of them writes, so that no step needs to be visible.

A reduced cycle must not ignore a thread for ever. Only bottom strongly connected components matter for this (Valmari,
Stop It, and Be Stubborn!, 2017): once the search is complete, in each of them in which some thread is enabled but
never moves, one state is expanded fully, and the search goes on. So terminal states are kept, every step that can
occur still occurs, and bottom components are kept. Components that can be left, and in which it is fair to stay, are
kept only by a `strict` search, in which every cycle of several states has a fully expanded state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from scenrun.model.scc import bottoms
from scenrun.model.state import State, Thread
from scenrun.search.reduction.may_access import MayAccess, MayAccesses
from scenrun.search.space.breadth_first import Breadth, Limits, Look
from scenrun.search.space.layout import LocalState, ThreadField
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import LinkedSpace


class ClosedGuards(Struct, eq=False):
    """The instructions ahead of a thread whose guards are closed, each with the bits of the cells that the guard reads."""

    standing: tuple[tuple[int, int], ...]


class LocalAccesses(Struct, eq=False):
    """A thread at one instruction: the accesses that it may make, and its closed guards by the bits of a state under `mask`."""

    may_access: MayAccess
    mask: int
    guards: dict[int, ClosedGuards] = field(default_factory=dict)
    kinds: dict[tuple[tuple[int, int], ...], ClosedGuards] = field(default_factory=dict)


class ThreadView(Struct, eq=False):
    """A thread in a state: the accesses that it may make, whether it is enabled, and the closed guards ahead of it."""

    at: int
    """Its index among the threads that have not ended."""
    may_access: MayAccess
    is_enabled: bool
    guards: ClosedGuards

    def left(self, unchanged: int) -> tuple[int, int]:
        """The bits that the thread may read and write while no other thread changes the cells `unchanged`."""
        if not self.is_enabled and not self.may_access.next.reads & ~unchanged:
            return 0, 0
        standing = frozenset([pc for pc, cells in self.guards.standing if not cells & ~unchanged])
        effects = self.may_access.left(standing)
        return effects.reads, effects.writes


PersistentSetKey = tuple[tuple[LocalAccesses, bool, ClosedGuards], ...]
"""All that the choice of a persistent set depends on, by which it is memoised."""


class PersistentSets:
    """Finds the persistent sets of states, as long as the packed states keep their layout."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self.may_accesses = MayAccesses(packed.machine, packed.touches)
        self._accesses: dict[tuple[Any, ...], LocalAccesses] = {}
        self._sets: dict[PersistentSetKey, tuple[int, ...]] = {}
        self._all = self.may_accesses.bits(range(len(packed.machine.slots.cells)))

    def clear(self) -> None:
        """Forget all that belongs to a layout."""
        self._accesses.clear()
        self._sets.clear()

    def of(self, key: PersistentSetKey) -> tuple[int, ...]:
        """The indices of the enabled threads of a persistent set, among the threads of a situation."""
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = self._persistent(key)
        return found

    def situation(self, state: int) -> tuple[PersistentSetKey, list[tuple[int, ...]]]:
        """The threads that have not ended, as a key, and the XORs of the enabled transitions of each."""
        packed, key, out = self.packed, [], []
        for thread_field in packed.thread_fields:
            local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
            if local_state is None:
                continue
            changes = local_state.known.get(state & local_state.mask)
            if changes is None:
                changes = packed.compute(state, thread_field, local_state)
            accesses: LocalAccesses = local_state.accesses or self.accesses_of(local_state)
            guards = accesses.guards.get(state & accesses.mask) or self.guards_of(accesses, state, thread_field)
            key.append((accesses, bool(changes), guards))
            out.append(changes)
        return tuple(key), out

    def guards_of(self, accesses: LocalAccesses, state: int, thread_field: ThreadField) -> ClosedGuards:
        """The closed guards ahead of a thread."""
        bits = state & accesses.mask
        if bits not in accesses.guards:
            accesses.guards[bits] = self._standing(accesses, self.packed.unpack(state), thread_field)
        return accesses.guards[bits]

    def accesses_of(self, local_state: LocalState) -> LocalAccesses:
        """The accesses of a local state; one object for all local states of a thread that differ only in its registers."""
        thread = local_state.thread
        place = thread.who.name, thread.who.code, thread.pc, thread.phase, thread.slots
        if place not in self._accesses:
            self._accesses[place] = self._new_accesses(thread)
        local_state.accesses = found = self._accesses[place]
        return found

    def _new_accesses(self, thread: Thread) -> LocalAccesses:
        may_access = self.may_accesses.of(thread)
        mask = 0
        for guard in may_access.guards:
            for slot in guard.slots:
                mask |= self.packed.cell_fields[slot].mask
        return LocalAccesses(may_access, mask)

    def _standing(self, accesses: LocalAccesses, state: State, thread_field: ThreadField) -> ClosedGuards:
        guards = [guard for guard in accesses.may_access.guards if guard.stands(state.cells, thread_field.number)]
        standing = tuple((guard.pc, self.may_accesses.bits(guard.slots)) for guard in guards)
        return accesses.kinds.setdefault(standing, ClosedGuards(standing))

    # --- sets

    def _persistent(self, key: PersistentSetKey) -> tuple[int, ...]:
        """The indices of the enabled threads of the smallest persistent set that grows from an enabled thread."""
        threads = [ThreadView(at, accesses.may_access, can, guards) for at, (accesses, can, guards) in enumerate(key)]
        best = enabled = [one for one in threads if one.is_enabled]
        for first in enabled if len(enabled) > 1 else ():
            chosen = self._grown(first, threads, len(best))
            if chosen is not None and len(chosen) < len(best):
                best = chosen
                if len(best) == 1:
                    break
        return tuple(sorted(one.at for one in best))

    def _grown(self, first: ThreadView, threads: list[ThreadView], most: int) -> list[ThreadView] | None:
        """The enabled threads of the persistent set that grows from `first`; None once there are `most` or more."""
        inside, outside, count = [first], [one for one in threads if one is not first], 1
        reads, writes = first.may_access.next.reads, first.may_access.next.writes
        while True:
            met: list[ThreadView] = []
            rest: list[ThreadView] = []
            for other, (left_reads, left_writes) in zip(outside, self._left(outside), strict=True):
                meets = left_writes & (reads | writes) or left_reads & writes
                (met if meets else rest).append(other)
            if not met:
                return [one for one in inside if one.is_enabled]
            # A disabled thread joins as well, with its reads: so do then the threads that may enable it.
            inside += met
            outside = rest
            for one in met:
                reads, writes = reads | one.may_access.next.reads, writes | one.may_access.next.writes
                count += one.is_enabled
            if count >= most:
                return None

    def _left(self, outside: list[ThreadView]) -> list[tuple[int, int]]:
        """The bits that each thread outside may read and write before a thread of the set moves; a least fixpoint."""
        # All cells start as unchanged, so all closed guards hold; one is dropped once its cells may be written outside.
        unchanged = self._all
        while True:
            left = [one.left(unchanged) for one in outside]
            written = 0
            for _, writes in left:
                written |= writes
            if not written & unchanged:
                return left
            unchanged &= ~written


class Reduced(Breadth):
    """A breadth-first search that expands persistent sets only."""

    def __init__(
        self, packed: Packed, limits: Limits, look: Look = lambda space: None, at_rest: Look = lambda space: None,
        *, strict: bool = False, canonical: Callable[[int], int] | None = None,
    ) -> None:  # fmt: skip
        """strict: have a fully expanded state in each cycle. canonical: the representative of a state (see `symmetry`)."""
        super().__init__(packed, limits, look, at_rest)
        self.strict = strict
        self.canonical = canonical
        self._sets = PersistentSets(packed)
        self.edges: dict[int, tuple[int, ...]] = {}
        """For each expanded state, the successors by its chosen steps."""
        self._whole: set[int] = set()
        """The fully expanded states."""

    def _search(self, space: LinkedSpace) -> None:
        self._sets.clear()
        self.edges.clear()
        self._whole.clear()
        super()._search(space)
        while space.is_closed and (ignoring := self._ignoring()):
            following: list[int] = []
            for state in ignoring:
                self._expand(state, following, space, whole=True)
            self._spread(following, space)

    def level(self, frontier: list[int], following: list[int], space: LinkedSpace) -> None:
        """Add the new successors, by persistent sets, of a part of the frontier to `following` and to the space."""
        for state in frontier:
            self._expand(state, following, space)

    def _expand(self, state: int, following: list[int], space: LinkedSpace, *, whole: bool = False) -> None:
        if self.packed.has_daemons and self.packed.is_over(state):
            space.terminal.append(state)
            return
        key, changes = self._sets.situation(state)
        enabled = [change for changes_of_one in changes for change in changes_of_one]
        if not enabled:
            space.terminal.append(state)
            return
        afters = [state ^ change for change in enabled]
        if not whole:
            some = [state ^ change for at in self._sets.of(key) for change in changes[at]]
            # Proviso of `strict`: of each cycle, the state that is expanded last leads to one that has been expanded, or
            # to itself, and gets all of its steps.
            if not (self.strict and any(after == state or after in self.edges for after in some)):
                afters = some
        if len(afters) == len(enabled):
            self._whole.add(state)
        self.edges[state] = tuple(afters if self.canonical is None else map(self.canonical, afters))
        space.transitions += len(self.edges[state])
        for after in self.edges[state]:
            if after not in space.parents:
                space.parents[after] = state
                following.append(after)

    def taken(self, state: int) -> tuple[int, ...]:
        """The explored successors of a state."""
        return self.edges.get(state, ())

    def _ignoring(self) -> list[int]:
        """One state of each bottom component in which some thread is enabled but never moves."""
        found = []
        for component in bottoms(self.edges, lambda state: self.edges.get(state, ())):
            if not self._whole.isdisjoint(component):  # a fully expanded state ignores no thread
                continue
            could, did = self._movers(component)
            if could - did:
                found.append(min(component))
        return found

    def _movers(self, component: list[int]) -> tuple[set[int], set[int]]:
        """The threads that are enabled somewhere in a component, and those that move in it."""
        could, did = set(), set()
        for state in component:
            for number, afters in self.packed.moves(state):
                could.add(number)
                if any(after in self.edges[state] for after in afters):
                    did.add(number)
        return could, did
