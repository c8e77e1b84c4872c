"""The states that a search in arrays has visited: each level as a sorted run, and no predecessors.

The way to a state is found backwards: the transitions that lead to a state are known by the bits that they leave behind, so the
predecessors of a state are looked up, and one of them is in the level before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scenrun.search.arrays.codec import Codec
from scenrun.search.arrays.columns import (
    WORD,
    Column,
    Columns,
    Flags,
    Numbers,
    Run,
    StateSet,
    columns_of,
    count_for,
    ints_of,
    joined,
    mixed,
    picked,
    sorted_run,
    tagged_run,
    words_of,
)
from scenrun.search.arrays.predecessors import Predecessors
from scenrun.search.space.layout import Relayout
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import WHOLE, StateSpace
from scenrun.search.space.visited import Space

AT_ONCE = 1 << 16
"""States that are looked at at once."""


class LevelSpace(Space):
    """The visited states by level."""

    def __init__(self, packed: Packed) -> None:
        super().__init__()
        self.packed = packed
        self.codec = Codec(packed)
        """How states are kept in levels, ends and elsewhere."""
        self.levels: list[Run] = []
        self.known = StateSet(self.codec.count)
        """All states of the levels."""
        self.ends: list[Columns] = []
        """The terminal states, in parts."""
        self.by_time: list[tuple[Columns, Columns]] = []
        """Where time is virtual: for each level, the states in which time passes, and the states after it."""
        self.keeps_parents = False
        """Whether predecessors are kept, because steps cannot be undone."""
        self.parents: list[Numbers] = []
        """For each level, the position of a predecessor of each state in the level before."""
        self._layout = packed.layout
        self._predecessors: Predecessors | None = None

    # --- growing

    def add(self, run: Run, parents: Numbers | None = None) -> None:
        """Add a level of new states; parents: where predecessors are kept, the position of one of each in the level before."""
        if self.keeps_parents:
            self.parents.append(np.zeros(len(run), np.int64) if parents is None else parents)
        self.levels.append(run)
        self.known.add(run)

    @property
    def count(self) -> int:
        """The columns of a state as it is kept."""
        return self.codec.count

    @property
    def is_outdated(self) -> bool:
        """Whether the packed states have got another layout."""
        return self._layout != self.packed.layout

    def relay(self, *, numbered: bool = True) -> None:
        """Follow the packed states into their present layout; raises Full where they have too many combinations.

        numbered: whether columns of what seldom changes may be numbered.
        """
        relayouts, old = self.packed.relayouts[self._layout :], self.codec
        codec = Codec(self.packed, numbered=numbered)

        def moved(kept: Columns) -> Columns:
            columns = old.opened(kept)
            for how in relayouts:
                columns = relaid(columns, how)
            return codec.closed(joined([columns], codec.width))

        whole = moved(joined([run.columns for run in self.levels], old.count))
        ends = [moved(columns) for columns in self.ends]
        by_time = [(moved(before), moved(after)) for before, after in self.by_time]
        # nothing has changed so far, as `moved` may raise
        self.codec, self.ends, self.by_time = codec, ends, by_time
        starts = np.cumsum([len(run) for run in self.levels[:-1]])
        levels = zip(*(np.split(column, starts) for column in whole), strict=True)
        self._replace([tagged_run(columns) for columns in levels] if self.levels else [])
        self.known = StateSet(self.count)
        for run in self.levels:
            self.known.add(run)
        self._layout = self.packed.layout
        self._predecessors = None

    def _replace(self, levels: list[tuple[Run, Numbers]]) -> None:
        """Put other runs in the place of the levels, each with the position at which each state was before."""
        self.levels = [run for run, _ in levels]
        if not self.parents:
            return
        for level in range(1, len(levels)):
            now = np.empty(len(levels[level - 1][1]), np.int64)
            now[levels[level - 1][1]] = np.arange(len(now))
            self.parents[level] = now[self.parents[level][levels[level][1]]]

    # --- what was visited

    def __len__(self) -> int:
        return len(self.known)

    def __iter__(self) -> Iterator[int]:
        for columns in self.parts():
            yield from ints_of(columns)

    def __contains__(self, state: object) -> bool:
        return isinstance(state, int) and any(self.is_in(run, state) for run in self.known.runs)

    def parts(self) -> Iterator[Columns]:
        """The states as they are, in the order of the search, some at a time and none of two levels."""
        for level in self.levels:
            yield from self.parts_of(level)

    def parts_of(self, run: Run) -> Iterator[Columns]:
        """The states of a run as they are, some at a time."""
        for at in range(0, len(run), AT_ONCE):
            yield self.codec.opened(tuple(column[at : at + AT_ONCE] for column in run.columns))

    def is_in(self, run: Run, state: int) -> bool:
        """Whether a state is in a run of this space."""
        kept = self.codec.kept(state)
        return kept is not None and int(run.places_of(mixed(kept), kept)[0]) >= 0

    def level_of(self, state: int) -> int:
        """The number of steps on a shortest path to a visited state."""
        return next(at for at, level in enumerate(self.levels) if self.is_in(level, state))

    def path_to(self, state: int) -> list[int]:
        """The states on a shortest path from the initial state to this one."""
        level = self.level_of(state)
        if self.parents:
            return self._path_by_parents(state, level)
        path = [state]
        for before in reversed(range(level)):
            path.append(self._before(path[-1], before))
        return path[::-1]

    def _path_by_parents(self, state: int, level: int) -> list[int]:
        kept = self.codec.kept(state)
        assert kept is not None
        at = int(self.levels[level].places_of(mixed(kept), kept)[0])
        path = [state]
        for number in range(level, 0, -1):
            at = int(self.parents[number][at])
            columns = self.codec.opened(picked(self.levels[number - 1].columns, np.array([at])))
            path += ints_of(columns)
        return path[::-1]

    def _before(self, state: int, level: int) -> int:
        """A state of a level from which a step leads to this one."""
        if self._predecessors is None or self._predecessors.computed != self.packed.computed:
            self._predecessors = Predecessors(self.packed)
        found = [one for one in self._predecessors.of(state) if self.is_in(self.levels[level], one)]
        return min(found) if found else self._before_time(state, level)

    def _before_time(self, state: int, level: int) -> int:
        before, after = self.by_time[level]
        kept = self.codec.kept(state)
        assert kept is not None
        same: Flags = np.ones(len(before[0]), np.bool_)
        for column, one in zip(after, kept, strict=True):
            same &= column == one
        return ints_of(self.codec.opened(picked(before, np.flatnonzero(same)[:1])))[0]

    def ends_from(self, number: int, slots: Iterable[int]) -> tuple[Sequence[int], int]:
        """The terminal states from a part of them on, of those that agree in all that counts one only."""
        columns = self.codec.opened(joined(self.ends[number:], self.count))
        masks = words_of(self.packed.agreeing_mask(slots), len(columns))
        first = first_of_each_row(tuple(column & mask for column, mask in zip(columns, masks, strict=True)))
        return ints_of(picked(columns, first)), len(self.ends)

    def first_like(self, state: int, mask: int) -> int | None:
        """The first visited state that agrees with this one in the bits of a mask."""
        if state in self:
            return state
        wanted, masks = words_of(state & mask, self.codec.width), words_of(mask, self.codec.width)
        for columns in self.parts():
            same: Flags = np.ones(len(columns[0]), np.bool_)
            for column, word, some in zip(columns, wanted, masks, strict=True):
                same &= column & some == word
            if same.any():
                return ints_of(picked(columns, np.flatnonzero(same)[:1]))[0]
        return None

    def first_of(self, states: Iterable[int]) -> int:
        """The one of some visited states that was visited first."""
        wanted = states.run if isinstance(states, States) else self.run_of(list(states))
        for level in self.levels:
            if (here := np.flatnonzero(level.has(wanted.keys, wanted.columns))).size:
                return ints_of(self.codec.opened(picked(wanted.columns, here[:1])))[0]
        raise KeyError("no such state was visited")

    def run_of(self, states: Sequence[int]) -> Run:
        """Some states as a run of this space."""
        return sorted_run(self.codec.closed(columns_of(states, self.codec.width)))

    def at_places(self, space: StateSpace, places: Sequence[set[int]]) -> Iterator[int]:
        """The states in which some thread is at one of its places; not where the program is over."""
        for columns in self.parts():
            yield from space.at_places(ints_of(picked(columns, at_places(self.packed, columns, places))), places)

    def first_of_each(self, space: StateSpace, classes: Mapping[int, Mapping[int, int]]) -> Iterator[int]:
        """The first of the states in which all threads are at places of the same classes."""
        return space.first_of_each(self._first_rows(classes), classes)

    def _first_rows(self, classes: Mapping[int, Mapping[int, int]]) -> Iterator[int]:
        """Of each part, the first state of each combination of classes."""
        tables = [_Classes(self.packed, number, of_thread, self.codec.width) for number, of_thread in classes.items()]
        for columns in self.parts():
            rows = tuple(row for table in tables for row in table.rows(columns))
            first = first_of_each_row(rows) if rows else np.arange(1)
            yield from ints_of(picked(columns, first))


class _Classes:
    """The classes of one thread's places (see `StateSpace.first_of_each`)."""

    def __init__(self, packed: Packed, number: int, classes: Mapping[int, int], count: int) -> None:
        self._field = packed.thread_fields[number]
        local_states = self._field.local_states
        self._kinds = np.zeros(len(local_states), np.uint64)
        masks = [0] * len(local_states)
        for place, kind in classes.items():
            local_state = local_states[place]
            self._kinds[place] = kind if kind != WHOLE else max(classes.values()) + 1 + place
            if kind == WHOLE and local_state is not None:
                masks[place] = local_state.mask
        self._masks = columns_of(masks, count) if any(masks) else ()

    def rows(self, columns: Columns) -> Iterator[Column]:
        """The class of each state, and the bits that tell places of class WHOLE apart."""
        place = places_of(columns, self._field.shift, self._field.mask)
        yield self._kinds.take(place)
        for column, masks in zip(columns, self._masks, strict=False):
            yield column & masks.take(place)


