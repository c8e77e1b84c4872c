"""Which space of a program is searched: whole or reduced, state by state or in arrays.

Which of them is small cannot be known before. So they take turns, each going further than before, until one is closed: that costs
little more than the best of them would have alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from scenrun.errors import UsageError
from scenrun.report.amounts import exact_seconds
from scenrun.search.properties.nontermination import Nontermination
from scenrun.search.properties.witness import Witness
from scenrun.search.reduction.persistent_sets import Reduced
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Breadth, Limits, Look
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import Orbits
from scenrun.search.space.visited import LinkedSpace, Space

if TYPE_CHECKING:
    from types import ModuleType

    from scenrun.search.arrays.level_search import LevelSearch
    from scenrun.search.arrays.reduced_search import ReducedLevelSearch

SMALL = 20_000
"""States up to which a space is searched state by state; arrays pay beyond it."""
WIDE = 64
"""States of a level, on average, from which on arrays pay."""
FEW, FEW_THREADS = 300, 12
"""States of a reduced space that are visited one by one, before arrays are tried, and the threads up to which that pays."""
NARROW, MOST_FEW = 16, 1_200
"""States of a level, on average, up to which a reduced space is visited one by one beyond those few, and how many at most."""
WORK, MORE = 2_000_000, 4
"""The work of a first turn, in look-ups of a thread's step, and how many times more each further turn is."""
REDUCING, COLUMN = 12, 90
"""The work of reducing for each thread of a state, and the bits of states that are kept in one column without much more work."""
DEEPER = 2
"""How many times deeper than the other a search must have come in its turn to go on alone."""


class StateSearchOptions(Struct, frozen=True):
    """The options of a state search. reduction: `auto` (only where it makes the space smaller), `on` or `off`."""

    limits: Limits = field(default_factory=Limits)
    reduction: str = "auto"
    symmetry: bool = True
    """Whether a reduced search also merges states that differ by a permutation of replicas."""
    timed: bool = False
    """Whether transitions keep the order of the clock; then nothing is reduced."""
    look: Look = lambda space: None
    found: Callable[[Witness], str | None] | None = None
    """Called once, with the first finding, while the search goes on; a reason that it returns ends the search."""
    beside: Callable[[], str | None] | None = None
    """Called once, when the space turns out large; a reason that it returns ends the search."""
    kept_s: Callable[[], float] = lambda: 0.0
    """The seconds of the limit that are not for the search of states."""


LookAt = Callable[[Orbits | None], Look]
"""Gives what looks at a space, or at one of representatives, between parts of levels."""


