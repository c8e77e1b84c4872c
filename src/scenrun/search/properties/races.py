"""Data races in a state search: two threads that could both come next, with accesses to one variable that conflict.

Which accesses a thread is about to make is known by its row, and of all states in which the same accesses come next one is
looked at. Steps inside `atomic` depend on the variables as well; two `atomic` never race, as the hidden lock orders them.
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
"""Two threads by number, each with the access that it is about to make."""


def races_in(packed: Packed, space: Space, canonical: Canonical | None = None) -> list[Race]:
    """Each race of the states that a search has seen, with the first state that shows it.

    With `canonical`, the states stand for others that are like them, and so do the threads that a race names.
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
    """A row whose step accesses variables: what it may read and write, as bits, and what it does, where that is certain."""

    local_state: LocalState
    reads: int
    writes: int
    touches: tuple[Touch, ...] | None
    """None for an `atomic`: its accesses depend on the state."""

    @property
    def is_atomic(self) -> bool:
        """Whether it is a whole `atomic`."""
        return self.touches is None


class Meetings:
    """Where in a space accesses that conflict can both come next."""

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
        """The threads that may be in a race, each with the numbers of its rows that may."""

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
        """One state of all in which the same accesses come next, the first in the order of the search.

        Daemons that are cut off race no more: but then they stood at the same places before the last step of the others.
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
        """For each thread's rows, a number for what they access; for a whole `atomic` one below 0, which tells its mask."""
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
        """The accesses that conflict and can both come next."""
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
        """A race, without the locks."""
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
    """Those of a thread's rows that conflict with some row of another thread."""
    others = [accesses for other, more in every if other is not thread_field for accesses in more.values()]
    plain = _all_of(one for one in others if not one.is_atomic)
    whole = _all_of(others)
    return {
        code: accesses
        for code, accesses in accesses_of.items()
        if _conflicts(accesses, plain if accesses.is_atomic else whole)
    }


def _all_of(accesses_of: Iterable[RacingAccesses]) -> tuple[int, int]:
    """What any of them reads or writes."""
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
    """The races, with the locks that each thread holds on the way to the state that shows it."""
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
    """The same race in a state that is like the one in which it was found; its variable may be that of another replica."""
    meetings = Meetings(packed)
    found = (meetings.race(end, met) for met in meetings.of(end))
    alike = [one for one in found if one.pair[1:] == race.pair[1:]]
    found_again = next((one for one in alike if one.pair == race.pair), alike[0] if alike else None)
    # the way to it leads to the state that the search has seen, whose like the threads of the race are named in
    return None if found_again is None else replace(found_again, state=race.state)


def _locked(race: Race, holders: Holders) -> Race:
    first, second = (replace(one, locks=locks_of(holders, one.thread)) for one in (race.first, race.second))
    return replace(race, first=first, second=second)
