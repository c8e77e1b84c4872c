"""Breadth-first search by levels of representatives: states that differ by a permutation of replicas are visited once."""

from __future__ import annotations

from scenrun.search.arrays.columns import Columns, Flags, Run, ints_of, joined, mixed, sorted_run
from scenrun.search.arrays.level_search import AT_ONCE, Level, LevelSearch
from scenrun.search.arrays.symmetry import ArraySymmetry
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Limits, Look
from scenrun.search.space.packed import Packed


class SymmetricLevelSearch(LevelSearch):
    """A search of representatives. Time is free."""

    def __init__(self, packed: Packed, limits: Limits, look: Look, at_rest: Look, symmetry: Symmetry) -> None:
        super().__init__(packed, limits, look, at_rest)
        self.symmetry = symmetry
        self.space.step_to = self._step_to
        self._arrays: ArraySymmetry | None = None

    def _relay(self) -> None:
        self._arrays = None
        super()._relay()

    @property
    def arrays(self) -> ArraySymmetry:
        """What finds representatives in the present layout."""
        if self._arrays is None:
            self._arrays = ArraySymmetry(self.packed, self.symmetry)
        return self._arrays

    def representatives(self, run: Run) -> Run:
        """The representatives of some states."""
        codec = self.space.codec
        found = []
        for at in range(0, len(run), AT_ONCE):
            columns = codec.opened(tuple(column[at : at + AT_ONCE] for column in run.columns))
            columns = self.arrays.canonical(columns)
            self.ready()
            found.append(codec.closed(columns))
        return sorted_run(joined(found, codec.count))

    def repeated(self, columns: Columns) -> dict[int, Flags]:
        """By thread, the states in which it is a replica like the one before it."""
        return self.arrays.repeated(columns)

    def _step_to(self, level: Run, state: int) -> int:
        """A state of a level from which a step leads to one that a state represents."""
        wanted = self.space.run_of([state])
        for at in range(0, len(level), AT_ONCE):
            part = tuple(column[at : at + AT_ONCE] for column in level.columns)
            if self._leads_to(part, wanted):
                for one in ints_of(self.space.codec.opened(part)):
                    if self._leads_to(self.space.run_of([one]).columns, wanted):
                        return one
        raise AssertionError("no state of the level before leads there")

    def _leads_to(self, part: Columns, wanted: Run) -> bool:
        made = Level(self, among_all=True)
        made.add(part)
        run = made.states()
        return bool(wanted.has(mixed(run.columns), run.columns).any()) if len(run) else False
