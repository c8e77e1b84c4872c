"""Breadth-first search of all packed states: the first path found to a state is a shortest one."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from scenrun.report.amounts import exact_seconds
from scenrun.search.space.packed import ALARM_EVERY, Packed
from scenrun.search.space.rehearsal import rehearse
from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.search.space.visited import LinkedSpace, Space
from scenrun.workers.memory import process_bytes

LOOK_EVERY = 2_048
"""States that are expanded between two checks of the limits."""
LEAP = 1 << 21
"""Growth of the memory, in bytes, between two checks after which each computed transition is checked: values may be large."""
MUCH = 1_000
"""Lost states from which on a rehearsal is worth its cost."""


class Limits(Struct, frozen=True):
    """The limits of a search; beyond any of them its result is incomplete."""

    states: int = 50_000_000
    memory: int = 2 << 30
    """The resident memory of this whole process, in bytes."""
    seconds: float | None = None


Look = Callable[[Space], "str | None"]
"""Called now and then with the space so far; a reason that it returns ends the search."""


class Breadth:
    """A breadth-first search. `look` may come at any time; `at_rest` between parts of a level, and may ask for transitions."""

    def __init__(
        self, packed: Packed, limits: Limits, look: Look = lambda space: None, at_rest: Look = lambda space: None
    ) -> None:
        self.packed = packed
        self.limits = limits
        self.look = look
        self.at_rest = at_rest
        self._began = 0.0

    def run(self) -> LinkedSpace:
        """The space of all states, up to the limits; an Overflow starts the search anew."""
        self._began = time.perf_counter()
        rehearsed = False
        while True:
            space = LinkedSpace()
            self.packed.alarm = lambda: self._stop(space)  # noqa: B023
            try:
                self._search(space)
            except Stopped as stopped:
                space.bound = stopped.reason
            except Overflow:
                if (lost := len(space.parents)) > MUCH and not rehearsed:
                    self.packed.alarm = lambda: self._stop(LinkedSpace())
                    rehearse(self.packed, lost)
                    self.packed.forget()
                    rehearsed = True
                continue
            self.packed.alarm = None
            space.seconds = time.perf_counter() - self._began
            return space

    def _stop(self, space: LinkedSpace) -> None:
        """Raise Stopped, also in the middle of a level, if a limit is reached."""
        before = space.bytes
        reason = self._bound(space)
        self.packed.alarm_every = 1 if before and space.bytes - before > LEAP else ALARM_EVERY
        if reason is not None:
            raise Stopped(reason)

    def _search(self, space: LinkedSpace) -> None:
        packed = self.packed
        packed.begin_anew()
        space.parents[packed.initial] = None
        self._spread([packed.initial], space)

    def _spread(self, frontier: list[int], space: LinkedSpace) -> None:
        """Search level by level from new states."""
        while frontier:
            following: list[int] = []
            for at in range(0, len(frontier), LOOK_EVERY):
                self.level(frontier[at : at + LOOK_EVERY], following, space)
                space.bound = self._bound(space)
                if space.bound is None:
                    space.bound = self.at_rest(space)
                if space.bound is not None:
                    return
            space.growth = len(following) / len(frontier)
            frontier = following
            space.depth += bool(following)

    def level(self, frontier: list[int], following: list[int], space: LinkedSpace) -> None:
        """Add the new successors of a part of the frontier to `following` and to the space."""
        # The hot loop of the search: `Packed.changes_of` is inlined, as a call for each thread would dominate.
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

    def _bound(self, space: LinkedSpace) -> str | None:
        states = max(len(space.parents), len(self.packed.rounds.known))
        return reached(space, states, self.limits, self._began, self.look)


def reached(space: Space, states: int, limits: Limits, began: float, look: Look) -> str | None:
    """The limit that a search has reached, or the reason of `look`, in words; brings the figures of the space up to date.

    states: how many there are. began: the time of `time.perf_counter` at which the search began.
    """
    if states > limits.states:
        space.is_full = True
        return f"{limits.states:,} state{'s' * (limits.states != 1)}"
    space.bytes = max(space.bytes, bytes_now := process_bytes())
    if bytes_now > limits.memory:
        return memory_text(limits.memory)
    if limits.seconds is not None and time.perf_counter() - began > limits.seconds:
        return exact_seconds(limits.seconds)
    space.interrupted = look(space)
    return space.interrupted


def memory_text(number: int) -> str:
    """The memory limit, in bytes, in the words of `Space.bound`."""
    return f"{_size(number)} of memory"


def _size(number: int) -> str:
    """A number of bytes with a unit."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} byte{'s' * (number != 1)}"