class Portfolio:
    """Searches a program's states until some space is closed, or a limit is reached."""

    def __init__(self, packed: Packed, how: StateSearchOptions, at_rest: LookAt, began: float | None = None) -> None:
        """began: a time of `time.perf_counter` from which the limit of time counts; None: now."""
        self.packed = packed
        self.how = how
        self.at_rest = at_rest
        self.orbits: Orbits | None = None
        """Where the space is one of representatives: what finds them."""
        self.is_reduced = False
        self._began = time.perf_counter() if began is None else began
        self.symmetry = Symmetry(packed)
        self._orbits: Orbits | None = None
        """The same of the last space one by one."""
        self._arrays: LevelSearch | None = None
        self._reduced_arrays: ReducedLevelSearch | None = None
        self._shows_too_little = False
        """Whether the reduced space in arrays has cycles."""
        self._is_large = False
        """Whether the space has turned out large."""
        self._most = 0
        """The limit of states of the last search."""
        self._seconds = self._left = 0.0
        """The seconds of all searches, and those that were left for the last one."""

    def run(self) -> Space:
        """The space that was closed first; otherwise the whole one, or the reduced one where only that was asked for."""
        if self.how.timed or self.how.reduction == "off":
            space = self._one_by_one(SMALL)
            return self._whole(self.how.limits.states) if self._is_to_go_on(space) else space
        if self.how.reduction == "on":
            return self._only_reduced()
        return self._in_turns()

    def _in_turns(self) -> Space:
        """The reduced space and the whole one in turns of like work; the one that comes much deeper then goes on alone."""
        whole, most, work = self._one_by_one(SMALL), self.how.limits.states, WORK
        while self._had_its_turn(whole):
            threads = self.packed.thread_count
            self.at_rest(None)(whole)  # what it shows is not lost if another space is closed, or the time is over
            reduced = self._reduced(max(FEW, work // (REDUCING * threads)))
            if reduced is not None and not self._had_its_turn(reduced):
                return self._as_reduced(reduced)
            if reduced is not None:
                self.at_rest(self._orbits_of(reduced))(reduced)
            if not self._is_to_go_on(whole):  # only now, as many a large space is a small one when it is reduced
                return whole
            whole = self._whole(work // (threads * -(-self.packed.bits // COLUMN)))
            if reduced is None or whole.depth >= DEEPER * reduced.depth:
                return self._whole(most) if self._had_its_turn(whole) else whole
            if reduced.depth >= DEEPER * whole.depth and self._had_its_turn(whole):
                reduced = self._reduced(most)
                return self._whole(most) if reduced is None else self._as_reduced(reduced)
            work *= MORE
        return whole

    def _only_reduced(self) -> Space:
        space = self._reduced(self.how.limits.states)
        return self._as_reduced(self._persistent(self.how.limits.states) if space is None else space)

    def _as_reduced(self, space: Space) -> Space:
        self.is_reduced, self.orbits = True, self._orbits_of(space)
        return space

    def _orbits_of(self, space: Space) -> Orbits | None:
        """Where a reduced space is one of representatives: what finds them."""
        if isinstance(space, LinkedSpace):
            return self._orbits
        return self.symmetry if self.symmetry.groups and self.how.symmetry else None

    # --- one search of them

    def _one_by_one(self, most: int) -> Space:
        """The whole space state by state, further than so many states where its levels are narrow."""
        while True:
            search = Breadth(self.packed, self._limits(most), self.how.look, self.at_rest(None))
            space = self._timed(search.run())
            if not self._had_its_turn(space) or len(space) >= WIDE * space.depth:
                return space
            most *= 10

    def _whole(self, most: int) -> Space:
        """The whole space in arrays; a second call goes on where the first one ended."""
        limits = self._limits(most)
        if self._arrays is None:
            self._arrays = arrays().LevelSearch(self.packed, limits, self.how.look, self.at_rest(None))
        self._arrays.limits = limits
        return self._timed(self._arrays.run())

    def _reduced(self, most: int) -> Space | None:
        """The reduced space: one by one as long as it has few states, then in arrays; None where arrays do not show enough.

        Of persistent sets in arrays it is not known which thread they ignore on a cycle, nor of representatives which
        replica moves: so they show all only where there is no cycle.
        """
        if self._shows_too_little:
            return None
        few = self.packed.thread_count <= FEW_THREADS or most <= FEW
        if few and self._reduced_arrays is None and self._arrays is None:
            space = self._few(most)
            if not self._had_its_turn(space) or most <= FEW:
                return space
        limits = self._limits(most)
        if self._reduced_arrays is None:
            symmetry = self.symmetry if self.how.symmetry and self.symmetry.groups else None
            look = self.at_rest(symmetry)
            self._reduced_arrays = arrays().ReducedLevelSearch(self.packed, limits, self.how.look, look, symmetry)
        self._reduced_arrays.limits = limits
        space = self._timed(self._reduced_arrays.run())
        if space.is_closed and self.symmetry.can_loop():
            is_acyclic = self._reduced_arrays.is_acyclic()
            self._shows_too_little = space.is_closed and not is_acyclic
        space.has_cycles = self._shows_too_little
        return None if self._shows_too_little else space

    def _few(self, most: int) -> Space:
        """The reduced space one by one, as far as it has few states, or narrow levels, each of which costs arrays more."""
        few = min(FEW, most)
        while True:
            space = self._persistent(few)
            if few >= min(most, MOST_FEW) or not self._had_its_turn(space) or len(space) >= NARROW * space.depth:
                return space
            few = min(few * MORE, most, MOST_FEW)

    def _persistent(self, most: int) -> Space:
        """The space of persistent sets one by one, with symmetry where it applies.

        A cycle of representatives does not show which of the replicas moves: where a thread can loop, symmetry is left
        out, and the search is `strict`.
        """
        packed, how, symmetry = self.packed, self.how, self.symmetry
        self._orbits = None
        if how.symmetry and symmetry.groups:
            look = self.at_rest(symmetry)
            searcher = Reduced(packed, self._limits(most), how.look, look, canonical=symmetry.canonical)
            space = self._timed(searcher.run())
            if not space.is_closed or not symmetry.can_loop():
                self._orbits = symmetry
                space.has_cycles = False
                return space
        searcher = Reduced(packed, self._limits(most), how.look, self.at_rest(None))
        space = searcher.run()
        if space.is_closed and Nontermination(packed, space, searcher.taken).any:
            searcher = Reduced(packed, self._limits(most), how.look, self.at_rest(None), strict=True)
            space = searcher.run()
        space.taken = searcher.taken
        return self._timed(space)

    # --- turns

    def _limits(self, most: int) -> Limits:
        """The limits of a search of so many states, or fewer, in the time that is left."""
        limits = self.how.limits
        self._most = min(most, limits.states)
        if limits.seconds is None:
            return replace(limits, states=self._most)
        self._seconds = limits.seconds - self.how.kept_s()
        self._left = max(0.0, self._seconds - (time.perf_counter() - self._began))
        return Limits(self._most, limits.memory, self._left)

    def _timed(self, space: Space) -> Space:
        """A space whose bound, where it is the time that was left, is said to be the time of the whole search."""
        if self.how.limits.seconds is not None and space.bound == exact_seconds(self._left):
            space.bound = exact_seconds(self._seconds)
        return space

    def _is_to_go_on(self, space: Space) -> bool:
        """Whether a large space is to be searched further, now that other ways to findings had a look."""
        if self._is_large or self.how.beside is None or not self._had_its_turn(space):
            return self._had_its_turn(space)
        self._is_large = True
        reason = self.how.beside()
        space.bound = reason or space.bound
        return reason is None

    def _had_its_turn(self, space: Space) -> bool:
        """Whether the last search ended only because another one has its turn."""
        return space.is_full and self._most < self.how.limits.states


def arrays() -> ModuleType:
    """The searches in arrays; raises UsageError where numpy cannot be imported."""
    try:
        from scenrun.search.arrays import reduced_search
    except ImportError as error:
        raise UsageError(
            f"a search of so many states needs numpy, which cannot be imported ({error}); "
            "install it again: pip install --force-reinstall numpy"
        ) from error
    return reduced_search
