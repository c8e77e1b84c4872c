"""Packed states in arrays: one column for each 64 bits of a state, and sorted runs of distinct states.

States of one column are sorted by their value. States of several columns are sorted by a mixture of their columns, and those
with the same mixture by the columns themselves: which states are equal is always decided by all their bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Struct

WORD = 64
"""The bits of a column."""
_WORD = (1 << WORD) - 1
UNSORTED = 1 << 12
"""Positions that are looked up without being sorted first: more of them are found sooner one beside the other."""

Column: TypeAlias = npt.NDArray[np.uint64]
Columns: TypeAlias = tuple[Column, ...]
"""For each 64 bits of the states an array, the lowest bits first."""
Numbers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def count_for(bits: int) -> int:
    """The number of columns that hold so many bits."""
    return max(1, -(-bits // WORD))


def columns_of(states: Sequence[int], count: int) -> Columns:
    """States in columns."""
    if count == 1:
        return (np.array(states, np.uint64),)
    return tuple(np.array([state >> at * WORD & _WORD for state in states], dtype=np.uint64) for at in range(count))


def ints_of(columns: Columns) -> list[int]:
    """The states as ints."""
    rest: list[list[int]] = [column.tolist() for column in columns]
    first = rest[0]
    for at, column in enumerate(rest[1:], 1):
        first = [low | high << at * WORD for low, high in zip(first, column, strict=True)]
    return first


def words_of(bits: int, count: int) -> list[np.uint64]:
    """An int as one word for each column."""
    return [np.uint64(bits >> at * WORD & _WORD) for at in range(count)]


def picked(columns: Columns, at: Numbers | Flags) -> Columns:
    """Some of the states, by their positions or by flags."""
    if at.dtype == np.bool_:
        return tuple(column[at] for column in columns)
    return tuple(column.take(at) for column in columns)


def joined(parts: Sequence[Columns], count: int) -> Columns:
    """The states of all parts, one after another, in so many columns; those that a part does not have are 0."""
    if not parts:
        return tuple(np.zeros(0, np.uint64) for _ in range(count))
    if len(parts) == 1 and len(parts[0]) == count:
        return parts[0]
    return tuple(
        np.concatenate([part[at] if at < len(part) else np.zeros(len(part[0]), np.uint64) for part in parts])
        for at in range(count)
    )


def factors(count: int, seed: int = 0) -> list[np.uint64]:
    """Odd 64-bit factors, one for each of some columns (Steele, Lea and Flood, Fast Splittable Pseudorandom Number
    Generators, OOPSLA 2014)."""
    out, state = [], seed * 0x9E3779B97F4A7C15 & _WORD
    for _ in range(count):
        state = state + 0x9E3779B97F4A7C15 & _WORD
        mixing = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _WORD
        mixing = (mixing ^ mixing >> 27) * 0x94D049BB133111EB & _WORD
        out.append(np.uint64(mixing ^ mixing >> 31 | 1))
    return out


def mixed(columns: Columns) -> Column:
    """One word for each state, equal for equal states; of one column, the column itself."""
    if len(columns) == 1:
        return columns[0]
    out: Column = np.zeros(len(columns[0]), np.uint64)
    for column, factor in zip(columns, factors(len(columns)), strict=True):
        out ^= column
        out *= factor
        out ^= out >> np.uint64(29)
    return out


class Run(Struct, frozen=True):
    """Distinct states, sorted."""

    keys: Column
    """What they are sorted by; of states of one column, that column."""
    columns: Columns

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def bytes(self) -> int:
        """The memory of the states."""
        return 8 * len(self.keys) * (len(self.columns) + (len(self.columns) > 1))

    def places_of(self, keys: Column, columns: Columns) -> Numbers:
        """For each state, its position in the run; -1 for one that is not there."""
        if len(keys) > UNSORTED < len(self.keys) and not _is_sorted(keys):
            order = np.argsort(keys)
            sorted_places = self.places_of(keys.take(order), picked(columns, order))
            found: Numbers = np.empty(len(keys), np.int64)
            found[order] = sorted_places
            return found
        found = np.full(len(keys), -1, np.int64)
        if not len(self.keys):
            return found
        at = np.searchsorted(self.keys, keys).astype(np.int64, copy=False)
        last = len(self.keys) - 1
        if len(self.columns) == 1:
            np.minimum(at, last, out=at)
            here = self.keys.take(at) == keys
            found[here] = at[here]
            return found
        asked: Numbers = np.arange(len(keys))
        while len(asked):  # states with the same key stand one after another
            inside = at <= last
            asked, at = asked[inside], at[inside]
            alike = self.keys.take(at) == keys.take(asked)
            asked, at = asked[alike], at[alike]
            same: Flags = np.ones(len(asked), np.bool_)
            for own, column in zip(self.columns, columns, strict=True):
                same &= own.take(at) == column.take(asked)
            found[asked[same]] = at[same]
            asked, at = asked[~same], at[~same] + 1
        return found

    def has(self, keys: Column, columns: Columns) -> Flags:
        """For each state, whether it is there."""
        if len(self.columns) == 1 and len(self.keys) and (len(keys) <= UNSORTED or _is_sorted(keys)):
            at = np.searchsorted(self.keys, keys)
            np.minimum(at, len(self.keys) - 1, out=at)
            flags: Flags = self.keys.take(at) == keys
            return flags
        return self.places_of(keys, columns) >= 0


def sorted_run(columns: Columns) -> Run:
    """The distinct ones of some states, sorted."""
    if len(columns) == 1:
        column = np.sort(columns[0])
        keep = _new(column, None)
        return Run(column, (column,)) if keep.all() else _run_of((column[keep],), column)
    return tagged_run(columns)[0]


def tagged_run(columns: Columns) -> tuple[Run, Numbers]:
    """The distinct ones of some states, sorted, and for each the position at which it was."""
    keys = mixed(columns)
    order: Numbers = np.argsort(keys)
    keys = keys.take(order)
    columns = (keys,) if len(columns) == 1 else picked(columns, order)
    same: Flags | None = None
    if len(columns) > 1 and (tied := keys[1:] == keys[:-1]).any():
        same = tied & _same_as_before(columns)
        if (tied & ~same).any():
            again = np.lexsort((*columns, keys))
            order, keys, columns = order.take(again), keys.take(again), picked(columns, again)
            same = _same_as_before(columns)
    keep = _new(keys, same)
    if keep.all():
        return Run(keys, columns), order
    return _run_of(picked(columns, keep), keys[keep]), order[keep]


def _run_of(columns: Columns, keys: Column) -> Run:
    return Run(columns[0] if len(columns) == 1 else keys, columns)


def _new(keys: Column, same: Flags | None) -> Flags:
    """Whether each sorted state is not the one before it, by its key or as `same` says."""
    keep: Flags = np.ones(len(keys), np.bool_)
    if len(keys):
        keep[1:] = keys[1:] != keys[:-1] if same is None else ~same
    return keep


def part_of(run: Run, flags: Flags) -> Run:
    """Some states of a run."""
    if flags.all():
        return run
    return _run_of(picked(run.columns, flags), run.keys if len(run.columns) == 1 else run.keys[flags])


def _is_sorted(keys: Column) -> bool:
    return bool((keys[1:] >= keys[:-1]).all())


def _same_as_before(columns: Columns) -> Flags:
    """For each state but the first, whether it is the one before it."""
    same: Flags = columns[0][1:] == columns[0][:-1]
    for column in columns[1:]:
        same &= column[1:] == column[:-1]
    return same


class StateSet:
    """A growing set of states: sorted runs of which each is at least twice as long as the next, merged as they grow.

    As in a log-structured merge tree (O'Neil et al., Acta Informatica 1996), so that each state is merged a logarithmic
    number of times.
    """

    def __init__(self, count: int) -> None:
        """count: the number of columns."""
        self.count = count
        self.runs: list[Run] = []

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def new_among(self, run: Run) -> Run:
        """Those states of a run that are not in the set."""
        for known in self.runs:
            if not len(run):
                break
            run = part_of(run, ~known.has(run.keys, run.columns))
        return run

    def are_new(self, run: Run) -> Flags:
        """For each state of a run, whether it is not in the set."""
        new: Flags = np.ones(len(run), np.bool_)
        for known in self.runs:
            new &= ~known.has(run.keys, run.columns)
        return new

    def add(self, run: Run) -> None:
        """Add states that are not in the set."""
        if not len(run):
            return
        self.runs.append(run)
        self.runs.sort(key=len, reverse=True)
        at = len(self.runs) - 1
        while at > 0:
            if len(self.runs[at - 1]) >= 2 * len(self.runs[at]):
                at -= 1
                continue
            self.runs.append(_merged(self.runs.pop(at - 1), self.runs.pop(at - 1)))
            self.runs.sort(key=len, reverse=True)
            at = len(self.runs) - 1

    def bytes_to_add(self, run: Run) -> int:
        """The memory that merging a run may take for a moment, beside what the set has."""
        merged, size = run.bytes, len(run)
        for known in reversed(self.runs):
            if len(known) >= 2 * size:
                break
            merged, size = merged + known.bytes, size + len(known)
        return 2 * merged


def _merged(one: Run, other: Run) -> Run:
    """The states of two runs that have none in common."""
    if len(one.columns) == 1:
        column = np.concatenate([one.keys, other.keys])
        column.sort()
        return Run(column, (column,))
    keys = np.concatenate([one.keys, other.keys])
    columns = joined([one.columns, other.columns], len(one.columns))
    order = np.argsort(keys)
    keys = keys.take(order)
    if (keys[1:] == keys[:-1]).any():
        return sorted_run(columns)
    return Run(keys, picked(columns, order))
