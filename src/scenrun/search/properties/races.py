"""Data races in the states of a search: conflicting accesses of two threads that can both come next.

The accesses of a thread's next step follow from its local state, so of all states in which the same accesses come
next only one is examined. Accesses inside an `atomic` depend on the variables as well; two `atomic` never race, as the
hidden lock orders them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from scenrun.model.machine import Transition
from scenrun.model.state import State, Thread
from scenrun.search.properties.accesses import Race, Touch, Watching, accessed, begins_atomic, locks_of, touches_of
from scenrun.search.properties.lock_holders import Holders
from scenrun.search.space.path import Orbits, transitions_along
from scenrun.search.space.state_space import WHOLE, StateSpace
from scenrun.search.space.visited import Space

Met = tuple[int, Touch, int, Touch]
"""Two thread numbers, each followed by the access that comes next in that thread."""


def races_in(space: StateSpace, visited: Space, orbits: Orbits | None = None) -> list[Race]:
    """Each race in the states that a search has visited, with the first state that shows it.

    With `orbits`, the states are representatives; a race then names the threads of a symmetric state.
    """
    meetings = Meetings(space)
    met_at: dict[Any, Race] = {}
    for state in meetings.of_interest(visited):
        for met in meetings.of(state):
            # of a hundred replicas thousands of pairs meet in a state, all of them at the same places
            pair = met[1].slot, frozenset((met[1].place, met[3].place))
            if pair not in met_at:
                met_at[pair] = meetings.race(state, met)
    found: dict[Any, Race] = {}
    for race in met_at.values():
        found.setdefault(race.pair, race)
    return _with_locks(space, visited, list(found.values()), orbits)


@dataclass(slots=True)
class RacingAccesses:
    """The accesses of a place: the bits of the cells that its next step may read and write, and the accesses if fixed."""

    reads: int
    writes: int
    touches: tuple[Touch, ...] | None
    """None for an `atomic`, whose accesses depend on the state."""

    @property
    def is_atomic(self) -> bool:
        """Whether the step is an `atomic`."""
        return self.touches is None


Next = tuple[int, RacingAccesses, tuple[Touch, ...]]
"""A thread's number, and the accesses of its next step."""
AccessesByPlace = dict[int, RacingAccesses]
"""The places of one thread whose next steps access variables."""


class Meetings:
    """Finds the pairs of conflicting accesses that can both come next in a state."""

    def __init__(self, space: StateSpace) -> None:
        self.space = space
        self._watching = Watching.over(space.machine)
        self._inside: dict[tuple[int, ...], tuple[Touch, ...]] = {}
        every = [self._accesses_of(number) for number in range(space.thread_count)]
        self.hot = {
            number: racing
            for number, accesses_of in enumerate(every)
            if (racing := _meeting(number, accesses_of, every))
        }
        """The threads that may race, each with its places that may."""

    # --- places

    def _accesses_of(self, number: int) -> AccessesByPlace:
        accesses_of = (
            (place, self._accesses(thread))
            for place, thread in enumerate(self.space.local_states(number))
            if thread is not None
        )
        return {place: accesses for place, accesses in accesses_of if accesses is not None}

    def _accesses(self, thread: Thread) -> RacingAccesses | None:
        if begins_atomic(self.space.machine, thread):
            bits = _bits(self.space.touches.inside(thread.code, thread.pc))
            return RacingAccesses(bits, bits, None)
        touches = touches_of(self.space.machine, thread)
        if not touches:
            return None
        reads = _bits(frozenset(t.slot for t in touches if not t.writes))
        return RacingAccesses(reads, _bits(frozenset(t.slot for t in touches if t.writes)), touches)

    # --- states

    def of_interest(self, visited: Space) -> Iterator[int]:
        """The first state, in the order of the search, of those in which the same accesses come next.

        Where daemons are cut off, they have no next step; but they had the same one before the last step of the others,
        so their accesses in such a state are no false races.
        """
        numbers: dict[Any, int] = {}
        classes = {
            number: {
                place: WHOLE if one.touches is None else numbers.setdefault(one.touches, len(numbers) + 1)
                for place, one in accesses_of.items()
            }
            for number, accesses_of in self.hot.items()
        }
        return visited.first_of_each(self.space, classes)

    def of(self, state: int) -> Iterator[Met]:
        """The pairs of conflicting accesses that can both come next in a state; of threads with like ones, only the first two."""
        here = [
            (number, accesses, self._touches(state, number, accesses))
            for (number, accesses_of), place in zip(self.hot.items(), self.space.places(state, self.hot), strict=True)
            if (accesses := accesses_of.get(place)) is not None
        ]
        for (one, accesses, touches), (other, beside, more) in combinations(_two_of_each(here), 2):
            if accesses.is_atomic and beside.is_atomic:
                continue
            for a in touches:
                for b in more:
                    if a.conflicts(b):
                        yield one, a, other, b

    def _touches(self, state: int, number: int, accesses: RacingAccesses) -> tuple[Touch, ...]:
        if accesses.touches is not None:
            return accesses.touches
        step = self.space.step_key(state, number)
        if step not in self._inside:
            self._watching.step(self.space.unpack(state), Transition(number))
            self._inside[step] = tuple(dict.fromkeys(self._watching.touched))
        return self._inside[step]

    # --- races

    def race(self, state: int, met: Met) -> Race:
        """A pair as a race, without the locks held."""
        one, a, other, b = met
        label = self.space.machine.slots.label(a.slot)
        first, second = (self.space.thread(state, number) for number in (one, other))
        return Race(label, accessed(first, a), accessed(second, b), state)


