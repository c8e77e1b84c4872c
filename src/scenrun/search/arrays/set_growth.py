"""Grows persistent sets for many situations at once, as `reduction.persistent_sets` does for one.

A view is what the growth asks of a thread: what its next step touches, and what it may touch until one of the closed guards
ahead of it opens. Each is kept for every subset of these guards, so that a look-up finds it by the guards that still stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenrun.search.arrays.columns import WORD, Column, Flags, Numbers
from scenrun.search.reduction.may_access import Effects
from scenrun.search.reduction.persistent_sets import ClosedGuards, LocalAccesses

MOST_GUARDS = 8
"""Closed guards ahead of a thread that are told apart; those that come later in the code are taken to be open."""
AT_ONCE = 1 << 17
"""Views, in all the growing sets that are worked on together."""

Views = npt.NDArray[np.int64]
"""A row for each situation, with the number of the view of each of its threads; 0 is none."""
Renaming = Callable[[Effects], Effects]
"""Renames the bits of what a thread may touch."""


class View(NamedTuple):
    """What the growth asks of a thread, whether it is enabled or not."""

    next: Effects
    """What its next step touches."""
    guards: tuple[int, ...]
    """Of each closed guard ahead, the bits that it reads."""
    left: tuple[Effects, ...]
    """By the set of guards that stand, as bits: what the thread may touch until it passes one of them."""


def view_of(accesses: LocalAccesses, closed: ClosedGuards, renamed: Renaming) -> View:
    """The view of a thread."""
    may_access, standing = accesses.may_access, closed.standing[:MOST_GUARDS]

    left = []
    for bits in range(1 << len(standing)):
        pcs = frozenset([pc for at, (pc, _) in enumerate(standing) if bits >> at & 1])
        left.append(renamed(may_access.left(pcs)))
    return View(renamed(may_access.next), tuple([renamed(Effects(cells)).reads for _, cells in standing]), tuple(left))


class SetGrowth:
    """Grows sets of the views that were added."""

    def __init__(self) -> None:
        self._views: list[View] = [View(Effects(), (), (Effects(),))]
        self._known: dict[View, int] = {}
        self._words = 1
        self._is_built = False

    def number_of(self, view: View) -> int:
        """The number of a view."""
        found = self._known.get(view)
        if found is None:
            found = self._known[view] = len(self._views)
            self._views.append(view)
            self._is_built = False
        return found

    def _build(self) -> None:
        """Turn the views into arrays: what they touch, in words."""
        views = self._views
        most = max(
            (
                bits.bit_length()
                for view in views
                for one in (view.next, *view.left)
                for bits in (one.reads, one.writes)
            ),
            default=1,
        )
        self._words = max(1, -(-most // WORD))
        self._reads = self._columns([view.next.reads for view in views])
        self._writes = self._columns([view.next.writes for view in views])
        self._most_guards = max(len(view.guards) for view in views)
        self._guards = [
            self._columns([view.guards[at] if at < len(view.guards) else 0 for view in views])
            for at in range(self._most_guards)
        ]
        self._subsets: Numbers = np.array([len(view.left) - 1 for view in views], np.int64)
        self._starts: Numbers = np.cumsum([0, *(len(view.left) for view in views[:-1])])
        self._left_reads = self._columns([one.reads for view in views for one in view.left])
        self._left_writes = self._columns([one.writes for view in views for one in view.left])
        self._is_built = True

    def _columns(self, masks: list[int]) -> list[Column]:
        all_bits = (1 << WORD) - 1
        return [np.array([mask >> WORD * at & all_bits for mask in masks], np.uint64) for at in range(self._words)]

    # --- growing

    def chosen(self, views: Views, enabled: Flags) -> Flags:
        """For each situation the enabled threads of the smallest persistent set that grows from an enabled one.

        views: the view of each thread. enabled: whether it is enabled; of the same shape, as is the result.
        """
        if not self._is_built:
            self._build()
        best = enabled.copy()
        sizes = enabled.sum(axis=1)
        rows, first = np.nonzero(enabled & (sizes > 1)[:, None])
        step = max(1, AT_ONCE // views.shape[1])
        for at in range(0, len(rows), step):
            some, firsts = rows[at : at + step], first[at : at + step]
            counts, sets = self._grown(views[some], enabled[some], firsts, sizes[some])
            order = np.lexsort((firsts, counts, some))
            leads: Flags = np.ones(len(order), np.bool_)
            leads[1:] = some[order][1:] != some[order][:-1]
            winners = order[leads]
            winners = winners[counts[winners] < sizes[some[winners]]]
            sizes[some[winners]] = counts[winners]
            best[some[winners]] = sets[winners]
        return best

    def _grown(self, views: Views, enabled: Flags, first: Numbers, sizes: Numbers) -> tuple[Numbers, Flags]:
        """For each growing set, the number of its enabled threads, and these; a set that is not smaller is given up."""
        counts, sets = sizes.copy(), enabled.copy()
        alive = np.arange(len(views))
        inside: Flags = np.zeros(views.shape, np.bool_)
        inside[alive, first] = True
        while len(alive):
            reads, writes = self._touched(views, inside)
            met = self._meets(views, enabled, ~inside & (views > 0), reads, writes)
            is_done = ~met.any(axis=1)
            done = alive[is_done]
            counts[done], sets[done] = (inside & enabled)[is_done].sum(axis=1), (inside & enabled)[is_done]
            inside |= met
            goes_on = ~is_done & ((inside & enabled).sum(axis=1) < sizes)
            alive, views, enabled = alive[goes_on], views[goes_on], enabled[goes_on]
            inside, sizes = inside[goes_on], sizes[goes_on]
        return counts, sets

    def _touched(self, views: Views, inside: Flags) -> tuple[list[Column], list[Column]]:
        """What the next steps of the threads inside read and write."""
        within = np.where(inside, views, 0)
        return (
            [np.bitwise_or.reduce(column[within], axis=1) for column in self._reads],
            [np.bitwise_or.reduce(column[within], axis=1) for column in self._writes],
        )

    def _meets(self, views: Views, enabled: Flags, outside: Flags, reads: list[Column], writes: list[Column]) -> Flags:
        """The threads outside that may interfere with a next step inside before a thread inside moves; a least fixpoint."""
        views = np.where(outside, views, 0)
        changed: list[Column] = [np.zeros(len(views), np.uint64) for _ in range(self._words)]
        while True:
            at = self._starts[views] + self._standing(views, changed)
            waits = ~enabled & outside
            for read, some in zip(self._reads, changed, strict=True):
                waits &= read[views] & some[:, None] == 0
            at[waits] = 0
            written = [np.bitwise_or.reduce(column[at], axis=1) for column in self._left_writes]
            if all(not (more & ~some).any() for more, some in zip(written, changed, strict=True)):
                break
            for some, more in zip(changed, written, strict=True):
                some |= more
        met: Flags = np.zeros(views.shape, np.bool_)
        for word in range(self._words):
            both = (reads[word] | writes[word])[:, None]
            met |= self._left_writes[word][at] & both | self._left_reads[word][at] & writes[word][:, None] != 0
        return met

    def _standing(self, views: Views, changed: list[Column]) -> Numbers:
        """The guards that stand, as bits, while only these bits change."""
        out: Numbers = np.zeros(views.shape, np.int64)
        for number, guard in enumerate(self._guards):
            stands: Flags = np.ones(views.shape, np.bool_)
            for cells, some in zip(guard, changed, strict=True):
                stands &= cells[views] & some[:, None] == 0
            out |= stands.astype(np.int64) << number
        out &= self._subsets[views]
        return out
