"""Persistent sets of many states at once: what a set depends on is numbered, and each number's set is grown once.

What the choice depends on is, of each thread, what it may access, whether it is enabled and which guards ahead of it are closed
(see `reduction.persistent_sets`): its code. Of interchangeable replicas it counts only which codes there are, and whether one or
several replicas have it, since the several are alike in all that the choice asks: so a hundred replicas are as few situations as
three. The replica that main waits for counts by itself, because main goes on when that one ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from scenrun.search.arrays.columns import WORD, Column, Columns, Flags, Numbers, columns_of, ints_of, picked
from scenrun.search.arrays.key_table import PlaceTable
from scenrun.search.arrays.level_space import first_of_each_row, places_of
from scenrun.search.arrays.row_table import Rows, RowTable
from scenrun.search.arrays.set_growth import Renaming, SetGrowth, Views, view_of
from scenrun.search.arrays.step_tables import StepTable
from scenrun.search.arrays.symmetry import ArraySymmetry, Members, Repeated
from scenrun.search.reduction.may_access import Effects
from scenrun.search.reduction.persistent_sets import LocalAccesses, PersistentSets
from scenrun.search.space.layout import LocalState, ThreadField
from scenrun.search.space.packed import Packed

HALF = np.uint64(32)
"""Two codes stand in one word."""
OTHER, AWAITED = 0, 1
"""The two views of a code: of the replica that main waits for, and of any other thread."""
ENABLED = 1
"""The bit of a code that says whether the thread is enabled; codes below 2 are of threads that do not exist or have ended."""


class Codes(PlaceTable):
    """The codes of one thread."""

    def __init__(self, of: Situations, thread_field: ThreadField, count: int) -> None:
        super().__init__(thread_field, count)
        self.of = of
        self.thread_field = thread_field
        self._codes: Numbers = np.zeros(1, np.int64)
        self._places = 0

    def of_states(self, columns: Columns, places: Numbers, enabled: Flags) -> Numbers:
        """The code of the thread in each state."""
        self._refresh()
        rows, asked = self.rows_of(columns, places)
        while len(asked):
            some = picked(columns, asked)
            self._learn(ints_of(self.one_of_each_row(some)))
            rows[asked], still = self.rows_of(some, self.places(some))
            asked = asked[still]
        return self._codes.take(rows) << 1 | enabled

    def _refresh(self) -> None:
        local_states, own = self.thread_field.local_states, self.thread_field.field.mask
        if self._places != len(local_states):
            self._places = len(local_states)
            self.set_masks([own | (0 if one is None else self.of.sets.accesses_of(one).mask) for one in local_states])

    def _learn(self, states: list[int]) -> None:
        keys, codes = [], []
        for state in states:
            local_state = self.thread_field.local_states[state >> self.thread_field.shift & self.thread_field.mask]
            mask = self.thread_field.field.mask
            if local_state is None:
                codes.append(0)
            else:
                accesses, code = self.of.code_of(state, self.thread_field, local_state)
                mask |= accesses.mask
                codes.append(code)
            keys.append(state & mask)
        self._codes = np.concatenate([self._codes, np.array(codes, np.int64)])
        self.add_keys(columns_of(keys, self.count))


class Situations:
    """Chooses the threads that move, in many states at once, as long as the packed states keep their layout."""

    def __init__(self, packed: Packed, symmetry: ArraySymmetry | None, count: int) -> None:
        """count: the number of columns of a state."""
        self.packed = packed
        self.symmetry = symmetry
        self.sets = PersistentSets(packed)
        self.count = count
        self._codes: list[Codes] = []
        self.growth = SetGrowth()
        self._numbers: dict[Any, int] = {}
        """The code of each thread at what counts; of replicas, without the thread."""
        self.views: list[Any] = [(0, 0)]
        """By code without its lowest bit: the numbers of its views, as OTHER and as AWAITED."""
        self._own = self._of_groups()
        self._known: dict[tuple[int, int, int], _Known] = {}
        """By the threads that exist, the number of words for codes, and the number of threads that have a table."""

    # --- codes

    def code_of(self, state: int, thread_field: ThreadField, local_state: LocalState) -> tuple[LocalAccesses, int]:
        """What a thread may access, and its code but for the bit that says whether it is enabled."""
        accesses = self.sets.accesses_of(local_state)
        guards = self.sets.guards_of(accesses, state, thread_field)
        key = (self._alike(local_state, thread_field.number), guards.standing)
        if key not in self._numbers:
            self._numbers[key] = len(self.views)
            own = self._own_bits(local_state)
            roles = [self._renamed(own, is_awaited=False), self._renamed(own, is_awaited=True)]
            self.views.append(tuple([self.growth.number_of(view_of(accesses, guards, role)) for role in roles]))
        return accesses, self._numbers[key]

    def _of_groups(self) -> list[int]:
        """For each group of interchangeable replicas, the bits of their own cells, and those of their ends."""
        groups = self.symmetry.symmetry.groups if self.symmetry is not None else ()
        ends = self.sets.may_accesses.ends
        return [
            sum(bits)
            for group in groups
            for bits in ([1 << slot for slot in group.slots], [ends[slot] for slot in group.slots if slot in ends])
        ]

    def _own_bits(self, local_state: LocalState) -> int:
        """The bits of a replica's own cell and of its end; 0 for any other thread."""
        slots = local_state.thread.who.slots[:1]
        bits = self.sets.may_accesses.bits(slots)
        return bits if any(bits & of_group for of_group in self._own) else 0

    def _renamed(self, own: int, is_awaited: bool) -> Renaming:
        """Renames the own cells of replicas, which only they themselves and main touch: one bit stands for the awaited one's.

        No two others conflict by their own cells, and each does with main's start or join of some replica: so a replica's own
        cell is read by itself, and written by main. What touches one of them alone is main, which waits for it.
        """
        last = self.sets.may_accesses.width

        def renamed(effects: Effects) -> Effects:
            reads, writes = effects.reads, effects.writes
            for at, bits in enumerate(self._own):
                here = (reads | writes) & bits
                if not here:
                    continue
                other, awaited = 1 << last + 2 * at, 2 << last + 2 * at
                does_read, does_write = bool(reads & bits), bool(writes & bits)
                reads, writes = reads & ~bits, writes & ~bits
                if here == own & bits and not is_awaited:
                    reads |= other
                    continue
                reads, writes = reads | awaited * does_read, writes | awaited * does_write
                if here.bit_count() > 1:
                    writes |= other
            return Effects(reads, writes)

        return renamed

    def _alike(self, local_state: LocalState, number: int) -> Any:
        thread = local_state.thread
        own = thread.who.slots[:1]
        for at, group in enumerate(self.symmetry.symmetry.groups if self.symmetry is not None else ()):
            if own and own[0] in group.slots:
                slots = tuple(-1 if slot == own[0] else slot for slot in thread.slots)
                return "replica", at, thread.who.code, thread.pc, thread.phase, slots
        return number, thread.who.name, thread.who.code, thread.pc, thread.phase, thread.slots

    # --- choosing

    def taken(self, columns: Columns, tables: list[StepTable], rows: list[Rows], repeated: Repeated) -> list[Flags]:
        """For each thread, the states in which its steps are taken."""
        for table in tables[len(self._codes) :]:
            self._codes.append(Codes(self, table.thread_field, self.count))
        codes = self._codes_of(columns, tables, rows, repeated)
        live = self.packed.live_threads
        rosters = places_of(columns, live.offset, (1 << live.width) - 1)
        out: list[Flags] = [np.zeros(len(rosters), np.bool_) for _ in tables]
        words = 2 * len(self._numbers) // WORD + 1
        for roster in np.unique(rosters).tolist():
            where = np.flatnonzero(rosters == roster)
            whole = len(where) == len(rosters)
            some = columns if whole else picked(columns, where)
            about = roster, words, len(tables)
            if about not in self._known:
                self._known[about] = _Known(self, self._members(some), len(tables), words)
            known = self._known[about]
            for flags, found in zip(out, known.taken(some, [code.take(where) for code in codes]), strict=True):
                flags[where] = found
        return out

    def _codes_of(
        self, columns: Columns, tables: list[StepTable], rows: list[Rows], repeated: Repeated
    ) -> list[Numbers]:
        """The code of each thread in each state."""
        out: list[Numbers] = []
        for table, some, codes in zip(tables, rows, self._codes, strict=True):
            flags, before = repeated.get(len(out), (None, None))
            if flags is None or before is None:
                out.append(codes.of_states(columns, table.places(columns), table.counts.take(some) > 0))
                continue
            like = np.stack(out)[before, np.arange(len(before))] if len(np.unique(before)) > 1 else out[int(before[0])]
            if flags.all():  # it is in each state like the one before it
                out.append(like.copy())
                continue
            found = codes.of_states(columns, table.places(columns), table.counts.take(some) > 0)
            out.append(np.where(flags, like, found))
        return out

    def _members(self, columns: Columns) -> list[Members]:
        if self.symmetry is None:
            return []
        groups = range(len(self.symmetry.symmetry.groups))
        return [members for group in groups for members, _ in self.symmetry.by_members(group, columns)]


