"""A table of rows by some words, for many of them at once.

A row is found by the hash of what it is for, and is the right one only if all of that is equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scenrun.search.arrays.columns import WORD, Column, Columns, Flags, Numbers, factors

SPARSE = 16
"""Slots of a hash table for each row, so that few rows share one."""
LEAST_BITS, MOST_BITS = 6, 18
"""The bits of a hash; a table of more slots does not fit into the nearest memory."""
Rows = npt.NDArray[np.int32]
"""Row numbers; 0 is none."""


class RowTable:
    """Rows found by what they are for: one word of each of some columns."""

    def __init__(self, count: int) -> None:
        """count: the number of columns."""
        self._kept: Columns = tuple(np.zeros(1, np.uint64) for _ in range(count))
        """The keys, with room for more."""
        self._size = 1
        self._active: list[int] = list(range(count))
        """The columns that count."""
        self._levels: list[tuple[list[np.uint64], np.uint64, Rows]] = []
        """Hash tables, each for the rows that found their slot taken in the one before: factors, shift, rows by slot."""

    def __len__(self) -> int:
        return self._size

    @property
    def keys(self) -> Columns:
        """For each row, what it is for; row 0 is none."""
        return tuple(column[: self._size] for column in self._kept)

    def add_keys(self, keys: Columns) -> None:
        """Add rows, none of which is known."""
        first, self._size = self._size, self._size + len(keys[0])
        if self._size > len(self._kept[0]):  # twice as much, so that each row is copied a few times only
            room = np.zeros(2 * self._size, np.uint64)
            self._kept = grown(self._kept, tuple(room[: 2 * self._size - len(one)] for one in self._kept))
        for column, more in zip(self._kept, keys, strict=True):
            column[first : self._size] = more
        if not self._levels or len(self._levels[0][2]) < SPARSE * len(self) // 2 < 1 << MOST_BITS:
            self._rehash()
        else:
            self._hash(np.arange(first, len(self), dtype=np.int32))

    def _rehash(self) -> None:
        self._levels = []
        if len(self) > 1:
            for column in self._kept:  # row 0 has the key of row 1, whose slot is taken: so row 0 never fits
                column[0] = column[1]
            self._hash(np.arange(1, len(self), dtype=np.int32))

    def _hash(self, rows: Rows) -> None:
        """Give each row a slot, in the first table where that is free."""
        level = 0
        while len(rows):
            if level == len(self._levels):
                bits = min(max((SPARSE * len(rows)).bit_length(), LEAST_BITS), MOST_BITS)
                slots: Rows = np.zeros(1 << bits, np.int32)
                self._levels.append((factors(len(self._active), level + 1), np.uint64(WORD - bits), slots))
            multiply, shift, slots = self._levels[level]
            at = self._slots(multiply, shift, [self._kept[one].take(rows) for one in self._active])
            free = slots.take(at) == 0
            slots[at[free][::-1]] = rows[free][::-1]
            rows = rows[slots.take(at) != rows]
            level += 1

    @staticmethod
    def _slots(multiply: list[np.uint64], shift: np.uint64, keys: Sequence[Column]) -> Numbers:
        out: Column = keys[0] * multiply[0]
        for key, factor in zip(keys[1:], multiply[1:], strict=True):
            out += key * factor
        out >>= shift
        return out.view(np.int64)

    def rows_for(self, keys: Sequence[Column]) -> tuple[Rows, Numbers]:
        """The row for each key, of which the columns that count are given, and the positions of those without one."""
        if not self._levels:
            return np.zeros(len(keys[0]), np.int32), np.arange(len(keys[0]))
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

    def _fits(self, rows: Rows, keys: Sequence[Column]) -> Flags:
        fits: Flags = self._kept[self._active[0]].take(rows) == keys[0]
        for one, key in zip(self._active[1:], keys[1:], strict=True):
            fits &= self._kept[one].take(rows) == key
        return fits


def grown(columns: Columns, more: Columns) -> Columns:
    return tuple(np.concatenate([one, other]) for one, other in zip(columns, more, strict=True))
