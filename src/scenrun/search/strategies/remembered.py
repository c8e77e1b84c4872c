"""A bounded cache of what a policy needs to know of each state, and the enabled and blocked threads of a state with footprints.

The cache holds the next steps of single states, never a schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from scenrun.search.reduction.may_access import Effects, MayAccesses
from scenrun.search.space.packed import LocalState, Packed, ThreadField

MOST = 1 << 16
"""States that are remembered at a time."""

Known = TypeVar("Known")


class Remembered(dict[int, Known]):
    """A cache from packed states to what is known of them. Look-ups may raise Overflow, after which it must be discarded."""

    def __init__(self, worked_out: Callable[[int], Known], most: int = MOST) -> None:
        super().__init__()
        self.worked_out = worked_out
        self._most = most

    def __missing__(self, state: int) -> Known:
        if len(self) >= self._most:
            self.clear()
        found = self[state] = self.worked_out(state)
        return found


class Trace(Remembered[Known]):
    """Records the states that are looked up, in order: the states of one walk."""

    def __init__(self, known: Remembered[Known]) -> None:
        super().__init__(known.worked_out)
        self._known = known
        self.states: list[int] = []

    def __getitem__(self, state: int) -> Known:
        self.states.append(state)
        return self._known[state]


class Option(NamedTuple):
    """One thread in a state, and what it can do."""

    thread: int
    afters: tuple[int, ...]
    """The states that its enabled steps lead to; empty where it is blocked."""
    effects: Effects
    """The footprint of its next step: what it may read and write."""
    local_state: LocalState
    waits: bool
    """Whether it is enabled only by its time-out."""


class Point(NamedTuple):
    """The threads in a state that have not ended, enabled and blocked."""

    enabled: tuple[Option, ...]
    waiting: tuple[Option, ...]


class Points:
    """Computes the enabled and the blocked threads of a state."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self._may_accesses = MayAccesses(packed.machine, packed.touches)
        self._effects: dict[int, tuple[LocalState, Effects]] = {}

    def of(self, state: int) -> Point:
        """The threads in a state; where the schedule is over, the remaining daemons count as not enabled, as they are cut off."""
        packed = self.packed
        is_over = packed.is_over(state)
        enabled: list[Option] = []
        waiting: list[Option] = []
        for thread_field in packed.thread_fields:
            local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
            if local_state is not None:
                option = self._option(state, thread_field, local_state, is_over)
                (enabled if option.afters else waiting).append(option)
        return Point(tuple(enabled), tuple(waiting))

    def _option(self, state: int, thread_field: ThreadField, local_state: LocalState, is_over: bool) -> Option:
        if is_over:
            return Option(thread_field.number, (), self._effects_of(local_state), local_state, False)
        afters = tuple([state ^ change for change in self.packed.following_of(state, thread_field)])
        waits = bool(afters) and all(choice.expires for choice in self.packed.choices_of(state, thread_field))
        return Option(thread_field.number, afters, self._effects_of(local_state), local_state, waits)

    def _effects_of(self, local_state: LocalState) -> Effects:
        found = self._effects.get(id(local_state))
        if found is None:
            found = self._effects[id(local_state)] = local_state, self._may_accesses.of(local_state.thread).next
        return found[1]
