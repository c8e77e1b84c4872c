"""Persistent sets: in each state a few threads whose steps suffice, as nobody else can interfere with them before they move.

Godefroid, Partial-Order Methods for the Verification of Concurrent Systems (1996), chapter 4; the sets are grown from one
thread by conflicts between its next step and all that others may do before. Departures: what others may do ends at a wait
that cannot be satisfied before somebody in the set moves (a neighbour who will want the fork cannot interfere with its
being put back); and what an `always` looks at is one more object that every step changes which changes any part of it, so
that no step has to be called visible.

A reduced loop must not ignore a thread for ever. Only sets of states that cannot be left matter for this (Valmari, Stop It,
and Be Stubborn!, 2017): when the search is through, each of them in which a thread could move that never does gets all steps
of one of its states, and the search goes on. So the states without a way on are kept, every step that can come still comes,
and so do the sets of states that cannot be left. Sets that can be left, and in which it is fair to stay, are kept only by a
`strict` search, in which every loop has a state of which all steps are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenrun.explore.components import bottoms
from scenrun.explore.futures import Future, Futures
from scenrun.explore.packed import Mover, Packed, Row
from scenrun.explore.space import Breadth, Limits, Space
from scenrun.machine import State


@dataclass(slots=True, eq=False)
class Pending:
    """A thread in a state: what may come of it, the XORs of what it can do now, and the walls ahead of it."""

    future: Future
    changes: tuple[int, ...]
    walls: tuple[tuple[int, int], ...]
    """Instructions that it could not pass as things are, each with the bits of the cells that hold it up."""

    def left(self, unchanged: int) -> tuple[int, int]:
        """What it may look at and change while certain cells are not changed by others."""
        if not self.changes and not self.future.next.reads & ~unchanged:
            return 0, 0
        standing = frozenset([pc for pc, cells in self.walls if not cells & ~unchanged])
        effects = self.future.left(standing)
        return effects.reads, effects.writes


class Reduced(Breadth):
    """A breadth-first search of the states that persistent sets lead to."""

    def __init__(
        self, packed: Packed, limits: Limits, look: Callable[[Space], str | None] = lambda space: None,
        *, strict: bool = False, canonical: Callable[[int], int] | None = None,
    ) -> None:  # fmt: skip
        """`canonical` gives the state that stands for a state and all that are like it (see `symmetry`)."""
        super().__init__(packed, limits, look)
        self.strict = strict
        self.canonical = canonical
        self._futures = Futures(packed.machine, packed.touches)
        self._known: dict[int, tuple[Row, Future]] = {}
        self._walls: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
        self._all = (1 << len(packed.machine.slots.cells)) - 1
        self.edges: dict[int, tuple[int, ...]] = {}
        """For each state that has been dealt with, the states that its chosen steps lead to."""
        self._whole: set[int] = set()
        """States of which all steps were taken."""

    def _search(self, space: Space) -> None:
        for memory in (self._known, self._walls, self.edges, self._whole):
            memory.clear()
        super()._search(space)
        while space.is_closed and (ignoring := self._ignoring()):
            following: list[int] = []
            for state in ignoring:
                self._expand(state, following, space, whole=True)
            self._spread(following, space)

    def level(self, frontier: list[int], following: list[int], space: Space) -> None:
        """Add the states that come after those of a part of the frontier, as far as they are needed."""
        for state in frontier:
            self._expand(state, following, space)

    def _expand(self, state: int, following: list[int], space: Space, *, whole: bool = False) -> None:
        if self.packed.has_daemons and self.packed.is_over(state):
            space.terminal.append(state)
            return
        pending = self._pending(state, self.packed)
        enabled = [one for one in pending if one.changes]
        if not enabled:
            space.terminal.append(state)
            return
        chosen = enabled if whole else self._persistent(pending, enabled)
        if self.strict and any(state ^ change in self.edges for one in chosen for change in one.changes):
            chosen = enabled
        if len(chosen) == len(enabled):
            self._whole.add(state)
        afters = [state ^ change for one in chosen for change in one.changes]
        self.edges[state] = tuple(afters if self.canonical is None else map(self.canonical, afters))
        space.transitions += len(self.edges[state])
        for after in self.edges[state]:
            if after not in space.parents:
                space.parents[after] = state
                following.append(after)

    def taken(self, state: int) -> tuple[int, ...]:
        """The states that the search went on to from a state."""
        return self.edges.get(state, ())

    def _ignoring(self) -> list[int]:
        """One state of each set that cannot be left and in which a thread could move that never does."""
        found = []
        for component in bottoms(self.edges, lambda state: self.edges.get(state, ())):
            if not self._whole.isdisjoint(component):
                continue
            could, did = self._movers(component)
            if could - did:
                found.append(min(component))
        return found

    def _movers(self, component: list[int]) -> tuple[set[int], set[int]]:
        """The threads that could move somewhere in a set of states, and those that do."""
        could, did = set(), set()
        for state in component:
            for mover in self.packed.movers:
                changes = self.packed.following_of(state, mover)
                if changes:
                    could.add(mover.number)
                if any(state ^ change in self.edges[state] for change in changes):
                    did.add(mover.number)
        return could, did

    # --- threads in a state

    def _pending(self, state: int, packed: Packed) -> list[Pending]:
        out, cells = [], None
        for mover in packed.movers:
            row = mover.rows[state >> mover.shift & mover.mask]
            if row is None:
                continue
            changes = row.known.get(state & row.mask)
            if changes is None:
                changes = packed.compute(state, mover, row)
            found = self._known.get(id(row))
            if found is None:
                found = self._known[id(row)] = row, self._futures.of(row.thread)
            future = found[1]
            walls: tuple[tuple[int, int], ...] = ()
            if future.walls:
                place = id(row), state & self._mask_of(future)
                known = self._walls.get(place)
                if known is None:
                    cells = cells or packed.unpack(state)
                    known = self._walls[place] = self._standing(future, cells, mover)
                walls = known
            out.append(Pending(future, changes, walls))
        return out

    def _mask_of(self, future: Future) -> int:
        """The bits of a packed state that tell which walls stand."""
        if future.mask is None:
            future.mask = 0
            for wall in future.walls:
                for slot in wall.slots:
                    future.mask |= self.packed.cells[slot].mask
        return future.mask

    @staticmethod
    def _standing(future: Future, state: State, mover: Mover) -> tuple[tuple[int, int], ...]:
        return tuple(
            (wall.pc, sum(1 << slot for slot in wall.slots))
            for wall in future.walls
            if wall.stands(state.cells, mover.number)
        )

    # --- sets

    def _persistent(self, pending: list[Pending], enabled: list[Pending]) -> list[Pending]:
        """The enabled threads of the smallest persistent set that some thread grows into."""
        best = enabled
        if len(enabled) == 1:
            return best
        for first in enabled:
            chosen = self._grown(first, pending, len(best))
            if chosen is not None and len(chosen) < len(best):
                best = chosen
                if len(best) == 1:
                    break
        return best

    def _grown(self, first: Pending, pending: list[Pending], most: int) -> list[Pending] | None:
        """The enabled threads of the set that grows from one; None if they become too many."""
        inside, outside, count = [first], [one for one in pending if one is not first], 1
        reads, writes = first.future.next.reads, first.future.next.writes
        while True:
            met: list[Pending] = []
            rest: list[Pending] = []
            for other, (left_reads, left_writes) in zip(outside, self._left(outside), strict=True):
                meets = left_writes & (reads | writes) or left_reads & writes
                (met if meets else rest).append(other)
            if not met:
                return [one for one in inside if one.changes]
            inside += met
            outside = rest
            for one in met:
                reads, writes = reads | one.future.next.reads, writes | one.future.next.writes
                count += bool(one.changes)
            if count >= most:
                return None

    def _left(self, outside: list[Pending]) -> list[tuple[int, int]]:
        """What each of those outside may look at and change before anybody inside moves."""
        unchanged = self._all
        while True:
            left = [one.left(unchanged) for one in outside]
            written = 0
            for _, writes in left:
                written |= writes
            if not written & unchanged:
                return left
            unchanged &= ~written
