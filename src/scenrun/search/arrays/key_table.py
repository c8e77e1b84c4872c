"""Tables of rows by the place of a thread and the bits of a state that count there, for many states at once."""

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
    mixed,
    picked,
)
from scenrun.search.arrays.row_table import Rows, RowTable, grown
from scenrun.search.space.layout import ThreadField


class PlaceTable(RowTable):
    """Rows found by the place of a thread and the bits of a state that count there."""

    def __init__(self, thread_field: ThreadField, count: int) -> None:
        """count: the number of columns of a state."""
        super().__init__(count)
        self.count = count
        self._active = []
        self._column = thread_field.shift // WORD
        self._shift = np.uint64(thread_field.shift % WORD)
        self._mask = np.uint64(thread_field.mask)
        self._masks: list[Column] = []
        """For each column, by place, the bits that count."""

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

    def rows_of(self, columns: Columns, places: Numbers) -> tuple[Rows, Numbers]:
        """The row of each state, and the positions of the states without one."""
        return self.rows_for([columns[one] & self._masks[one].take(places) for one in self._active])

    def one_of_each_row(self, columns: Columns) -> Columns:
        """One of the states of each row that these states belong to, or of some of these rows."""
        places = self.places(columns)
        keys = tuple(columns[one] & self._masks[one].take(places) for one in self._active)
        return picked(columns, np.unique(mixed(keys), return_index=True)[1])


class KeyTable(PlaceTable):
    """XORs by the place of a thread and the bits that count there."""

    def __init__(self, thread_field: ThreadField, count: int) -> None:
        """count: the number of columns of a state."""
        super().__init__(thread_field, count)
        self.changes: list[Columns] = []
        """For each alternative, the XOR of each row."""
        self.counts: npt.NDArray[np.int32] = np.zeros(1, np.int32)
        """The number of alternatives of each row."""

    def add(self, keys: Sequence[int], changes: Sequence[Sequence[int]]) -> None:
        """Add rows, none of which is known, each with the XORs of its alternatives."""
        if not keys:
            return
        first, width = len(self.counts), max(map(len, changes))
        self.counts = np.concatenate([self.counts, np.array([len(one) for one in changes], np.int32)])
        while len(self.changes) < width:
            self.changes.append(tuple(np.zeros(first, np.uint64) for _ in range(self.count)))
        for alternative, known in enumerate(self.changes):
            more = [one[alternative] if alternative < len(one) else 0 for one in changes]
            self.changes[alternative] = grown(known, columns_of(more, self.count))
        self.add_keys(columns_of(keys, self.count))

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
