"""Nontermination in arrays: states at which staying would be unfair, or that lead nowhere inside, are removed first.

What remains is mostly small, and judged state by state (see `properties.nontermination`). Where it is large and mostly one
strongly connected component, that is taken out first: the states that lead to a state and that it leads to (Fleischer,
Hendrickson and Pinar, On Identifying Strongly Connected Components in Parallel, 2000).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from scenrun.search.arrays.columns import (
    Columns,
    Flags,
    Numbers,
    Run,
    joined,
    mixed,
    part_of,
    picked,
    sorted_run,
)
from scenrun.search.arrays.level_space import LevelSpace, States, at_places
from scenrun.search.arrays.step_tables import StepTable, over_of, tables_backwards
from scenrun.search.properties.nontermination import BottomScc, Nontermination
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import Space

FEW = 4_000
"""States among which no large component is sought: they are judged one by one."""
LARGE = 2
"""A component is large that has at least one of so many states."""
AT_ONCE = 1 << 15
"""States whose steps are made at once."""


class ArrayNontermination(Nontermination):
    """Finds the sets of states of a closed search in which a fair execution may stay for ever. Time is free."""

    def __init__(self, packed: Packed, visited: LevelSpace) -> None:
        super().__init__(packed, visited)
        self.packed = packed
        self.space_of = visited
        self.codec = visited.codec

    def find(self) -> Iterator[BottomScc]:
        """Every set of states in which it is fair to stay for ever."""
        if self.any:
            self._tables = [StepTable(self.packed, one, self.codec.width) for one in self.packed.thread_fields]
            self._backwards = [tables_backwards(one, self.codec.width) for one in self.packed.thread_fields]
            yield from self._fair_in(self._candidates())

    # --- removing states

    def _candidates(self) -> Run:
        """The states at places on local cycles, without those that are unfair whatever set they are in."""
        found = []
        for columns in self.space_of.parts():
            columns = picked(columns, at_places(self.packed, columns, self._round))
            if self.packed.has_daemons:
                columns = picked(columns, ~over_of(self._tables, columns))
            found.append(self.codec.closed(picked(columns, ~self._is_unfair_anywhere(columns))))
        return sorted_run(joined(found, self.codec.count))

    def _is_unfair_anywhere(self, columns: Columns) -> Flags:
        """Whether in each state a thread is enabled that can never return there, or has an alternative that cannot."""
        out: Flags = np.zeros(len(columns[0]), np.bool_)
        for table, here in zip(self._tables, self._round, strict=True):
            places = table.places(columns)
            is_on_cycle = np.zeros(len(table.is_needed), np.bool_)
            is_on_cycle[list(here)] = True
            rows, _ = table.rows_of(columns, places)
            counts = table.counts.take(rows)
            out |= (counts > 0) & ~is_on_cycle.take(places)
            for at, after in table.steps(columns, rows) if len(table.changes) > 1 else ():
                positions = np.arange(len(out)) if at is None else at
                leaves = ~is_on_cycle.take(table.places(after)) & (counts.take(positions) > 1)
                out[positions[leaves]] = True
        return out

    def _fair_in(self, inside: Run) -> Iterator[BottomScc]:
        """The fair sets among some states."""
        inside = self._trimmed(inside)
        while len(inside) > FEW and len(inside):
            component, rest = self._component(inside)
            if LARGE * len(component) < len(inside):  # there are many, each of which would cost as much
                break
            if len(component) > 1 or self._is_on_itself(component):
                yield from self._judged_in(component)
            inside = self._trimmed(rest)
        states = list(States(self.space_of, inside))
        yield from self._fair(states, set(states))

    def _trimmed(self, inside: Run) -> Run:
        """The states without those from which every path inside ends."""
        left = np.zeros(len(inside), np.int32)
        for part in self._parts(inside):
            for _, at, after in self._steps(part.columns):
                left[part.positions(at)[self._is_in(inside, after)]] += 1
        alive: Flags = left > 0
        dead = np.flatnonzero(~alive)
        while len(dead):
            before = joined(self._before(picked(inside.columns, dead)), self.codec.count)
            dead, times = np.unique(inside.places_of(mixed(before), before), return_counts=True)
            dead, times = dead[dead >= 0], times[dead >= 0]
            left[dead] -= times.astype(np.int32)
            dead = dead[(left[dead] <= 0) & alive[dead]]
            alive[dead] = False
        return part_of(inside, alive)

    # --- components

    def _component(self, inside: Run) -> tuple[Run, Run]:
        """A strongly connected component, and the other states."""
        first = self._first(inside)
        forwards = self._reached(inside, first, forwards=True)
        both = forwards & self._reached(inside, first, forwards=False, among=forwards)
        return part_of(inside, both), part_of(inside, ~both)

    def _first(self, inside: Run) -> int:
        """The position of a state that was visited first."""
        for level in self.space_of.levels:
            at = np.flatnonzero(inside.places_of(level.keys, level.columns) >= 0)
            if len(at):
                some = picked(level.columns, at[:1])
                return int(inside.places_of(level.keys[at[:1]], some)[0])
        raise AssertionError("the states were not visited")

    def _reached(self, inside: Run, first: int, *, forwards: bool, among: Flags | None = None) -> Flags:
        """The states inside that a state leads to, or that lead to it."""
        seen: Flags = np.zeros(len(inside), np.bool_)
        seen[first] = True
        frontier: Numbers = np.array([first])
        while len(frontier):
            new: Flags = np.zeros(len(inside), np.bool_)
            for at in range(0, len(frontier), AT_ONCE):
                kept = picked(inside.columns, frontier[at : at + AT_ONCE])
                found = joined(
                    [after for _, _, after in self._steps(kept)] if forwards else self._before(kept), self.codec.count
                )
                run = sorted_run(found)
                places = inside.places_of(run.keys, run.columns)
                new[places[places >= 0]] = True
            new &= ~seen if among is None else among & ~seen
            seen |= new
            frontier = np.flatnonzero(new)
        return seen

    # --- steps

    def _parts(self, inside: Run) -> Iterator[_Part]:
        for at in range(0, len(inside), AT_ONCE):
            yield _Part(at, tuple(column[at : at + AT_ONCE] for column in inside.columns))

    def _steps(self, kept: Columns) -> Iterator[tuple[int, Numbers | None, Columns]]:
        """The steps of some states, each as its thread's number, the positions of the states, and the states after it."""
        columns = self.codec.opened(kept)
        for number, table in enumerate(self._tables):
            rows, _ = table.rows_of(columns, table.places(columns))
            for at, after in table.steps_kept(kept, columns, rows, self.codec):
                yield number, at, after

    def _is_in(self, inside: Run, columns: Columns) -> Flags:
        return inside.has(mixed(columns), columns)

    def _before(self, kept: Columns) -> list[Columns]:
        """The states from which a step leads to one of these, as often as one does; not all of them need be reachable."""
        found, columns = [], self.codec.opened(kept)
        for tables in self._backwards:
            for table in tables:
                rows, _ = table.rows_of(columns, table.places(columns))
                found += [self.codec.known(states) for _, states in table.steps(columns, rows)]
        return found

    def _is_on_itself(self, component: Run) -> bool:
        (state,) = States(self.space_of, component)
        return any(after == state for _, afters in self.packed.moves(state) for after in afters)

    # --- judging

    def _judged_in(self, component: Run) -> Iterator[BottomScc]:
        """The component if staying in it is fair; otherwise the fair sets of the rest without the unfair states."""
        about = self._moves_in(component)
        moving = {number for number, one in about.items() if one.stays}
        unfair: Flags = np.zeros(len(component), np.bool_)
        for number, one in about.items():
            unfair |= one.enabled if number not in moving else one.torn
        if unfair.any():
            yield from self._fair_in(part_of(component, ~unfair))
            return
        is_left = any(one.leaves for one in about.values())
        could = {number for number, one in about.items() if one.enabled.any()}
        waiting = self._waiting_in_vain(next(iter(States(self.space_of, component))), could)
        none = frozenset[int]()
        yield BottomScc(
            States(self.space_of, component),
            frozenset(moving),
            none if is_left else waiting,
            waiting if is_left else none,
            is_left,
        )

    def _moves_in(self, component: Run) -> dict[int, _Moves]:
        """What each thread does in a component."""
        out = {number: _Moves(len(component)) for number in range(len(self._tables))}
        for part in self._parts(component):
            columns = self.codec.opened(part.columns)
            several = [
                table.counts.take(table.rows_of(columns, table.places(columns))[0]) > 1 for table in self._tables
            ]
            for number, at, after in self._steps(part.columns):
                one, positions = out[number], part.positions(at)
                stays = self._is_in(component, after)
                one.enabled[positions] = True
                one.stays |= bool(stays.any())
                one.leaves |= not stays.all()
                torn = ~stays & (several[number] if at is None else several[number][at])
                one.torn[positions[torn]] = True
        return out


@dataclass(frozen=True, slots=True)
class _Part:
    """Some states of a run that stand one after another."""

    start: int
    columns: Columns

    def positions(self, at: Numbers | None) -> Numbers:
        """The positions in the run of some of these states, by their positions here; None: of all."""
        return np.arange(self.start, self.start + len(self.columns[0])) if at is None else self.start + at


@dataclass(slots=True)
class _Moves:
    """What a thread does in a set of states."""

    size: int
    stays: bool = False
    """Whether a step of it stays inside."""
    leaves: bool = False
    """Whether a step of it leaves the set."""
    enabled: Flags = field(init=False)
    """For each state, whether it is enabled."""
    torn: Flags = field(init=False)
    """For each state, whether it has several alternatives, of which one leaves the set."""

    def __post_init__(self) -> None:
        self.enabled, self.torn = np.zeros(self.size, np.bool_), np.zeros(self.size, np.bool_)


def of_levels(packed: Packed, visited: Space) -> Nontermination:
    """The analysis of a space that is kept in arrays."""
    assert isinstance(visited, LevelSpace)
    return ArrayNontermination(packed, visited)
