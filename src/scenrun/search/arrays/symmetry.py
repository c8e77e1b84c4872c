"""Representatives of many states at once: the local states of interchangeable replicas, sorted within each state.

The same representatives as of `reduction.symmetry`, which works out each piece once: what a local state is without its replica,
what it is with another one, what a cell's value is with other threads. Here the pieces are looked up and put together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from scenrun.search.arrays.columns import WORD, Column, Columns, Flags, Numbers, picked
from scenrun.search.arrays.level_space import places_of
from scenrun.search.reduction.symmetry import LAST, Replicas, Symmetry
from scenrun.search.space.layout import Field
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Stopped

MENTIONS = 20
"""The bits, in what is sorted, of the places of a thread's number in cells; those above are of its local state."""
UNKNOWN = -1

Repeated = dict[int, tuple[Flags, Numbers]]
"""By thread number: the states in which the thread is a replica like the one before it, and the number of that one."""
Grid = npt.NDArray[np.int64]
"""A row for each state, with a number for each replica."""


class Table:
    """An array of numbers, each worked out when it is first asked for."""

    def __init__(self, work_out: Callable[[int], int]) -> None:
        self._work_out = work_out
        self._known: Numbers = np.zeros(0, np.int64)

    def take(self, keys: Numbers) -> Numbers:
        """The numbers of some keys, which are small."""
        if len(keys) and (last := int(keys.max())) >= len(self._known):
            more: Numbers = np.full(max(last + 1, 2 * len(self._known)) - len(self._known), UNKNOWN, np.int64)
            self._known = np.concatenate([self._known, more])
        found: Numbers = self._known.take(keys)
        if len(found) and int(found.min()) == UNKNOWN:
            for key in np.unique(keys[found == UNKNOWN]).tolist():
                self._known[key] = self._work_out(key)
            found = self._known.take(keys)
        return found


class ArraySymmetry:
    """Finds the representatives of states, as long as the packed states keep their layout."""

    def __init__(self, packed: Packed, symmetry: Symmetry) -> None:
        symmetry.follow_layout()
        self.packed = packed
        self.symmetry = symmetry
        self._mentioned: dict[tuple[int, ...], dict[int, int]] = {}
        """By the value numbers of the cells with thread numbers: for each thread in them, the number of its places there."""
        self._groups: dict[tuple[int, int], Members] = {}

    def canonical(self, columns: Columns) -> Columns:
        """The representative of each state. May raise Overflow."""
        for at in range(len(self.symmetry.groups)):
            for members, rows in self.by_members(at, columns):
                changed = members.sorted(picked(columns, rows) if rows is not None else columns)
                if rows is None:
                    columns = changed
                else:
                    columns = tuple(column.copy() for column in columns)
                    for column, new in zip(columns, changed, strict=True):
                        column[rows] = new
        self.packed.check_widths()
        return columns

    def repeated(self, columns: Columns) -> Repeated:
        """The threads that may be the like of the replica before them, whose steps then add nothing."""
        out: dict[int, tuple[Flags, Numbers]] = {}
        for at in range(len(self.symmetry.groups)):
            for members, rows in self.by_members(at, columns):
                keys = members.keys(picked(columns, rows) if rows is not None else columns)
                for index in range(1, len(members.numbers)):
                    same = keys[:, index] == keys[:, index - 1]
                    empty = np.zeros(len(columns[0]), np.bool_), np.zeros(len(columns[0]), np.int64)
                    flags, before = out.setdefault(members.numbers[index], empty)
                    flags[slice(None) if rows is None else rows] |= same
                    before[slice(None) if rows is None else rows] = members.numbers[index - 1]
        return out

    def by_members(self, group: int, columns: Columns) -> list[tuple[Members, Numbers | None]]:
        """The states by the threads that exist in them: the started replicas, with the positions of the states; None: all."""
        live = self.packed.live_threads
        rosters = places_of(columns, live.offset, (1 << live.width) - 1)
        found, first = np.unique(rosters, return_index=True)
        out = []
        for roster, where in zip(found.tolist(), first.tolist(), strict=True):
            if (group, roster) not in self._groups:
                self._groups[group, roster] = Members(self, self.symmetry.groups[group], self._one(columns, where))
            members = self._groups[group, roster]
            if len(members.numbers) > 1:
                out.append((members, None if len(found) == 1 else np.flatnonzero(rosters == roster)))
        return out

    @staticmethod
    def _one(columns: Columns, at: int) -> int:
        return sum([int(column[at]) << WORD * number for number, column in enumerate(columns)])

    def mentioned(self, columns: Columns) -> tuple[Grid, Numbers] | None:
        """For each combination of values with thread numbers, a row with the number of each thread's places in them; and the row
        of each state. None where no cell has any."""
        named = [self.packed.cell_fields[slot] for slot, _ in self.symmetry.named]
        if not named:
            return None
        values = [field_of(columns, one) for one in named]
        rows, code = np.zeros(len(columns[0]), np.int64), 0
        for value in values:  # numbered anew after each cell, so that the codes stay small
            code = int(value.max(initial=0)) + 1
            _, rows = np.unique(rows * code + value, return_inverse=True)
        _, first = np.unique(rows, return_index=True)
        grid: Grid = np.zeros((len(first), self.packed.thread_count), np.int64)
        for at, where in enumerate(first.tolist()):
            for number, place in self._places_in(tuple(int(value[where]) for value in values)).items():
                grid[at, number] = place
        if len(grid) and int(grid.max()) >> MENTIONS:
            raise Stopped(f"more than {1 << MENTIONS:,} ways in which threads stand in lines")
        return grid, rows

    def _places_in(self, values: tuple[int, ...]) -> dict[int, int]:
        if values not in self._mentioned:
            named = zip(self.symmetry.named, values, strict=True)
            them = tuple([self.packed.cell_fields[slot].values[number] for (slot, _), number in named])
            self._mentioned[values] = self.symmetry.mentions(them)
        return self._mentioned[values]


