"""Breadth-first search by whole levels: all steps of all states of a level are made at once, thread by thread.

What a thread's step does is computed by the machine once for all states that agree in the bits that it depends on, as in
`Packed`; for all other states a step is one look-up and one XOR, in arrays. New states are those that sorting leaves.
"""

from __future__ import annotations

import time

import numpy as np

from scenrun.search.arrays.codec import Full
from scenrun.search.arrays.columns import (
    WORD,
    Columns,
    Flags,
    Numbers,
    Run,
    columns_of,
    count_for,
    ints_of,
    joined,
    picked,
    sorted_run,
)
from scenrun.search.arrays.level_space import LevelSpace
from scenrun.search.arrays.row_table import Rows
from scenrun.search.arrays.step_tables import StepTable, over_of
from scenrun.search.arrays.symmetry import Repeated
from scenrun.search.space.breadth_first import Limits, Look, memory_text, reached
from scenrun.search.space.packed import Packed
from scenrun.search.space.rehearsal import rehearse
from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.workers.memory import process_bytes

AT_ONCE = 1 << 14
"""States whose steps are made at once: so many that numpy's calls cost little, so few that the arrays stay near."""
REHEARSED = 4_000
"""Steps of random walks before a search."""
MOST_HOT, LEAST_HOT, FEWER = 54, 30, 8
"""The bits of a column that are for what often changes, at first and at least, and how many fewer where they do not do."""
SORTED_AT_ONCE = 1 << 21
"""Successors that are sorted at once."""


class MoreColumns(Exception):
    """States have parts for which there is no column yet."""


class LevelSearch:
    """A search by levels, which can be continued after it has reached a limit."""

    def __init__(
        self, packed: Packed, limits: Limits, look: Look = lambda space: None, at_rest: Look = lambda space: None
    ) -> None:
        self.packed = packed
        self.limits = limits
        self.look = look
        self.at_rest = at_rest
        self.space = LevelSpace(packed)
        self.tables: list[StepTable] = []
        self._began = 0.0
        self._hot = MOST_HOT
        """The most bits of what often changes, where a state has more than one column."""
        self._new = 0
        """New states of the level that is being made."""

    def run(self) -> LevelSpace:
        """The space of all states, up to the limits."""
        self._began, self._new = time.perf_counter(), 0
        space = self.space
        space.bound = space.interrupted = None
        space.is_full = False
        self.packed.alarm = self._stop
        try:
            self._search()
        except Stopped as stopped:
            space.bound = stopped.reason
        self.packed.alarm = None
        if space.is_outdated or count_for(self.packed.bits) != space.codec.width:  # it was stopped in between
            self._relay()
        space.seconds += time.perf_counter() - self._began
        return space

    def _search(self) -> None:
        space = self.space
        while True:
            try:
                if not space.levels:
                    self._begin()
                if space.is_outdated:
                    self._relay()
                while len(space.levels[-1]):
                    self._level(space.levels[-1])
                    space.bound = self._bound() or self.at_rest(space)
                    if space.bound is not None:
                        return
                space.levels.pop()
                return
            except (Overflow, MoreColumns):
                self._relay()
            except Full:
                self._hot -= FEWER
                self._relay()

    def _begin(self) -> None:
        rehearse(self.packed, REHEARSED)
        self._relay()
        self.space.add(self.space.run_of([self.packed.initial]))

    def _relay(self) -> None:
        """Bring the states into the present layout, in one column if there is a way."""
        self.tables = []
        while True:
            if self.packed.bits > WORD and self.packed.hot_bits > self._hot >= LEAST_HOT:
                self.packed.separate(self._hot)
            try:
                self.space.relay(numbered=self._hot >= LEAST_HOT)
                return
            except Full:
                self._hot -= FEWER

    # --- one level

    def _level(self, level: Run) -> None:
        """Add the level after this one to the space; with an Overflow, nothing has changed."""
        space = self.space
        made = self.next_level()
        for at in range(0, len(level), AT_ONCE):
            made.add(at, tuple(column[at : at + AT_ONCE] for column in level.columns))
            self._new = made.new
            self._stop()
        self._new = 0
        run, parents = made.states()
        self._reserve(space.known.bytes_to_add(run))
        space.add(run, parents)
        space.depth += bool(len(run))
        space.growth = len(run) / len(level)
        space.transitions += made.transitions
        space.ends += made.ends
        if self.packed.machine.timed:
            before, after = joined(made.before_time, space.count), joined(made.after_time, space.count)
            space.by_time.append((before, after))

    def _stop(self) -> None:
        """Raise Stopped if a limit is reached."""
        if (reason := self._bound()) is not None:
            raise Stopped(reason)

    def _reserve(self, more: int) -> None:
        """Raise Stopped where so many bytes more would exceed the limit."""
        if process_bytes() + more > self.limits.memory:
            raise Stopped(memory_text(self.limits.memory))

    def _bound(self) -> str | None:
        states = max(len(self.space) + self._new, len(self.packed.rounds.known))
        return reached(self.space, states, self.limits, self._began, self.look)

    # --- steps

    def next_level(self) -> Level:
        """What takes the successors of a level."""
        return Level(self)

    def repeated(self, columns: Columns) -> Repeated:
        """By thread, the states in which its steps add nothing to those of another thread, and the other's number: here, none."""
        return {}

    def taken(self, columns: Columns, rows: list[Rows], repeated: Repeated) -> list[Flags] | None:
        """For each thread, the states in which its steps are taken; None: all of them in all states."""
        return None

    def ready(self) -> None:
        """Bring the tables up to what the packed states know."""
        packed = self.packed
        if count_for(packed.bits) != self.space.codec.width:
            raise MoreColumns
        for table in self.tables:
            table.refresh()
        for thread_field in packed.thread_fields[len(self.tables) :]:
            self.tables.append(StepTable(packed, thread_field, self.space.codec.width))

    def rows_of(self, table: StepTable, columns: Columns, places: Numbers) -> Rows:
        """The row of each state in a thread's table; transitions that are not known are computed."""
        rows, asked = table.rows_of(columns, places)
        while len(asked):
            some = picked(columns, asked)
            computed = table.computed(ints_of(table.one_of_each_row(some)))
            self.ready()
            table.add(list(computed), list(computed.values()))
            rows[asked], still = table.rows_of(some, table.places(some))
            asked = asked[still]
        return rows