class _Known:
    """The situations of states in which the same threads exist."""

    def __init__(self, of: Situations, groups: list[Members], threads: int, words: int) -> None:
        self.of = of
        self.groups = groups
        self.words = words
        """The words that hold a bit for each code."""
        members = {number for group in groups for number in group.numbers}
        self.alone = [number for number in range(threads) if number not in members]
        """The threads that are no replicas, or of a group of one."""
        self._marks = -(-(len(self.alone) + len(groups)) // WORD)
        codes = -(-(len(self.alone) + len(groups)) // 2)
        self._table = RowTable(codes + 2 * words * len(groups))
        self._columns: Columns = tuple(np.zeros(1, np.uint64) for _ in range(self._marks + 2 * words * len(groups)))
        """By situation: bits of the threads that are no replicas and of awaited ones that are taken; then for each group, of the
        codes of which all are taken, and of those of which one is."""

    def taken(self, columns: Columns, codes: list[Numbers]) -> Iterator[Flags]:
        """For each thread, the states in which its steps are taken."""
        grouped = [_Grouped(group, columns, codes, self.words) for group in self.groups]
        singles = [codes[number] for number in self.alone] + [one.awaited for one in grouped]
        keys = [*_paired(singles), *(word for one in grouped for word in (*one.once, *one.twice))]
        rows, asked = self._table.rows_for(keys)
        while len(asked):
            self._learn(codes, grouped, [key.take(asked) for key in keys], asked)
            again, still = self._table.rows_for([key.take(asked) for key in keys])
            rows[asked] = again
            asked = asked[still]
        found = [column.take(rows) for column in self._columns]
        return self._flags(found, grouped, len(codes))

    def _flags(self, found: list[Column], grouped: list[_Grouped], threads: int) -> Iterator[Flags]:
        out: dict[int, Flags] = {number: _bit(found, at) for at, number in enumerate(self.alone)}
        for at, one in enumerate(grouped):
            start = self._marks + 2 * self.words * at
            every, single = found[start : start + self.words], found[start + self.words : start + 2 * self.words]
            out |= one.flags(every, single, _bit(found, len(self.alone) + at))
        return (out[number] for number in range(threads))

    def _learn(self, codes: list[Numbers], grouped: list[_Grouped], keys: list[Column], asked: Numbers) -> None:
        """Grow the sets of situations that are not known."""
        first = first_of_each_row(tuple(keys))
        at = asked[first]
        views, enabled, marks = self._views(codes, grouped, at)
        chosen = self.of.growth.chosen(views, enabled)
        words = [np.zeros(len(at), np.uint64) for _ in self._columns]
        for number, (word, bits) in enumerate(marks):
            words[word][chosen[:, number]] |= bits[chosen[:, number]]
        for one in range(len(grouped)):
            start = self._marks + 2 * self.words * one
            for word in range(start, start + self.words):  # a second one is taken: so are all with its code
                words[word + self.words] &= ~words[word]
        self._columns = tuple(np.concatenate([old, new]) for old, new in zip(self._columns, words, strict=True))
        self._table.add_keys(tuple(key.take(first) for key in keys))

    def _views(
        self, codes: list[Numbers], grouped: list[_Grouped], at: Numbers
    ) -> tuple[Views, Flags, list[tuple[int, Column]]]:
        """The views of the threads that count in some states, whether each is enabled, and the word and bits that mark it."""
        numbered = np.array(self.of.views, np.int64)
        views: list[Numbers] = []
        enabled: list[Flags] = []
        marks: list[tuple[int, Column]] = []

        def add(code: Numbers, role: int, word: int, bits: Column) -> None:
            views.append(numbered[:, role].take(code >> 1))
            enabled.append((code & ENABLED > 0) & (code > ENABLED))
            marks.append((word, bits))

        single = [codes[number].take(at) for number in self.alone] + [one.awaited.take(at) for one in grouped]
        for number, code in enumerate(single):
            bit = np.full(len(at), 1 << number % WORD, np.uint64)
            add(code, OTHER if number < len(self.alone) else AWAITED, number // WORD, bit)
        for number, one in enumerate(grouped):
            start = self._marks + 2 * self.words * number
            for of_one in sorted(one.codes_at(at)):
                bit = np.full(len(at), 1 << of_one % WORD, np.uint64)
                for some, after in ((one.once, self.words), (one.twice, 0)):
                    is_there = some[of_one // WORD].take(at) & bit != 0
                    add(np.where(is_there, of_one, 0), OTHER, start + after + of_one // WORD, bit)
        return np.stack(views, axis=1), np.stack(enabled, axis=1), marks


class _Grouped:
    """The codes of the replicas of a group, in some states."""

    def __init__(self, members: Members, columns: Columns, codes: list[Numbers], words: int) -> None:
        self.numbers = members.numbers
        self.words = words
        self._waited = members.awaited(columns)
        grid = np.stack([codes[number] for number in self.numbers], axis=1)
        is_awaited = np.arange(len(self.numbers)) == self._waited[:, None]
        self.awaited: Numbers = np.where(is_awaited, grid, 0).sum(axis=1)
        """The code of the replica that main waits for; 0 where it waits for none."""
        counts = (grid > ENABLED) & ~is_awaited
        low = np.uint64(1) << (grid & WORD - 1).view(np.uint64)
        self._bits = [np.where(counts & (grid >> 6 == word), low, np.uint64(0)) for word in range(words)]
        self.once: list[Column] = []
        self.twice: list[Column] = []
        """A bit for each code that one, or several, of the other replicas have."""
        self._first: Flags = np.ones(grid.shape, np.bool_)
        """For each replica, whether no one before it has its code."""
        for bits in self._bits:
            so_far = np.bitwise_or.accumulate(bits, axis=1)
            again = bits[:, 1:] & so_far[:, :-1]
            self._first[:, 1:] &= again == 0
            self.once.append(so_far[:, -1])
            self.twice.append(np.bitwise_or.reduce(again, axis=1))

    def codes_at(self, at: Numbers) -> Iterator[int]:
        """The codes that some replica has in some of these states, but for awaited ones."""
        for word, once in enumerate(self.once):
            there = int(np.bitwise_or.reduce(once.take(at)))
            yield from (word * WORD + bit for bit in range(WORD) if there >> bit & 1)

    def flags(self, every: list[Column], single: list[Column], awaited: Flags) -> dict[int, Flags]:
        """For each replica, the states in which its steps are taken."""
        taken = awaited[:, None] & (np.arange(len(self.numbers)) == self._waited[:, None])
        for bits, some, one in zip(self._bits, every, single, strict=True):
            taken |= bits & some[:, None] != 0
            taken |= self._first & (bits & one[:, None] != 0)
        return {number: taken[:, index] for index, number in enumerate(self.numbers)}


def _paired(codes: list[Numbers]) -> Iterator[Column]:
    """Codes, two in a word."""
    for at in range(0, len(codes), 2):
        word: Column = codes[at].astype(np.uint64)
        if at + 1 < len(codes):
            word |= codes[at + 1].astype(np.uint64) << HALF
        yield word


def _bit(words: list[Column], at: int) -> Flags:
    flags: Flags = words[at // WORD] >> np.uint64(at % WORD) & np.uint64(1) != 0
    return flags
