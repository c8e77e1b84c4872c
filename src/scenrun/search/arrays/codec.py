"""Packed states of several columns in one: what seldom changes is kept once, and a state has its number.

The first column has the parts of a state that change often. The other columns, of parts that seldom change, have few
combinations; the number of each stands in the first column's free bits. As in the tree compression of LTSmin (Laarman, van de
Pol and Weber, Parallel Recursive State Compression for Free, SPIN 2011), with one level. Equal states have equal numbers.
"""

from __future__ import annotations

import numpy as np

from scenrun.search.arrays.columns import (
    WORD,
    Column,
    Columns,
    Flags,
    Numbers,
    Run,
    columns_of,
    joined,
    mixed,
    picked,
    sorted_run,
)
from scenrun.search.space.layout import Layout


class Full(Exception):
    """There are more combinations than numbers for them."""


class Codec:
    """How states are kept: as they are, or in one column, with numbers for all other columns."""

    def __init__(self, layout: Layout) -> None:
        self.width = max(1, -(-layout.bits // WORD))
        """The columns of a state as it is."""
        self.is_numbered = self.width > 1 and layout.hot_bits < WORD
        self.count = 1 if self.is_numbered else self.width
        """The columns of a state as it is kept."""
        self._shift = np.uint64(layout.hot_bits % WORD)
        self._mask = np.uint64((1 << layout.hot_bits % WORD) - 1)
        self._most = 1 << WORD - layout.hot_bits if self.is_numbered else 0
        self._combinations: Columns = joined([], self.width - 1)
        """By number, the columns but the first."""
        self._sorted: Run = Run(np.zeros(0, np.uint64), self._combinations)
        self._numbers: Numbers = np.zeros(0, np.int64)
        """The numbers of the sorted combinations."""

    def opened(self, kept: Columns) -> Columns:
        """States as they are."""
        if not self.is_numbered:
            return kept
        numbers = (kept[0] >> self._shift).view(np.int64)
        return (kept[0] & self._mask, *(column.take(numbers) for column in self._combinations))

    def closed(self, states: Columns) -> Columns:
        """States as they are kept; raises Full where there are too many combinations."""
        if not self.is_numbered:
            return states
        out: Column = self._numbers_of(states[1:]).view(np.uint64) << self._shift
        out |= states[0]
        return (out,)

    def known(self, states: Columns) -> Columns:
        """Those of some states whose like were kept before, as they are kept."""
        if not self.is_numbered:
            return states
        is_known: Flags = self._sorted.has(mixed(states[1:]), states[1:])
        return self.closed(states if is_known.all() else picked(states, is_known))

    def kept(self, state: int) -> Columns | None:
        """One state as it is kept; None where none like it was ever kept."""
        if state >> WORD * self.width:
            return None
        columns = columns_of([state], self.width)
        if self.is_numbered and int(self._sorted.places_of(mixed(columns[1:]), columns[1:])[0]) < 0:
            return None
        return self.closed(columns)

    def _numbers_of(self, columns: Columns) -> Numbers:
        places = self._sorted.places_of(mixed(columns), columns)
        unknown: Flags = places < 0
        if unknown.any():
            self._add(sorted_run(tuple(column[unknown] for column in columns)))
            places = self._sorted.places_of(mixed(columns), columns)
        return self._numbers.take(places)

    def _add(self, run: Run) -> None:
        count = len(self._combinations[0])
        if count + len(run) > self._most:
            raise Full
        self._combinations = joined([self._combinations, run.columns], self.width - 1)
        self._sorted = sorted_run(self._combinations)
        places = self._sorted.places_of(mixed(self._combinations), self._combinations)
        self._numbers = np.empty(count + len(run), np.int64)
        self._numbers[places] = np.arange(count + len(run))