def _meeting(number: int, accesses_of: AccessesByPlace, every: list[AccessesByPlace]) -> AccessesByPlace:
    """The places of a thread that conflict with some place of another thread."""
    others = [accesses for other, more in enumerate(every) if other != number for accesses in more.values()]
    plain = _all_of(one for one in others if not one.is_atomic)
    whole = _all_of(others)
    return {
        place: accesses
        for place, accesses in accesses_of.items()
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


def _two_of_each(here: list[Next]) -> list[Next]:
    """The threads without those whose accesses two others before them have as well."""
    times: dict[Any, int] = {}
    kept = []
    for one in here:
        about = one[1].is_atomic, one[2]
        times[about] = times.get(about, 0) + 1
        if times[about] <= 2:
            kept.append(one)
    return kept


# --- locks


def _with_locks(space: StateSpace, visited: Space, races: list[Race], orbits: Orbits | None) -> list[Race]:
    """The races, with the locks that each thread holds after the path to the state of the race."""
    ways: dict[int, tuple[Holders, int]] = {}
    out = []
    for race in races:
        state = race.state
        assert state is not None
        if state not in ways:
            transitions, end = transitions_along(space, visited.path_to(state), orbits)
            ways[state] = _held_after(space, transitions), end
        holders, end = ways[state]
        shown = race if end == state else _alike(space, race, end)
        out.append(race if shown is None else _locked(shown, holders))
    return out


def _held_after(space: StateSpace, transitions: list[Transition]) -> Holders:
    machine, holders = space.machine, Holders(space.machine)
    before: State = space.initial_state
    for transition in transitions:
        after = machine.step(before, transition)
        assert after is not None
        holders.follow(before, transition, after)
        before = after
    return holders


def _alike(space: StateSpace, race: Race, end: int) -> Race | None:
    """The same race in a symmetric state; its variable may be that of another replica. None if it is not there."""
    meetings = Meetings(space)
    found = (meetings.race(end, met) for met in meetings.of(end))
    alike = [one for one in found if one.pair[1:] == race.pair[1:]]
    found_again = next((one for one in alike if one.pair == race.pair), alike[0] if alike else None)
    # `state` stays the one that the search has visited, as paths lead to that; the threads are those of `end`
    return None if found_again is None else replace(found_again, state=race.state)


def _locked(race: Race, holders: Holders) -> Race:
    first, second = (replace(one, locks=locks_of(holders, one.thread)) for one in (race.first, race.second))
    return replace(race, first=first, second=second)
