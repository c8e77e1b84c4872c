"""The state search: breadth first through all states, so the first way to anything is a shortest one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from scenrun.search.space.packed import ALARM_EVERY, Overflow, Packed, Stopped
from scenrun.workers.memory import process_bytes

LOOK_EVERY = 2_048
"""States between two looks at the limits."""
LEAP = 1 << 21
"""Bytes by which the memory may grow between two looks before it is looked at all the time: some values are large."""
MUCH = 1_000
"""States whose loss is worth a rehearsal."""
WALKS = 16
"""Random walks that meet nothing new, after which a rehearsal is over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a search may go; past any of them its result is incomplete."""

    states: int = 2_000_000
    memory: int = 2 << 30
    """Bytes that this process may have, whatever it has them for."""
    seconds: float | None = None


@dataclass(slots=True)
class Space:
    """The states that a search has seen."""

    parents: dict[int, int | None] = field(default_factory=dict)
    """Each state with the one that it was first reached from."""
    terminal: list[int] = field(default_factory=list)
    """States in which nobody can move, or needs to."""
    transitions: int = 0
    depth: int = 0
    bound: str | None = None
    """The limit that ended the search, in words; None where it has seen everything."""
    seconds: float = 0.0
    interrupted: str | None = None
    """The signal that ended it, if one did."""
    bytes: int = 0
    """The most memory that this process was seen to have meanwhile."""
    taken: Callable[[int], Sequence[int]] | None = None
    """For a reduced search, the states that it went on to from a state."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing was left out."""
        return self.bound is None

    def path_to(self, state: int) -> list[int]:
        """The states from the first one to this one."""
        path = [state]
        while (before := self.parents[path[-1]]) is not None:
            path.append(before)
        return path[::-1]


class Breadth:
    """A breadth-first search. `look` is called now and then with the space so far; what it returns ends the search."""

    def __init__(
        self, packed: Packed, limits: Limits, look: Callable[[Space], str | None] = lambda space: None
    ) -> None:
        self.packed = packed
        self.limits = limits
        self.look = look
        self._began = 0.0

    def run(self) -> Space:
        """Every state, up to the limits."""
        self._began = time.perf_counter()
        rehearsed = False
        while True:
            space = Space()
            self.packed.alarm = lambda: self._stop(space)  # noqa: B023
            try:
                self._search(space)
            except Stopped as stopped:
                space.bound = stopped.reason
            except Overflow:
                self.packed.violations.clear()
                if (lost := len(space.parents)) > MUCH and not rehearsed:
                    self.packed.alarm = lambda: self._stop(Space())
                    with suppress(Stopped):  # the search that comes next finds out by itself
                        self._rehearse(lost)
                    rehearsed = True
                continue
            self.packed.alarm = None
            space.seconds = time.perf_counter() - self._began
            return space

    def _stop(self, space: Space) -> None:
        """End the search in the middle of a level, if a limit was reached."""
        before = space.bytes
        reason = self._bound(space)
        self.packed.alarm_every = 1 if before and space.bytes - before > LEAP else ALARM_EVERY
        if reason is not None:
            raise Stopped(reason)

    def _rehearse(self, steps: int) -> None:
        """Random walks, for the fields to become as wide as they have to be: a search meets last what happens late."""
        draw, packed = random.Random(0), self.packed
        packed.initial = packed.packed_anew()
        quiet, state = 0, packed.initial
        for _ in range(steps):
            try:
                following = packed.following(state)
            except Overflow:
                quiet, following = 0, []
                packed.initial = packed.packed_anew()
            if following:
                state = draw.choice(following)[1]
                continue
            quiet, state = quiet + 1, packed.initial
            if quiet > WALKS:
                break
        packed.forget()

    def _search(self, space: Space) -> None:
        packed = self.packed
        packed.initial = packed.packed_anew()
        space.parents[packed.initial] = None
        self._spread([packed.initial], space)

    def _spread(self, frontier: list[int], space: Space) -> None:
        """Level by level, from states that are new."""
        while frontier:
            following: list[int] = []
            for at in range(0, len(frontier), LOOK_EVERY):
                self.level(frontier[at : at + LOOK_EVERY], following, space)
                space.bound = self._bound(space)
                if space.bound is not None:
                    return
            frontier = following
            space.depth += bool(following)

    def level(self, frontier: list[int], following: list[int], space: Space) -> None:
        """Add the states that come after those of a part of the frontier."""
        packed, seen, terminal, transitions = self.packed, space.parents, space.terminal, space.transitions
        thread_fields, is_over, compute = (
            packed.thread_fields,
            packed.is_over if packed.has_daemons else None,
            packed.compute,
        )
        timed = packed.machine.timed
        for state in frontier:
            moved = False
            if is_over is not None and is_over(state):
                terminal.append(state)
                continue
            for thread_field in thread_fields:
                local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
                if local_state is None:
                    continue
                changes = local_state.known.get(state & local_state.mask)
                if changes is None:
                    changes = compute(state, thread_field, local_state)
                for change in changes:
                    moved = True
                    transitions += 1
                    after = state ^ change
                    if after not in seen:
                        seen[after] = state
                        following.append(after)
            if timed and (change := packed.later(state)):
                moved = True
                transitions += 1
                after = state ^ change
                if after not in seen:
                    seen[after] = state
                    following.append(after)
            if not moved:
                terminal.append(state)
        space.transitions = transitions

    def _bound(self, space: Space) -> str | None:
        limits = self.limits
        if max(len(space.parents), len(self.packed.rounds.known)) > limits.states:
            return f"{limits.states:,} state{'s' * (limits.states != 1)}"
        if (bytes_now := process_bytes()) > space.bytes:
            space.bytes = bytes_now
        if bytes_now > limits.memory:
            return told_memory(limits.memory)
        if limits.seconds is not None and time.perf_counter() - self._began > limits.seconds:
            return told_seconds(limits.seconds)
        space.interrupted = self.look(space)
        return space.interrupted


def told_memory(number: int) -> str:
    """The limit of memory, as what ended a search."""
    return f"{_size(number)} of memory"


def _size(number: int) -> str:
    """A number of bytes, as people write it."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} byte{'s' * (number != 1)}"


def told_seconds(seconds: float) -> str:
    """A time, as people write it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size or not seconds:
            return f"{seconds / size:g} {unit}"
    return f"{seconds * 1e6:g} us"