class States(Sequence[int]):
    """Some visited states, as a run."""

    def __init__(self, space: LevelSpace, run: Run) -> None:
        self.space = space
        self.run = run

    def __len__(self) -> int:
        return len(self.run)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return list(self)[at]
        return ints_of(self.space.codec.opened(picked(self.run.columns, np.array([at]))))[0]

    def __iter__(self) -> Iterator[int]:
        for columns in self.space.parts_of(self.run):
            yield from ints_of(columns)

    def __contains__(self, state: object) -> bool:
        return isinstance(state, int) and self.space.is_in(self.run, state)


def places_of(columns: Columns, shift: int, mask: int) -> Numbers:
    """The place of a thread in each state, by the position of its field."""
    place = columns[shift // WORD] >> np.uint64(shift % WORD)
    place &= np.uint64(mask)
    return place.view(np.int64)


def at_places(packed: Packed, columns: Columns, places: Sequence[set[int]]) -> Flags:
    """Whether in each state some thread is at one of its places."""
    out: Flags = np.zeros(len(columns[0]), np.bool_)
    for thread_field, here in zip(packed.thread_fields, places, strict=True):
        if here:
            is_here = np.zeros(len(thread_field.local_states), np.bool_)
            is_here[list(here)] = True
            out |= is_here.take(places_of(columns, thread_field.shift, thread_field.mask))
    return out


def first_of_each_row(rows: Columns) -> Numbers:
    """The position of the first of the equal rows, for each row that there is."""
    order = np.lexsort(rows[::-1]) if len(rows) > 1 else np.argsort(rows[0], kind="stable")
    new: Flags = np.zeros(len(order), np.bool_)
    new[:1] = True
    for column in rows:
        here = column.take(order)
        new[1:] |= here[1:] != here[:-1]
    return np.sort(order[new])


def relaid(columns: Columns, how: Relayout) -> Columns:
    """States in the next layout, in as many columns as that needs."""
    last = max((new.bit_length() for _, new in how.widened), default=1)
    out = [np.zeros(len(columns[0]), np.uint64) for _ in range(count_for(last))]
    for old, new in how.widened:
        start, to = (old & -old).bit_length() - 1, (new & -new).bit_length() - 1
        if start // WORD < len(columns):
            out[to // WORD] |= places_of(columns, start, old >> start).view(np.uint64) << np.uint64(to % WORD)
    return tuple(out)
