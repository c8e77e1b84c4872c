"""A second state space, without packing: a state is the number of a whole state of the machine, found by its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from scenrun.model.clock import ZeroTimeCycles, aged, could_pass
from scenrun.model.machine import TIME_PASSES, Machine, Transition
from scenrun.model.state import ENDED, State, Thread, Who
from scenrun.program.findings import kind_of_fault
from scenrun.program.values import key
from scenrun.search.space.footprint import Touches
from scenrun.search.space.state_space import WHOLE, StateSpace, Stopped, Violation
from scenrun.search.space.visited import LinkedSpace

MOST = 2_000
"""States that are numbered before a look-up raises Stopped."""


class Numbers:
    """Values with numbers in the order in which they came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._of: dict[Any, int] = {}

    def of(self, value: Any) -> int:
        """The number of a value."""
        found = self._of.setdefault(key(value), len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


class PlainSpace(StateSpace):
    """The states of a machine, each kept whole, up to `most`."""

    def __init__(self, machine: Machine, most: int = MOST) -> None:
        self.machine = machine
        self.most = most
        self.touches = Touches(machine)
        self.violations = []
        self.died_holding = {}
        self.computed = 0
        self.alarm: Callable[[], None] | None = None
        self.has_daemons = machine.program.has_daemons
        self._states, self._rosters, self._keys = Numbers(), Numbers(), Numbers()
        self._places: list[Numbers] = []
        self._following: dict[int, list[tuple[Transition, int]]] = {}
        self._steps: dict[tuple[int, int], list[tuple[State, State, int]]] = {}
        """For each thread at each of its places, the states before and after its steps, and its place after."""
        self._rounds: ZeroTimeCycles[int] = ZeroTimeCycles(self._moves, lambda: None)
        self.initial_state = machine.initial()
        self.initial = self._number(self.initial_state)

    def begin_anew(self) -> int:
        return self.initial

    @property
    def thread_count(self) -> int:
        return len(self._places)

    @property
    def layout(self) -> int:
        return 1

    @property
    def stamp(self) -> int:
        return 1

    def _number(self, state: State) -> int:
        while len(self._places) < len(state.threads):
            self._places.append(Numbers())
            self._places[-1].of(None)
        for number, thread in enumerate(state.threads):
            self._places[number].of(thread)
        if len(self._states.values) > self.most:
            raise Stopped(f"{self.most} states")
        return self._states.of(state)

    # --- transitions

    def is_over(self, state: int) -> bool:
        return self.has_daemons and self.machine.is_over(self.unpack(state))

    def following_of(self, state: int, thread: int) -> list[tuple[Transition, int]]:
        before, out = self.unpack(state), []
        for transition, after in self.machine.following_of(before, thread) if thread < len(before.threads) else ():
            out.append((transition, self._number(after)))
            self._notice(before, transition, after, state)
        return out

    def _notice(self, before: State, transition: Transition, after: State, state: int) -> None:
        self.computed += 1
        place, to = (self.place_of(transition.thread, one.threads[transition.thread]) for one in (before, after))
        self._steps.setdefault((transition.thread, place), []).append((before, after, to))
        for number in set(after.broken) - set(before.broken):
            text = self.machine.program.expectations.always[number].text
            self.violations.append(Violation("violated", text, state, transition, -1))
        moved = after.threads[transition.thread]
        if moved.pc == ENDED and moved.fault is not None and moved.who.kind not in ("task", "future"):
            kind = kind_of_fault(moved.fault.type)
            self.violations.append(Violation(kind, moved.who.name, state, transition, -1))

    def following(self, state: int) -> list[tuple[Transition, int]]:
        if state not in self._following:
            found = []
            if not self.is_over(state):
                found = [one for n in range(len(self.unpack(state).threads)) for one in self.following_of(state, n)]
                if (later := self.after_time(state)) is not None:
                    found.append((TIME_PASSES, later))
            self._following[state] = found
        return self._following[state]

    def _moves(self, state: int) -> Iterator[tuple[int, int]]:
        if not self.is_over(state):
            for number in range(len(self.unpack(state).threads)):
                for transition, after in self.following_of(state, number):
                    yield transition.thread, after

    def moves(self, state: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        afters = ((n, self.afters_of(state, n)) for n in range(len(self.unpack(state).threads)))
        return tuple(one for one in afters if one[1])

    def afters_of(self, state: int, thread: int) -> tuple[int, ...]:
        return tuple(after for transition, after in self.following(state) if transition.thread == thread)

    def successors(self, state: int) -> tuple[int, ...]:
        return tuple(after for transition, after in self.following(state) if transition != TIME_PASSES)

    def after_time(self, state: int) -> int | None:
        if not self.machine.timed or self.is_over(state):
            return None
        before = self.unpack(state)
        passing, over = could_pass(self.machine, before)
        if not passing or (over and not over <= self._rounds.at(state)):
            return None
        return self._number(aged(self.machine, before, passing))

    # --- parts

    def unpack(self, state: int) -> State:
        found: State = self._states.values[state]
        return found

    def threads(self, state: int) -> tuple[Who, ...]:
        return tuple(thread.who for thread in self.unpack(state).threads)

    def threads_number(self, state: int) -> int:
        return self._rosters.of(self.threads(state))

    def thread(self, state: int, number: int) -> Thread:
        return self.unpack(state).threads[number]

    def places(self, state: int, numbers: Iterable[int]) -> list[int]:
        threads = self.unpack(state).threads
        return [self.place_of(n, threads[n]) if n < len(threads) else 0 for n in numbers]

    def cell(self, state: int, slot: int) -> Any:
        return self.unpack(state).cells[slot]

    def broken(self, state: int) -> tuple[int, ...]:
        return self.unpack(state).broken

    def step_key(self, state: int, number: int) -> tuple[int, ...]:
        now = self.unpack(state)
        touched = self.touches.of(now.threads[number])
        return number, self._keys.of((now.threads[number], [now.cells[slot] for slot in sorted(touched.reads)]))

    # --- states that agree

    def agreeing(self, slots: Iterable[int]) -> Callable[[int], int]:
        return lambda state: state

    def at_places(self, states: Iterable[int], places: Sequence[set[int]]) -> Iterator[int]:
        for state in states:
            here = zip(self.places(state, range(len(places))), places, strict=True)
            if not self.is_over(state) and any(place in wanted for place, wanted in here):
                yield state

    def first_of_each(self, states: Iterable[int], classes: Mapping[int, Mapping[int, int]]) -> Iterator[int]:
        seen = set()
        for state in states:
            kinds = [
                self.step_key(state, number) if of_thread.get(place) == WHOLE else of_thread.get(place, 0)
                for (number, of_thread), place in zip(classes.items(), self.places(state, classes), strict=True)
            ]
            if (found := tuple(kinds)) not in seen:
                seen.add(found)
                yield state

    def replaced(self, state: int, places: Mapping[int, int], cells: Mapping[int, Any]) -> int:
        now = self.unpack(state)
        threads = [self._places[n].values[places[n]] if n in places else thread for n, thread in enumerate(now.threads)]
        values = [cells.get(slot, value) for slot, value in enumerate(now.cells)]
        return self._number(State(tuple(values), tuple(threads), now.broken))

    def place_of(self, number: int, thread: Thread) -> int:
        return self._places[number].of(thread)

    # --- threads, each by itself

    def local_states(self, number: int) -> list[Thread | None]:
        return [None if one is None or one.pc == ENDED else one for one in self._places[number].values]

    def first_places(self) -> list[set[int]]:
        found = [{place} for place in self.places(self.initial, range(self.thread_count))]
        for steps in self._steps.values():
            for before, after, _ in steps:
                for number in range(len(before.threads), len(after.threads)):
                    found[number].add(self.place_of(number, after.threads[number]))
        return found

    def local_steps(self, number: int, place: int, slot: int | None = None) -> Iterator[tuple[int, bool, Any]]:
        for before, after, to in self._steps.get((number, place), ()):
            value, now = (None, None) if slot is None else (before.cells[slot], after.cells[slot])
            yield to, key(value) != key(now), value

    def moves_within(self, state: int, places: Sequence[set[int]]) -> Iterator[tuple[int, int]]:
        for transition, after in self.following(state):
            number = transition.thread
            if transition != TIME_PASSES:
                before, then = (self.places(one, [number])[0] for one in (state, after))
                if before in places[number] and then in places[number]:
                    yield number, after


def visited(space: PlainSpace, most: int) -> LinkedSpace | None:
    """All states, breadth first, as a search has them; None where there are more than `most`."""
    found = LinkedSpace()
    found.parents[space.initial] = None
    waiting = [space.initial]
    for state in waiting:
        try:
            after = space.following(state)
        except Stopped:
            return None
        if len(waiting) > most:
            return None
        if not after:
            found.terminal.append(state)
        for _, one in after:
            if one not in found.parents:
                found.parents[one] = state
                waiting.append(one)
    return found
