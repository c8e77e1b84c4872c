"""Finds accesses that the steps of an execution do not order: races, as far as accesses that are no steps go.

The order is happens-before by dependent steps, the one of which DPOR walks each order once, in vector clocks; the accesses of
a part of an object are remembered as in FastTrack (Flanagan and Freund, PLDI 2009). Where no two accesses of any walked order
are unordered, no other schedule has others: so only sites that were once seen in a race need be steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Clock = dict[int, int]
"""For each thread, the time of its last step that comes before: it begins at 1, and each step ends one."""


class Ordered:
    """The threads of one execution, and what their steps touched."""

    def __init__(self) -> None:
        self._clocks: dict[int, Clock] = {}
        self._written: dict[int, Clock] = {}
        """For each cell, what is before its last write, with that."""
        self._read: dict[int, Clock] = {}
        """For each cell, what is before the reads since, with these."""

    def begin(self, thread: int, starter: int | None) -> None:
        """A thread begins, after all that its starter has done so far."""
        self._clocks[thread] = {thread: 1}
        if starter is not None:
            _merge(self._clocks[thread], self._clocks[starter])
            self._clocks[starter][starter] += 1

    def step(self, thread: int, cell: int, *, writes: bool) -> None:
        """A thread makes a step, after all steps that it depends on."""
        clock = self._clocks[thread]
        written = self._written.get(cell)
        if written is not None:
            _merge(clock, written)
        if writes:
            read = self._read.pop(cell, None)
            if read is not None:
                _merge(clock, read)
            self._written[cell] = clock.copy()
        else:
            _merge(self._read.setdefault(cell, {}), clock)
        clock[thread] += 1  # what it does from here on is not before what comes after the step

    def access(self, accesses: Accesses, thread: int, site: int, *, writes: bool) -> list[int]:
        """A thread accesses a part of an object; gives the sites of earlier accesses that are not ordered with it."""
        clock = self._clocks[thread]
        raced = []
        last = accesses.write
        if last is not None and last[0] != thread and last[1] > clock.get(last[0], 0):
            raced.append(last[2])
        if not writes:
            accesses.reads[thread] = clock[thread], site
            return raced
        for other, (time, there) in accesses.reads.items():
            if other != thread and time > clock.get(other, 0):
                raced.append(there)
        accesses.reads.clear()
        accesses.write = thread, clock[thread], site
        return raced


@dataclass(slots=True)
class Accesses:
    """The last accesses to a part of an object."""

    write: tuple[int, int, int] | None = None
    """The thread, its time, and the site."""
    reads: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Since then, for each thread, its time and the site."""


def _merge(clock: Clock, other: Clock) -> None:
    for thread, time in other.items():
        if time > clock.get(thread, 0):
            clock[thread] = time
