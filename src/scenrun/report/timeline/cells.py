"""The contents of a timeline's columns: each thread's main state, each lock's main owner, and each queue's mean size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from scenrun.report.timeline.axis import Axis
from scenrun.report.timeline.spool import Record
from scenrun.report.timeline.survey import KIND, SIZE, STATES
from scenrun.trace.analysis.spans import ALIVE, HOLDING, RUNNING, SLEEPING, WAITING

_RUNNING, _ALIVE, _HOLDING = KIND[RUNNING], KIND[ALIVE], KIND[HOLDING]
_IDLE = (KIND[WAITING], KIND[SLEEPING])
Shares = dict[int, int]
"""Shares of a column by number."""


class Lane:
    """The lane of a thread, or of several that share one."""

    def __init__(self, columns: int) -> None:
        self.there = bytearray(columns)
        """Whether the thread was alive, or had any other state, by column."""
        self.shares: list[Shares] = [defaultdict(int) for _ in range(columns)]
        """By column, the share of each state, and of `alive`."""
        self.held: list[Shares] = [defaultdict(int) for _ in range(columns)]
        """By column, the share in which each lock was held."""

    def state(self, column: int) -> int | None:
        """The main state in a column, as an index of `STATES`; None if the thread is not alive there."""
        if not self.there[column]:
            return None
        times = [self.time_in(column, state) for state in range(len(STATES))]
        return times.index(max(times)) if any(times) else _RUNNING

    def time_in(self, column: int, state: int) -> int:
        """The share of a column that a state has; running is what the other states leave of the life."""
        shares = self.shares[column]
        if state != _RUNNING:
            return shares.get(state, 0)
        others = sum(shares.get(one, 0) for one, name in enumerate(STATES) if one != _RUNNING and name != "queued")
        return max(0, shares.get(_ALIVE, 0) - others)

    def busy(self) -> float | None:
        """The share of its life in which it neither waited nor slept; None if it has none."""
        alive = sum(shares.get(_ALIVE, 0) for shares in self.shares)
        idle = sum(shares.get(state, 0) for shares in self.shares for state in _IDLE)
        return max(0.0, 1 - idle / alive) if alive else None

    def is_holding(self, column: int) -> bool:
        """Whether it held one lock for at least half of its life in a column."""
        longest = max(self.held[column].values(), default=0)
        return longest > 0 and 2 * longest >= self.shares[column].get(_ALIVE, 0)


class Lock:
    """The owners of a lock and the length of their holds."""

    def __init__(self, columns: int) -> None:
        self.owners: list[Shares] = [defaultdict(int) for _ in range(columns)]

    def owner(self, column: int) -> tuple[int, int]:
        """The thread that held it longest in a column, and how long; (-1, 0) for none. Of equals the lowest number."""
        owners = self.owners[column]
        if not owners:
            return -1, 0
        longest = max(owners.values())
        return min(thread for thread, share in owners.items() if share == longest), longest

    def held(self, axis: Axis) -> float:
        """The share of the whole axis in which it was held."""
        return min(1.0, sum(map(self.total, range(axis.columns))) / (axis.length * axis.columns))

    def total(self, column: int) -> int:
        """The length of all holds in a column."""
        return sum(self.owners[column].values())


class Cells:
    """Takes records; memory grows with lanes and columns.

    lanes: the lane of each thread with a lane of its own, by its number; all others share the last one.
    """

    def __init__(self, axis: Axis, lanes: dict[int, int], locks: Iterable[int], queues: Iterable[int]) -> None:
        self.axis = axis
        self.lanes = [Lane(axis.columns) for _ in range(len(lanes) + 1)]
        self.locks = {number: Lock(axis.columns) for number in locks}
        self.sizes = {number: [0] * axis.columns for number in queues}
        """By queue and column, the sum of size times duration."""
        self._lanes = lanes

    def take(self, records: Iterable[Record]) -> None:
        """Takes all records."""
        spread, by_event = self.axis.spread, self.axis.by_event
        for kind, row, other, begin_ns, end_ns, begin_seq, end_seq in records:
            span = (begin_seq, end_seq) if by_event else (begin_ns, end_ns)
            if kind == SIZE:
                self._size(row, other, span)
            elif kind == _HOLDING:
                self._hold(row, other, span)
            else:
                lane = self.lanes[self._lanes.get(row, -1)]
                for column, share in spread(*span):
                    lane.there[column] = 1
                    lane.shares[column][kind] += share

    def _hold(self, thread: int, number: int, span: tuple[int, int]) -> None:
        at = self._lanes.get(thread)
        lock = self.locks.get(number)
        for column, share in self.axis.spread(*span):
            if at is not None:
                self.lanes[at].held[column][number] += share
            if lock is not None:
                lock.owners[column][thread] += share

    def _size(self, number: int, size: int, span: tuple[int, int]) -> None:
        sizes = self.sizes.get(number)
        if sizes is not None:
            for column, share in self.axis.spread(*span):
                sizes[column] += size * share