class Members:
    """The started replicas of a group, where certain threads exist."""

    def __init__(self, of: ArraySymmetry, group: Replicas, state: int) -> None:
        """state: any state in which these threads exist."""
        self.of = of
        self.group = group
        packed, symmetry = of.packed, of.symmetry
        self.numbers = symmetry.members(group, state)
        self.fields = [packed.thread_fields[number] for number in self.numbers]
        self.cells = [packed.cell_fields[slot] for slot in group.slots[: len(self.numbers)]]
        self._main = packed.thread_fields[0]
        self._places_at = [(one.shift, one.mask) for one in self.fields]
        self._cells_at = [(cell.offset, (1 << cell.width) - 1) for cell in self.cells]
        self._own: list[Any] = []
        """The states of replicas' own cells, without their thread numbers."""
        # Each number is for a replica and what it has: the index of the replica is the rest of a division by their number.
        self._kinds = Table(self._kind_of)
        self._places = Table(self._place_of)
        self._owns = Table(self._own_of)
        self._given = Table(self._cell_of)
        self._joined = Table(self._joined_at)
        self._awaited = Table(self._awaited_at)

    # --- pieces

    def _matrix(self, columns: Columns, at: Sequence[tuple[int, int]]) -> Grid:
        """A field of each replica, in each state."""
        out: Grid = np.empty((len(columns[0]), len(at)), np.int64)
        for index, (shift, mask) in enumerate(at):
            out[:, index] = places_of(columns, shift, mask)
        return out

    def _asked(self, table: Table, values: Grid) -> Grid:
        """What a table has for each replica and what it has."""
        keys = values * len(self.numbers) + np.arange(len(self.numbers))
        return table.take(keys.reshape(-1)).reshape(values.shape)

    def _kind_of(self, key: int) -> int:
        place, index = divmod(key, len(self.numbers))
        return self.of.symmetry.kind_of(self.group, self.fields[index].field.values[place])

    def _place_of(self, key: int) -> int:
        kind, index = divmod(key, len(self.numbers))
        return self.of.symmetry.place_given(self.group, index, self.numbers[index], kind)

    def _own_of(self, key: int) -> int:
        number, index = divmod(key, len(self.numbers))
        state = self.cells[index].values[number][0]
        if state not in self._own:
            self._own.append(state)
        return self._own.index(state)

    def _cell_of(self, key: int) -> int:
        own, index = divmod(key, len(self.numbers))
        return self.cells[index].number((self._own[own], self.numbers[index]))

    def _joined_at(self, place: int) -> int:
        """The number of replicas that main has joined at one of its places, while it is in its join loop; otherwise 0."""
        thread = self._main.field.values[place]
        return self.of.symmetry.joined_by(self.group, thread)

    def _awaited_at(self, place: int) -> int:
        """One more than the index of the replica for whose end main waits at one of its places; 0 where it waits for none."""
        thread = self._main.field.values[place]
        if thread.pc < 0 or not thread.slots or thread.slots[0] not in self.group.slots:
            return 0
        instruction = self.of.packed.machine.instruction_of(thread)
        is_join = instruction is not None and instruction.op == "thread.join"
        return self.group.slots.index(thread.slots[0]) + 1 if is_join else 0

    def awaited(self, columns: Columns) -> Numbers:
        """The index of the replica for whose end main waits in each state; -1 where it waits for none."""
        return self._awaited.take(places_of(columns, self._main.shift, self._main.mask)) - 1

    # --- sorting

    def keys(self, columns: Columns) -> Grid:
        """What the replicas of each state are sorted by: ended ones last, then the local state, then the places in cells."""
        kinds = self._kinds_of(columns)
        return self._keys(columns, kinds)

    def _kinds_of(self, columns: Columns) -> Grid:
        return self._asked(self._kinds, self._matrix(columns, self._places_at))

    def _keys(self, columns: Columns, kinds: Grid) -> Grid:
        mentioned = self.of.mentioned(columns)
        if mentioned is None:
            return kinds << MENTIONS
        grid, rows = mentioned
        return kinds << MENTIONS | grid[:, list(self.numbers)][rows]

    def sorted(self, columns: Columns) -> Columns:
        """The states with their replicas sorted."""
        kinds = self._kinds_of(columns)
        keys = self._keys(columns, kinds)
        joined = self._joined.take(places_of(columns, self._main.shift, self._main.mask))
        rows = np.flatnonzero((keys[:, 1:] < keys[:, :-1]).any(axis=1) | (joined > 0))
        if not len(rows):
            return columns
        order = self._order(keys[rows], joined[rows])
        moves = np.flatnonzero((order != np.arange(order.shape[1])).any(axis=1))
        rows, order = rows[moves], order[moves]
        if not len(rows):
            return columns
        changed = self._permuted(picked(columns, rows), kinds[rows], order)
        out = tuple(column.copy() for column in columns)
        for column, new in zip(out, changed, strict=True):
            column[rows] = new
        return out

    @staticmethod
    def _order(keys: Grid, joined: Numbers) -> Grid:
        """For each index, the index of the replica whose state it gets; as many ended ones as main has joined come first."""
        order: Grid = np.argsort(keys, axis=1, kind="stable")
        if not joined.any():
            return order
        ended = keys >= LAST << MENTIONS
        running = (~ended).sum(axis=1)[:, None]
        first = np.minimum(joined, ended.sum(axis=1))[:, None]
        at = np.arange(keys.shape[1])[None, :]
        to = np.where(at < running, at + first, np.where(at < running + first, at - running, at))
        out = np.empty_like(order)
        np.put_along_axis(out, to, order, axis=1)
        return out

    def _permuted(self, columns: Columns, kinds: Grid, order: Grid) -> Columns:
        """The states in which each replica has the local state of the one at `order`, and all its mentions."""
        out = [column.copy() for column in columns]
        places = self._places_for(np.take_along_axis(kinds, order, axis=1))
        own = self._asked(self._owns, self._matrix(columns, self._cells_at))
        cells = self._asked(self._given, np.take_along_axis(own, order, axis=1))
        for at, one in enumerate(self.fields):
            put(out, one.field, places[:, at])
            put(out, self.cells[at], cells[:, at])
        self._rename(out, order)
        return tuple(out)

    def _places_for(self, kinds: Grid) -> Grid:
        """The places of replicas at these local states; the numbers of ended ones are too large for a table."""
        ended = kinds >= LAST
        out = self._asked(self._places, np.where(ended, 0, kinds)) if not ended.all() else np.zeros_like(kinds)
        for kind in np.unique(kinds[ended]).tolist():
            for index in np.flatnonzero((kinds == kind).any(axis=0)).tolist():
                place = self._place_of(kind * len(self.numbers) + index)
                out[kinds[:, index] == kind, index] = place
        return out

    def _rename(self, out: list[Column], order: Grid) -> None:
        """Give threads their new numbers in the values of cells."""
        packed, inverse = self.of.packed, np.argsort(order, axis=1)
        for slot, numbers in self.of.symmetry.named:
            cell = packed.cell_fields[slot]
            values = field_of(tuple(out), cell)
            for number in np.unique(values).tolist():
                value = cell.values[number]
                mine = [at for at, member in enumerate(self.numbers) if member in numbers.of(value)]
                if not mine:
                    continue
                rows = np.flatnonzero(values == number)
                targets, where = np.unique(inverse[rows][:, mine], axis=0, return_inverse=True)
                codes = [
                    cell.number(numbers.renumbered(value, self._renamed(mine, target))) for target in targets.tolist()
                ]
                put(out, cell, np.array(codes, np.int64)[where.reshape(-1)], rows)

    def _renamed(self, mine: Sequence[int], target: Sequence[int]) -> dict[int, int]:
        pairs = zip(mine, target, strict=True)
        return {self.numbers[old]: self.numbers[new] for old, new in pairs if old != new}


def field_of(columns: Columns, one: Field) -> Numbers:
    """The number of a field's value in each state."""
    return places_of(columns, one.offset, (1 << one.width) - 1)


def put(columns: list[Column], one: Field, numbers: Numbers, rows: Numbers | None = None) -> None:
    """Set a field in some states."""
    column, shift = columns[one.offset // WORD], np.uint64(one.offset % WORD)
    mask = np.uint64(((1 << one.width) - 1) << one.offset % WORD)
    new = numbers.view(np.uint64) << shift & mask
    if rows is None:
        column &= ~mask
        column |= new
    else:
        column[rows] = column[rows] & ~mask | new
