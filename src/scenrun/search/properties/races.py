"""Data races in the states of a search: conflicting accesses of two threads that can both come next.

The accesses of a thread's next step follow from its local state, so of all states in which the same accesses come
next only one is examined. Accesses inside an `atomic` depend on the variables as well; two `atomic` never race, as the
hidden lock orders them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from scenrun.model.machine import Transition
from scenrun.model.state import State
from scenrun.search.properties.accesses import Race, Touch, Watching, accessed, begins_atomic, locks_of, touches_of
from scenrun.search.properties.lock_holders import Holders
from scenrun.search.space.breadth_first import Space
from scenrun.search.space.packed import LocalState, Packed, ThreadField
from scenrun.search.space.path import choices_along

Canonical = Callable[[int], int]
Met = tuple[int, Touch, int, Touch]
"""Two thread numbers, each followed by the access that comes next in that thread."""


def races_in(packed: Packed, space: Space, canonical: Canonical | None = None) -> list[Race]:
    """Each race in the states that a search has visited, with the first state that shows it.

    With `canonical`, the states are representatives; a race then names the threads of a symmetric state.
    """
    meetings = Meetings(packed)
    found: dict[Any, Race] = {}
    for state in meetings.of_interest(space):
        for met in meetings.of(state):
            race = meetings.race(state, met)
            found.setdefault(race.pair, race)
    return _with_locks(packed, space, list(found.values()), canonical)


@dataclass(slots=True)
class RacingAccesses:
    """A local state whose next step accesses variables: the bits that it may read and write, and its accesses if fixed."""

    local_state: LocalState
    reads: int
    writes: int
    touches: tuple[Touch, ...] | None
    """None for an `atomic`, whose accesses depend on the state."""

    @property
    def is_atomic(self) -> bool:
        """Whether the step is an `atomic`."""
        return self.touches is None


class Meetings:
    """Finds the pairs of conflicting accesses that can both come next in a state."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self._watching = Watching.over(packed.machine)
        self._inside: dict[tuple[int, int, int], tuple[Touch, ...]] = {}
        every = [(thread_field, self._accesses_of(thread_field)) for thread_field in packed.thread_fields]
        self.hot = [
            (thread_field, accesses_of)
            for thread_field, all_ in every
            if (accesses_of := _meeting(thread_field, all_, every))
        ]
        """The threads that may race, each with its local states that may, by number."""

    # --- rows

    def _accesses_of(self, thread_field: ThreadField) -> dict[int, RacingAccesses]:
        accesses_of = (
            (code, self._accesses(local_state))
            for code, local_state in enumerate(thread_field.local_states)
            if local_state is not None
        )
        return {code: accesses for code, accesses in accesses_of if accesses is not None}

    def _accesses(self, local_state: LocalState) -> RacingAccesses | None:
        thread = local_state.thread
        if begins_atomic(self.packed.machine, thread):
            bits = _bits(self.packed.touches.inside(thread.who.code, thread.pc))
            return RacingAccesses(local_state, bits, bits, None)
        touches = touches_of(self.packed.machine, thread)
        if not touches:
            return None
        reads = _bits(frozenset(t.slot for t in touches if not t.writes))
        return RacingAccesses(local_state, reads, _bits(frozenset(t.slot for t in touches if t.writes)), touches)

    # --- states

    def of_interest(self, space: Space) -> Iterator[int]:
        """The first state, in the order of the search, of those in which the same accesses come next.

        Where daemons are cut off, they have no next step; but they had the same one before the last step of the others,
        so their accesses in such a state are no false races.
        """
        threads, wholes = self._kinds()
        seen: set[Any] = set()
        for state in space.parents:
            place: Any = tuple([kinds.get(state >> shift & bits, 0) for shift, bits, kinds in threads])
            if min(place, default=0) < 0:
                place = place, tuple([state & wholes[~kind] for kind in place if kind < 0])
            if place not in seen:
                seen.add(place)
                yield state

    def _kinds(self) -> tuple[list[tuple[int, int, dict[int, int]]], list[int]]:
        """For each thread, a number for the accesses of each local state; an `atomic` has ~i, where `wholes[i]` is its mask."""
        numbers: dict[Any, int] = {}
        wholes: list[int] = []
        threads = []
        for thread_field, accesses_of in self.hot:
            kinds = {}
            for code, accesses in accesses_of.items():
                if accesses.touches is None:
                    wholes.append(accesses.local_state.mask)
                    kinds[code] = ~(len(wholes) - 1)
                else:
                    kinds[code] = numbers.setdefault(accesses.touches, len(numbers) + 1)
            threads.append((thread_field.shift, thread_field.mask, kinds))
        return threads, wholes

    def of(self, state: int) -> Iterator[Met]:
        """The pairs of conflicting accesses that can both come next in a state."""
        here = [
            (thread_field.number, accesses, self._touches(state, thread_field, accesses))
            for thread_field, accesses_of in self.hot
            if (accesses := accesses_of.get(state >> thread_field.shift & thread_field.mask)) is not None
        ]
        for (one, accesses, touches), (other, beside, more) in combinations(here, 2):
            if accesses.is_atomic and beside.is_atomic:
                continue
            for a in touches:
                for b in more:
                    if a.conflicts(b):
                        yield one, a, other, b

    def _touches(self, state: int, thread_field: ThreadField, accesses: RacingAccesses) -> tuple[Touch, ...]:
        if accesses.touches is not None:
            return accesses.touches
        place = thread_field.number, state >> thread_field.shift & thread_field.mask, state & accesses.local_state.mask
        if place not in self._inside:
            self._watching.step(self.packed.unpack(state), Transition(thread_field.number))
            self._inside[place] = tuple(dict.fromkeys(self._watching.touched))
        return self._inside[place]

    # --- races

    def race(self, state: int, met: Met) -> Race:
        """A pair as a race, without the locks held."""
        one, a, other, b = met
        label = self.packed.machine.slots.label(a.slot)
        local_states = [self.packed.thread_fields[number] for number in (one, other)]
        first, second = (self._thread(state, thread_field) for thread_field in local_states)
        return Race(label, accessed(first, a), accessed(second, b), state)

    @staticmethod
    def _thread(state: int, thread_field: ThreadField) -> Any:
        local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
        assert local_state is not None
        return local_state.thread


