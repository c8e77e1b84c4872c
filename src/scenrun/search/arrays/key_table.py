"""A table of XORs by some bits of a state, for many states at once.

Which bits count depends on the place of one thread. A row is found by the hash of these bits, and is the right one only if all of
them are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from scenrun.search.arrays.codec import Codec
from scenrun.search.arrays.columns import (
    WORD,
    Column,
    Columns,
    Flags,
    Numbers,
    columns_of,
    factors,
    mixed,
    picked,
)
from scenrun.search.space.layout import ThreadField

SPARSE = 16
"""Slots of a hash table for each row, so that few rows share one."""
LEAST_BITS, MOST_BITS = 6, 18
"""The bits of a hash; a table of more slots does not fit into the nearest memory."""
Rows = npt.NDArray[np.int32]
"""Row numbers; 0 is none."""


class KeyTable:
    """XORs by the place of a thread and the bits that count there."""

    def __init__(self, thread_field: ThreadField, count: int) -> None:
        """count: the number of columns of a state."""
        self.count = count
        self.keys = tuple(np.zeros(1, np.uint64) for _ in range(count))
        """For each row, the bits that it belongs to."""
        self.changes: list[Columns] = []
        """For each alternative, the XOR of each row."""
        self.counts: npt.NDArray[np.int8] = np.zeros(1, np.int8)
        """The number of alternatives of each row."""
        self._column = thread_field.shift // WORD
        self._shift = np.uint64(thread_field.shift % WORD)
        self._mask = np.uint64(thread_field.mask)
        self._masks: list[Column] = []
        """For each column, by place, the bits that count."""
        self._active: list[int] = []
        """The columns that have any of these bits."""
        self._levels: list[tuple[list[np.uint64], np.uint64, Rows]] = []
        """Hash tables, each for the rows that found their slot taken in the one before: factors, shift, rows by slot."""

    def set_masks(self, masks: Sequence[int]) -> None:
        """Set the bits that count at each place."""
        self._masks = list(columns_of(masks, self.count))
        active = [at for at, column in enumerate(self._masks) if column.any()]
        if active != self._active:  # the hashes are of other columns
            self._active = active
            self._rehash()

    def places(self, columns: Columns) -> Numbers:
        """The thread's place in each state."""
        place: Column = columns[self._column] >> self._shift
        place &= self._mask
        return place.view(np.int64)

    # --- rows

    def add(self, keys: Sequence[int], changes: Sequence[Sequence[int]]) -> None:
        """Add rows, none of which is known, each with the XORs of its alternatives."""
        if not keys:
            return
        first, width = len(self.counts), max(map(len, changes))
        self.counts = np.concatenate([self.counts, np.array([len(one) for one in changes], np.int8)])
        self.keys = _grown(self.keys, columns_of(keys, self.count))
        while len(self.changes) < width:
            self.changes.append(tuple(np.zeros(first, np.uint64) for _ in range(self.count)))
        for alternative, known in enumerate(self.changes):
            more = [one[alternative] if alternative < len(one) else 0 for one in changes]
            self.changes[alternative] = _grown(known, columns_of(more, self.count))
        if not self._levels or len(self._levels[0][2]) < SPARSE * len(self.counts) // 2:
            self._rehash()
        else:
            self._hash(np.arange(first, len(self.counts), dtype=np.int32))

    def _rehash(self) -> None:
        self._levels = []
        if len(self.counts) > 1:
            for column in self.keys:  # row 0 has the key of row 1, whose slot is taken: so row 0 never fits
                column[0] = column[1]
            self._hash(np.arange(1, len(self.counts), dtype=np.int32))

    def _hash(self, rows: Rows) -> None:
        """Give each row a slot, in the first table where that is free."""
        level = 0
        while len(rows):
            if level == len(self._levels):
                bits = min(max((SPARSE * len(rows)).bit_length(), LEAST_BITS), MOST_BITS)
                slots: Rows = np.zeros(1 << bits, np.int32)
                self._levels.append((factors(len(self._active), level + 1), np.uint64(WORD - bits), slots))
            multiply, shift, slots = self._levels[level]
            at = self._slots(multiply, shift, [self.keys[one].take(rows) for one in self._active])
            free = slots.take(at) == 0
            slots[at[free][::-1]] = rows[free][::-1]
            rows = rows[slots.take(at) != rows]
            level += 1

    @staticmethod
    def _slots(multiply: list[np.uint64], shift: np.uint64, keys: list[Column]) -> Numbers:
        out: Column = keys[0] * multiply[0]
        for key, factor in zip(keys[1:], multiply[1:], strict=True):
            out += key * factor
        out >>= shift
        return out.view(np.int64)

    def rows_of(self, columns: Columns, places: Numbers) -> tuple[Rows, Numbers]:
        """The row of each state, and the positions of the states without one."""
        if not self._levels:
            return np.zeros(len(places), np.int32), np.arange(len(places))
        keys = [columns[one] & self._masks[one].take(places) for one in self._active]
        multiply, shift, slots = self._levels[0]
        rows: Rows = slots.take(self._slots(multiply, shift, keys))
        asked = np.flatnonzero(~self._fits(rows, keys))
        for multiply, shift, slots in self._levels[1:]:
            if not len(asked):
                break
            some = [key.take(asked) for key in keys]
            found = slots.take(self._slots(multiply, shift, some))
            fits = self._fits(found, some)
            rows[asked[fits]] = found[fits]
            asked = asked[~fits]
        rows[asked] = 0
        return rows, asked

    def _fits(self, rows: Rows, keys: list[Column]) -> Flags:
        fits: Flags = self.keys[self._active[0]].take(rows) == keys[0]
        for one, key in zip(self._active[1:], keys[1:], strict=True):
            fits &= self.keys[one].take(rows) == key
        return fits

    def one_of_each_row(self, columns: Columns) -> Columns:
        """One of the states of each row that these states belong to, or of some of these rows."""
        places = self.places(columns)
        keys = tuple(columns[one] & self._masks[one].take(places) for one in self._active)
        return picked(columns, np.unique(mixed(keys), return_index=True)[1])

    def steps(self, columns: Columns, rows: Rows) -> Iterator[tuple[Numbers | None, Columns]]:
        """For each alternative, the positions of the states that have it, None for all, and the states that it leads to."""
        counts = self.counts.take(rows)
        for alternative, changes in enumerate(self.changes):
            at = np.flatnonzero(counts > alternative)
            if not len(at):
                return
            if len(at) == len(counts):
                yield None, tuple(column ^ change.take(rows) for column, change in zip(columns, changes, strict=True))
                continue
            some = rows.take(at)
            yield (
                at,
                tuple(column.take(at) ^ change.take(some) for column, change in zip(columns, changes, strict=True)),
            )

    def steps_kept(
        self, kept: Columns, columns: Columns, rows: Rows, codec: Codec
    ) -> Iterator[tuple[Numbers | None, Columns]]:
        """The same with the states after it as they are kept, from the states as they are kept and as they are."""
        if not codec.is_numbered:
            yield from self.steps(columns, rows)
            return
        counts = self.counts.take(rows)
        for alternative, (change, *others) in enumerate(self.changes):
            at = np.flatnonzero(counts > alternative)
            if not len(at):
                return
            some = rows.take(at)
            after = kept[0].take(at) ^ change.take(some)
            is_other: Flags = np.zeros(len(at), np.bool_)
            for other in others:
                is_other |= other.take(some) != 0
            if is_other.any():  # of most steps, the number stays as it is
                here, where = some[is_other], at[is_other]
                each = zip(columns, self.changes[alternative], strict=True)
                after[is_other] = codec.closed(tuple(column.take(where) ^ one.take(here) for column, one in each))[0]
            yield None if len(at) == len(counts) else at, (after,)


def _grown(columns: Columns, more: Columns) -> Columns:
    return tuple(np.concatenate([one, other]) for one, other in zip(columns, more, strict=True))
