"""Which space of a program is searched: whole or reduced, state by state or in arrays.

Which of them is small cannot be known before. So they take turns, each going further than before, until one is closed: that costs
little more than the best of them would have alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scenrun.errors import UsageError
from scenrun.report.amounts import exact_seconds
from scenrun.search.properties.nontermination import Nontermination
from scenrun.search.properties.witness import Witness
from scenrun.search.reduction.persistent_sets import Reduced
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Breadth, Limits, Look
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import Space

if TYPE_CHECKING:
    from scenrun.search.arrays.level_search import LevelSearch

SMALL = 20_000
"""States up to which a space is searched state by state; arrays pay beyond it."""
WIDE = 64
"""States of a level, on average, from which on arrays pay."""
TURNS = ((4_000, 1_000_000), (50_000, 10_000_000))
"""The states up to which the reduced space and then the whole one are searched, in turn."""


@dataclass(frozen=True, slots=True)
class StateSearchOptions:
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


Canonical = Callable[[int], int]
"""The representative of a state's orbit."""
LookAt = Callable[[Canonical | None], Look]
"""Gives what looks at a space, or at one of representatives, between parts of levels."""


class Portfolio:
    """Searches a program's states until some space is closed, or a limit is reached."""

    def __init__(self, packed: Packed, how: StateSearchOptions, at_rest: LookAt) -> None:
        self.packed = packed
        self.how = how
        self.at_rest = at_rest
        self.canonical: Canonical | None = None
        """Where the space has representatives: the representative of a state."""
        self.is_reduced = False
        self._began = time.perf_counter()
        self._arrays: LevelSearch | None = None
        self._most = 0
        """The limit of states of the last search."""
        self._left = 0.0
        """The seconds that it had."""

    def run(self) -> Space:
        """The space that was closed first; otherwise the whole one, or the reduced one where only that was asked for."""
        if self.how.reduction == "on" and not self.how.timed:
            self.is_reduced = True
            return self._reduced(self.how.limits.states)
        space = self._one_by_one(SMALL)
        for fewer, more in TURNS if self.how.reduction == "auto" and not self.how.timed else ():
            if not self._had_its_turn(space):
                return space
            reduced = self._reduced(fewer)
            if not self._had_its_turn(reduced):
                self.is_reduced = True
                return reduced
            self.canonical = None
            space = self._whole(more)
        return self._whole(self.how.limits.states) if self._had_its_turn(space) else space

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
            self._arrays = level_search()(self.packed, limits, self.how.look, self.at_rest(None))
        self._arrays.limits = limits
        return self._timed(self._arrays.run())

    def _reduced(self, most: int) -> Space:
        """The space of persistent sets, with symmetry where it applies.

        A cycle of representatives does not show which of the replicas moves: where a thread can loop, symmetry is left
        out, and the search is `strict`.
        """
        packed, how, symmetry = self.packed, self.how, Symmetry(self.packed)
        if how.symmetry and symmetry.groups:
            look = self.at_rest(symmetry.canonical)
            searcher = Reduced(packed, self._limits(most), how.look, look, canonical=symmetry.canonical)
            space = self._timed(searcher.run())
            if not space.is_closed or not Nontermination(packed, space, searcher.taken).any:
                self.canonical = symmetry.canonical
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
        self._left = max(0.0, limits.seconds - (time.perf_counter() - self._began))
        return Limits(self._most, limits.memory, self._left)

    def _timed(self, space: Space) -> Space:
        """A space whose bound, where it is the time that was left, is said to be the time of the whole search."""
        if self.how.limits.seconds is not None and space.bound == exact_seconds(self._left):
            space.bound = exact_seconds(self.how.limits.seconds)
        return space

    def _had_its_turn(self, space: Space) -> bool:
        """Whether the last search ended only because another one has its turn."""
        return space.is_full and self._most < self.how.limits.states


def level_search() -> type[LevelSearch]:
    """The search in arrays; raises UsageError where numpy cannot be imported."""
    try:
        from scenrun.search.arrays.level_search import LevelSearch
    except ImportError as error:
        raise UsageError(
            f"a search of more than {SMALL:,} states needs numpy, which cannot be imported ({error}); "
            "install it again: pip install --force-reinstall numpy"
        ) from error
    return LevelSearch
