"""Breadth-first search by levels of a part of the space that shows the same: of representatives, and by persistent sets.

States that differ by a permutation of replicas are visited once, and of each state only the steps of a persistent set are made.
"""

from __future__ import annotations

import numpy as np

from scenrun.search.arrays.columns import Columns, Flags, Numbers, Run, joined, mixed, part_of, sorted_run, tagged_run
from scenrun.search.arrays.level_search import AT_ONCE, Level, LevelSearch
from scenrun.search.arrays.persistent_sets import Situations
from scenrun.search.arrays.row_table import Rows
from scenrun.search.arrays.symmetry import ArraySymmetry, Repeated
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Limits, Look
from scenrun.search.space.packed import Packed


class ReducedLevelSearch(LevelSearch):
    """A reduced search by levels. Time is free. Where threads can loop, what it shows is not enough (see `is_acyclic`)."""

    def __init__(self, packed: Packed, limits: Limits, look: Look, at_rest: Look, symmetry: Symmetry | None) -> None:
        """symmetry: the interchangeable replicas; None: none are exchanged."""
        super().__init__(packed, limits, look, at_rest)
        self.symmetry = symmetry
        self.space.keeps_parents = True
        self._arrays: ArraySymmetry | None = None
        self._situations: Situations | None = None

    def _relay(self) -> None:
        self._arrays = self._situations = None
        super()._relay()

    @property
    def arrays(self) -> ArraySymmetry:
        """What finds representatives in the present layout."""
        assert self.symmetry is not None
        if self._arrays is None:
            self._arrays = ArraySymmetry(self.packed, self.symmetry)
        return self._arrays

    def next_level(self) -> Level:
        """What takes the successors of a level."""
        return _ReducedLevel(self)

    def representatives(self, kept: Columns) -> Columns:
        """The representative of each state."""
        if self.symmetry is None:
            return kept
        codec, found = self.space.codec, []
        for at in range(0, len(kept[0]), AT_ONCE):
            columns = codec.opened(tuple(column[at : at + AT_ONCE] for column in kept))
            columns = self.arrays.canonical(columns)
            self.ready()
            found.append(codec.closed(columns))
        return joined(found, codec.count)

    def repeated(self, columns: Columns) -> Repeated:
        """The threads that are replicas like the ones before them."""
        return {} if self.symmetry is None else self.arrays.repeated(columns)

    def taken(self, columns: Columns, rows: list[Rows], repeated: Repeated) -> list[Flags]:
        """For each thread, the states in which it is in the persistent set."""
        if self._situations is None:
            symmetry = None if self.symmetry is None else self.arrays
            self._situations = Situations(self.packed, symmetry, self.space.codec.width)
        return self._situations.taken(columns, self.tables, rows, repeated)

    # --- cycles

    def is_acyclic(self) -> bool:
        """Whether the closed space has no cycle. Then every execution of the program ends, too.

        False also where it cannot be said; where a limit comes first, the space is no longer closed.

        A persistent set of an acyclic space ignores no thread for ever, and of an infinite execution, the first step that is
        in the set could be made first (Godefroid 1996, theorem 4.3): so the space would have an infinite path as well.
        """
        whole = sorted_run(joined([run.columns for run in self.space.levels], self.space.count))
        edges = _Edges(self, whole)
        for at in range(0, len(whole), AT_ONCE):
            self.space.bound = self._bound()
            if self.space.bound is not None:
                return False
            edges.add(at, tuple(column[at : at + AT_ONCE] for column in whole.columns))
        return edges.are_acyclic()


class _ReducedLevel(Level):
    """The representatives of successors, each with a predecessor."""

    def __init__(self, search: ReducedLevelSearch) -> None:
        super().__init__(search)
        self.reduced = search
        self._positions: list[Numbers] = []
        self._parents: list[Numbers] = []

    def take(self, positions: Numbers, after: Columns) -> None:
        """Take a successor of each of the states at some positions of the level."""
        self._found.append(after)
        self._positions.append(positions)

    def states(self) -> tuple[Run, Numbers | None]:
        """The new states, and the position of a predecessor of each."""
        self._sort()
        if len(self._runs) == 1:
            return self._runs[0], self._parents[0]
        if not self._runs:
            return sorted_run(joined([], self.space.count)), np.zeros(0, np.int64)
        run, at = tagged_run(joined([run.columns for run in self._runs], self.space.count))
        return run, np.concatenate(self._parents)[at]

    def _sort(self) -> None:
        if self._found:
            run, at = self._new(joined(self._found, self.space.count), np.concatenate(self._positions))
            run, at = self._new(self.reduced.representatives(run.columns), at)
            self._runs.append(run)
            self._parents.append(at)
        self._found, self._positions, self._waiting = [], [], 0

    def _new(self, columns: Columns, parents: Numbers) -> tuple[Run, Numbers]:
        """The new ones of some states, sorted, and their predecessors."""
        run, at = tagged_run(columns)
        new = self.space.known.are_new(run)
        return part_of(run, new), parents[at][new]


class _Edges(Level):
    """The steps of a space, from position to position in all its states."""

    def __init__(self, search: ReducedLevelSearch, whole: Run) -> None:
        super().__init__(search)
        self.reduced = search
        self.whole = whole
        self._from: list[Numbers] = []
        self._to: list[Numbers] = []

    def take(self, positions: Numbers, after: Columns) -> None:
        """Take a successor of each of the states at some positions."""
        columns = self.reduced.representatives(after)
        self._from.append(positions.astype(np.int32))
        self._to.append(self.whole.places_of(mixed(columns), columns).astype(np.int32))

    def are_acyclic(self) -> bool:
        """Whether states without predecessors can be removed until none is left (Kahn, 1962)."""
        size = len(self.whole)
        if not self._from:
            return True
        ahead, after = np.concatenate(self._from), np.concatenate(self._to)
        if (after < 0).any():
            return False
        order = np.argsort(ahead, kind="stable")
        after = after[order]
        starts = np.searchsorted(ahead[order], np.arange(size + 1))
        waiting = np.bincount(after, minlength=size)
        free, removed = np.flatnonzero(waiting == 0), 0
        while len(free):
            removed += len(free)
            lengths = starts[free + 1] - starts[free]
            first = np.repeat(starts[free] - np.cumsum(lengths) + lengths, lengths)
            met, times = np.unique(after[first + np.arange(len(first))], return_counts=True)
            waiting[met] -= times
            free = met[waiting[met] == 0]
        return removed == size