class Level:
    """The states that one step leads to from the states of a level."""

    def __init__(self, search: LevelSearch) -> None:
        self.search = search
        self.space = search.space
        self.transitions = 0
        self.ends: list[Columns] = []
        self.before_time: list[Columns] = []
        self.after_time: list[Columns] = []
        self._found: list[Columns] = []
        self._waiting = 0
        self._runs: list[Run] = []

    @property
    def new(self) -> int:
        """The number of new states so far, as far as they are sorted; a state may be counted twice."""
        return sum(map(len, self._runs))

    def states(self) -> tuple[Run, Numbers | None]:
        """The new states, and the position of a predecessor of each, where these are kept."""
        self._sort()
        if len(self._runs) == 1:
            return self._runs[0], None
        return sorted_run(joined([run.columns for run in self._runs], self.space.count)), None

    def _sort(self) -> None:
        if self._found:
            run = sorted_run(joined(self._found, self.space.count))
            self._runs.append(self.space.known.new_among(run))
        self._found, self._waiting = [], 0

    def take(self, positions: Numbers, after: Columns) -> None:
        """Take a successor of each of the states at some positions of the level."""
        self._found.append(after)

    def add(self, start: int, kept: Columns) -> None:
        """Make all steps of some states of the level, which begin at a position."""
        search, packed = self.search, self.search.packed
        search.ready()
        columns = self.space.codec.opened(kept)
        if packed.has_daemons:
            over = over_of(search.tables, columns)
            if over.any():
                self.ends.append(picked(kept, over))
                self._add_running(start + np.flatnonzero(~over), picked(kept, ~over), picked(columns, ~over))
                return
        self._add_running(np.arange(start, start + len(kept[0])), kept, columns)

    def _add_running(self, positions: Numbers, kept: Columns, columns: Columns) -> None:
        """Make all steps of some states in which the program is not over."""
        search, packed = self.search, self.search.packed
        moved: Flags = np.zeros(len(columns[0]), np.bool_)
        busy: Flags = moved.copy()
        repeated = search.repeated(columns)
        rows = self._rows(columns, repeated)
        taken = search.taken(columns, rows, repeated)
        for at, (table, some) in enumerate(zip(search.tables, rows, strict=True)):
            if taken is not None:
                some[~taken[at]] = 0
            self._move(table, some, positions, kept, columns, moved)
            if packed.machine.timed:
                busy |= (table.counts.take(some) > 0) & ~table.is_in_loop.take(table.places(columns))
        if packed.machine.timed:
            self._let_time_pass(columns, moved, busy)
        if not moved.all():
            self.ends.append(picked(kept, ~moved))
        if self._waiting > SORTED_AT_ONCE:
            self._sort()

    def _rows(self, columns: Columns, repeated: Repeated) -> list[Rows]:
        """The row of each state in each thread's table; none where the thread's steps are repeated."""
        search = self.search
        out: list[Rows] = []
        while len(out) < len(search.tables):  # a step may make a thread that has no table before
            number = len(out)
            table = search.tables[number]
            places = table.places(columns)
            if number not in repeated:
                out.append(search.rows_of(table, columns, places))
                continue
            rows: Rows = np.zeros(len(places), np.int32)
            first = np.flatnonzero(~repeated[number][0])
            if len(first):
                rows[first] = search.rows_of(table, picked(columns, first), places.take(first))
            out.append(rows)
        return out

    def _move(
        self, table: StepTable, rows: Rows, positions: Numbers, kept: Columns, columns: Columns, moved: Flags
    ) -> None:
        """Make the steps of one thread."""
        for at, after in table.steps_kept(kept, columns, rows, self.space.codec):
            made = len(after[0])
            self.take(positions if at is None else positions[at], after)
            self._waiting += made
            self.transitions += made
            if at is None:
                moved[:] = True
            else:
                moved[at] = True

    def _let_time_pass(self, columns: Columns, moved: Flags, busy: Flags) -> None:
        """Let time pass where no thread is enabled that is not in a loop; whether it does pass, the packed states know."""
        at = np.flatnonzero(~busy)
        if not len(at):
            return
        later = [self.search.packed.later_from(state) for state in ints_of(picked(columns, at))]
        self.search.ready()
        passes = np.array([change != 0 for change in later], np.bool_)
        if not passes.any():
            return
        at = at[passes]
        before = picked(columns, at)
        changes = columns_of([change for change in later if change], self.space.codec.width)
        after = self.space.codec.closed(tuple(column ^ change for column, change in zip(before, changes, strict=True)))
        self.before_time.append(self.space.codec.closed(before))
        self.after_time.append(after)
        self._found.append(after)
        self._waiting += len(at)
        self.transitions += len(at)
        moved[at] = True