def _meeting(
    thread_field: ThreadField,
    accesses_of: dict[int, RacingAccesses],
    every: list[tuple[ThreadField, dict[int, RacingAccesses]]],
) -> dict[int, RacingAccesses]:
    """The local states of a thread that conflict with some local state of another thread."""
    others = [accesses for other, more in every if other is not thread_field for accesses in more.values()]
    plain = _all_of(one for one in others if not one.is_atomic)
    whole = _all_of(others)
    return {
        code: accesses
        for code, accesses in accesses_of.items()
        if _conflicts(accesses, plain if accesses.is_atomic else whole)
    }


def _all_of(accesses_of: Iterable[RacingAccesses]) -> tuple[int, int]:
    """The union of the bits that they read and write."""
    reads = writes = 0
    for accesses in accesses_of:
        reads, writes = reads | accesses.reads, writes | accesses.writes
    return reads, writes


def _conflicts(accesses: RacingAccesses, others: tuple[int, int]) -> bool:
    reads, writes = others
    return bool(accesses.writes & (reads | writes) or accesses.reads & writes)


def _bits(slots: frozenset[int]) -> int:
    return sum(1 << slot for slot in slots)


# --- locks


def _with_locks(packed: Packed, space: Space, races: list[Race], canonical: Canonical | None) -> list[Race]:
    """The races, with the locks that each thread holds after the path to the state of the race."""
    ways: dict[int, tuple[Holders, int]] = {}
    out = []
    for race in races:
        state = race.state
        assert state is not None
        if state not in ways:
            choices, end = choices_along(packed, space.path_to(state), canonical)
            ways[state] = _held_after(packed, choices), end
        holders, end = ways[state]
        shown = race if end == state else _alike(packed, race, end)
        out.append(race if shown is None else _locked(shown, holders))
    return out


def _held_after(packed: Packed, choices: list[Transition]) -> Holders:
    machine, holders = packed.machine, Holders(packed.machine)
    before: State = packed.initial_state
    for choice in choices:
        after = machine.step(before, choice)
        assert after is not None
        holders.follow(before, choice, after)
        before = after
    return holders


def _alike(packed: Packed, race: Race, end: int) -> Race | None:
    """The same race in a symmetric state; its variable may be that of another replica. None if it is not there."""
    meetings = Meetings(packed)
    found = (meetings.race(end, met) for met in meetings.of(end))
    alike = [one for one in found if one.pair[1:] == race.pair[1:]]
    found_again = next((one for one in alike if one.pair == race.pair), alike[0] if alike else None)
    # `state` stays the one that the search has visited, as paths lead to that; the threads are those of `end`
    return None if found_again is None else replace(found_again, state=race.state)


def _locked(race: Race, holders: Holders) -> Race:
    first, second = (replace(one, locks=locks_of(holders, one.thread)) for one in (race.first, race.second))
    return replace(race, first=first, second=second)
