"""Packed states of several columns in one: what seldom changes is kept once, and a state has its number.

The first column has the parts of a state that change often. The other columns, of parts that seldom change, have few
combinations; the number of each stands in the first column's free bits. As in the tree compression of LTSmin (Laarman, van de
Pol and Weber, Parallel Recursive State Compression for Free, SPIN 2011), with one level. Equal states have equal numbers.
"""

from __future__ import annotations

import numpy as np

from scenrun.search.arrays.columns import WORD, Column, Columns, columns_of, picked, sorted_run
from scenrun.search.arrays.row_table import Rows, RowTable
from scenrun.search.space.layout import Layout


class Full(Exception):
    """There are more combinations than numbers for them."""


class Codec:
    """How states are kept: as they are, or in one column, with numbers for all other columns."""

    def __init__(self, layout: Layout, *, numbered: bool = True) -> None:
        """numbered: whether columns of what seldom changes may be numbered."""
        self.width = max(1, -(-layout.bits // WORD))
        """The columns of a state as it is."""
        self.is_numbered = numbered and self.width > 1 and layout.hot_bits < WORD
        self.count = 1 if self.is_numbered else self.width
        """The columns of a state as it is kept."""
        self._shift = np.uint64(layout.hot_bits % WORD)
        self._mask = np.uint64((1 << layout.hot_bits % WORD) - 1)
        self._most = 1 << WORD - layout.hot_bits if self.is_numbered else 0
        self._combinations = RowTable(self.width - 1)
        """By number, the columns but the first."""

    def opened(self, kept: Columns) -> Columns:
        """States as they are."""
        if not self.is_numbered:
            return kept
        numbers = (kept[0] >> self._shift).view(np.int64)
        return (kept[0] & self._mask, *(column.take(numbers) for column in self._combinations.keys))

    def closed(self, states: Columns) -> Columns:
        """States as they are kept; raises Full where there are too many combinations."""
        if not self.is_numbered:
            return states
        rows, unknown = self._combinations.rows_for(states[1:])
        if len(unknown):
            self._add(picked(states[1:], unknown))
            rows[unknown], _ = self._combinations.rows_for(picked(states[1:], unknown))
        return self._numbered(states, rows)

    def known(self, states: Columns) -> Columns:
        """Those of some states whose like were kept before, as they are kept."""
        if not self.is_numbered:
            return states
        rows, unknown = self._combinations.rows_for(states[1:])
        return self._numbered(states, rows) if not len(unknown) else self.closed(picked(states, rows > 0))

    def kept(self, state: int) -> Columns | None:
        """One state as it is kept; None where none like it was ever kept."""
        if state >> WORD * self.width:
            return None
        found = self.known(columns_of([state], self.width))
        return found if len(found[0]) else None

    def _numbered(self, states: Columns, rows: Rows) -> Columns:
        out: Column = rows.astype(np.uint64) << self._shift
        out |= states[0]
        return (out,)

    def _add(self, columns: Columns) -> None:
        run = sorted_run(columns)
        if len(self._combinations) + len(run) > self._most:
            raise Full
        self._combinations.add_keys(run.columns)
