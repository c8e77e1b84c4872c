"""Packed states, each a single Python int, and the tables of transitions memoised by the footprint of the step.

The value of each cell and each thread's local state are interned to small numbers; all of them together are the bits of
one int. For each thread a table maps the bits of its own field and of its next step's footprint to the XORs that the
enabled transitions make. A known transition costs a shift, a mask, one look-up and an XOR, for every kind of primitive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from scenrun.model.clock import ZeroTimeCycles, aged, could_pass
from scenrun.model.machine import TIME_PASSES, Machine, Transition
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.findings import kind_of_fault
from scenrun.search.space.layout import Layout, LocalState, Relayout, ThreadField, roster
from scenrun.search.space.state_space import WHOLE, Overflow, StateSpace, Violation

ALARM_EVERY = 32
"""Calls of `compute` between two checks of the limits."""


class Packed(Layout, StateSpace):
    """A machine over packed states. A call that raises Overflow has laid the fields out anew; what was computed is kept."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.initial = 0
        self.violations = []
        self.died_holding = {}
        self.walked_into: list[tuple[str, str, tuple[Transition, ...]]] = []
        """Violations that random walks came to: the kind, what it is about, and the transitions up to it."""
        self._rlocks = [slot for slot, kind in enumerate(machine.slots.kinds) if kind == "rlock"]
        self.rehearsed = 0
        """The steps of random walks that were asked for, so far."""
        self.computed = 0
        self.alarm: Callable[[], None] | None = None
        self.alarm_every = ALARM_EVERY
        """Calls of `compute` between two calls of `alarm`."""
        self._calls = 0
        self._later: dict[int, int] = {}
        self.rounds: ZeroTimeCycles[int] = ZeroTimeCycles(self._moves, self._look)
        """Where time is virtual: the threads that would move for ever without time passing."""
        self.initial_state = machine.initial()
        self.has_daemons = machine.program.has_daemons
        self.begin_anew()

    def begin_anew(self) -> int:
        """The initial state, packed in the present layout."""
        while True:
            try:
                self.initial = self.pack(self.initial_state)
            except Overflow:
                continue
            return self.initial

    def forget(self) -> None:
        """Drop all known transitions and violations; the fields keep their widths."""
        for thread_field in self.thread_fields:
            for local_state in filter(None, thread_field.local_states):
                local_state.known.clear()
                local_state.transitions.clear()
        self.violations.clear()
        self._forget_time()

    def _relay_tables(self, how: Relayout) -> None:
        moved = [one._replace(state=how.of(one.state), touched=how.of_mask(one.touched)) for one in self.violations]
        self.violations[:] = moved
        self.initial = how.of(self.initial)
        self._forget_time()

    def _forget_time(self) -> None:
        self._later.clear()
        self.rounds.known.clear()

    # --- transitions

    def changes_of(self, state: int, thread_field: ThreadField) -> tuple[int, ...]:
        """The XORs of a thread's enabled transitions."""
        local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
        if local_state is None:
            return ()
        changes = local_state.known.get(state & local_state.mask)
        return self.compute(state, thread_field, local_state) if changes is None else changes

    def compute(self, state: int, thread_field: ThreadField, local_state: LocalState) -> tuple[int, ...]:
        """Compute the transitions of a thread, once for all states that agree in the footprint of its next step."""
        self._calls += 1
        if self.alarm is not None and not self._calls % self.alarm_every:
            self.alarm()
        before = self.unpack(state)
        touched = local_state.mask | thread_field.mask << thread_field.shift
        changes, transitions, noticed = [], [], len(self.violations)
        for transition, after in self.machine.following_of(before, thread_field.number):
            changes.append(self._change(before, after, state))
            transitions.append(transition)
            self._notice(before, after, state, transition, touched)
            self.computed += 1
        try:
            self.check_widths()
        except Overflow:  # these transitions are computed again
            del self.violations[noticed:]
            raise
        found = local_state.known[state & local_state.mask] = tuple(changes)
        local_state.transitions[state & local_state.mask] = tuple(transitions)
        return found

    def _notice(self, before: State, after: State, state: int, transition: Transition, touched: int) -> None:
        """Record the violations of a transition: a broken `always`, or a fault that leaves its thread; and rlocks still held."""
        for number in set(after.broken) - set(before.broken):
            about = self.machine.program.expectations.always[number].text
            self.violations.append(Violation("violated", about, state, transition, touched))
        thread = after.threads[transition.thread]
        if thread.pc == ENDED:
            for slot in self._rlocks:
                if after.cells[slot][0] == transition.thread:
                    self.died_holding[thread.who.name, self.machine.slots.label(slot)] = None
        if thread.pc == ENDED and thread.fault is not None and thread.who.kind not in ("task", "future"):
            kind = kind_of_fault(thread.fault.type)
            self.violations.append(Violation(kind, thread.who.name, state, transition, touched))

    def _change(self, before: State, after: State, state: int) -> int:
        """The XOR that turns a packed state into its successor."""
        self._enough(after)
        change = 0
        if roster(before) != (now := roster(after)):
            change |= state & self.live_threads.mask ^ self._placed(self.live_threads, now)
        if before.broken != after.broken:
            change |= state & self.broken_field.mask ^ self._placed(self.broken_field, after.broken)
        for at, value in enumerate(after.cells):
            # Identity suffices: a value that is equal but not identical gets the same number, and its XOR is 0.
            if at >= len(before.cells) or value is not before.cells[at]:
                change |= state & self.cell_fields[at].mask ^ self._placed(self.cell_fields[at], value)
        for at, thread in enumerate(after.threads):
            if at >= len(before.threads) or thread is not before.threads[at]:
                change |= state & self.thread_fields[at].field.mask ^ self._thread(at, thread)
        return change

    def _transitions_of(self, state: int, thread_field: ThreadField) -> tuple[Transition, ...]:
        """The transitions that make the XORs of `changes_of`, in the same order."""
        local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
        if local_state is None:
            return ()
        self.changes_of(state, thread_field)
        return local_state.transitions[state & local_state.mask]

    def following(self, state: int) -> list[tuple[Transition, int]]:
        """Every enabled transition of a state, in the order of the threads, with the state that it leads to."""
        if self.is_over(state):
            return []
        out: list[tuple[Transition, int]] = []
        for thread_field in self.thread_fields:
            changes = self.changes_of(state, thread_field)
            if changes:
                out += zip(
                    self._transitions_of(state, thread_field), [state ^ change for change in changes], strict=True
                )
        if self.machine.timed and (later := self.later(state)):
            out.append((TIME_PASSES, state ^ later))
        return out

    def following_of(self, state: int, thread: int) -> list[tuple[Transition, int]]:
        """The enabled transitions of one thread, each with the state that it leads to."""
        thread_field = self.thread_fields[thread]
        changes = self.changes_of(state, thread_field)
        return list(zip(self._transitions_of(state, thread_field), [state ^ change for change in changes], strict=True))

    def moves(self, state: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """The enabled threads, each with the states that its steps lead to; none where the program is over."""
        if self.has_daemons and self.is_over(state):
            return ()
        out = []
        for thread_field in self.thread_fields:
            changes = self.changes_of(state, thread_field)
            if changes:
                out.append((thread_field.number, _applied(state, changes)))
        return tuple(out)

    def successors(self, state: int) -> tuple[int, ...]:
        """The states that the enabled threads' steps lead to, in the order of the threads."""
        if self.has_daemons and self.is_over(state):
            return ()
        return tuple([state ^ change for one in self.thread_fields for change in self.changes_of(state, one)])

    def afters_of(self, state: int, thread: int) -> tuple[int, ...]:
        """The states that one thread's steps lead to; none where the program is over."""
        if self.has_daemons and self.is_over(state):
            return ()
        # `changes_of` is inlined: DPOR asks for each step of each order that it tries.
        thread_field = self.thread_fields[thread]
        local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
        if local_state is None:
            return ()
        changes = local_state.known.get(state & local_state.mask)
        return _applied(state, self.compute(state, thread_field, local_state) if changes is None else changes)

    def after_time(self, state: int) -> int | None:
        """The state after time has passed, where time is virtual; None where time cannot pass."""
        return state ^ change if self.machine.timed and (change := self.later(state)) else None

    def later(self, state: int) -> int:
        """The XOR that lets time pass, where time is virtual; 0 where time cannot pass."""
        found = self._later.get(state)
        if found is None:
            found = self._later[state] = self.later_from(state)
        return found

    def later_from(self, state: int) -> int:
        """The same as `later`, computed anew and not remembered."""
        if self.is_over(state):
            return 0
        before = self.unpack(state)
        passing, over = could_pass(self.machine, before)
        if not passing or (over and not over <= self.rounds.at(state)):
            return 0
        change = self._change(before, aged(self.machine, before, passing), state)
        self.check_widths()
        return change

    def _moves(self, state: int) -> Iterator[tuple[int, int]]:
        """The enabled steps of a state, each as its thread's number and the successor."""
        if self.is_over(state):
            return
        for thread_field in self.thread_fields:
            for change in self.changes_of(state, thread_field):
                yield thread_field.number, state ^ change

    def _look(self) -> None:
        if self.alarm is not None:
            self.alarm()

    def is_over(self, state: int) -> bool:
        """Whether main and every other non-daemon thread have ended, though daemons may be enabled; False without daemons."""
        if not self.has_daemons:
            return False
        for thread_field in self.thread_fields:
            local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
            if local_state is not None and not local_state.thread.who.daemon:
                return False
        return True

    # --- many states at once, and the threads each by itself

    def step_key(self, state: int, number: int) -> tuple[int, ...]:
        """A thread's number, its local state's, and the bits that its next step depends on."""
        thread_field = self.thread_fields[number]
        place = state >> thread_field.shift & thread_field.mask
        local_state = thread_field.local_states[place]
        return number, place, state & local_state.mask if local_state is not None else 0

    def at_places(self, states: Iterable[int], places: Sequence[set[int]]) -> Iterator[int]:
        """Those of some states in which some thread is at one of its places; not where the program is over."""
        threads = [(one.shift, one.mask, here) for one, here in zip(self.thread_fields, places, strict=True) if here]
        for state in states:
            if self.has_daemons and self.is_over(state):
                continue
            for shift, mask, here in threads:
                if state >> shift & mask in here:
                    yield state
                    break

    def first_of_each(self, states: Iterable[int], classes: Mapping[int, Mapping[int, int]]) -> Iterator[int]:
        """The first of those states in which all threads are at places of the same classes."""
        wholes: list[int] = []
        """The bits that tell a place of class WHOLE apart; its class becomes ~i, where i is their index."""
        threads = []
        for number, of_thread in classes.items():
            one, numbered = self.thread_fields[number], dict(of_thread)
            for place, kind in of_thread.items():
                if kind == WHOLE and (local_state := one.local_states[place]) is not None:
                    wholes.append(local_state.mask)
                    numbered[place] = ~(len(wholes) - 1)
            threads.append((one.shift, one.mask, numbered))
        seen: set[Any] = set()
        for state in states:
            key: Any = tuple([kinds.get(state >> shift & mask, 0) for shift, mask, kinds in threads])
            if wholes and min(key, default=0) < 0:
                key = key, tuple([state & wholes[~kind] for kind in key if kind < 0])
            if key not in seen:
                seen.add(key)
                yield state

    def local_states(self, number: int) -> list[Thread | None]:
        """A thread's local states by place; None where it does not exist yet or has ended."""
        return [None if one is None else one.thread for one in self.thread_fields[number].local_states]

    def first_places(self) -> list[set[int]]:
        """For each thread, the places at which it may begin: main's, and those that a starting step of another thread sets."""
        found = [{self.initial >> one.shift & one.mask} for one in self.thread_fields]
        for starter in self.thread_fields:
            for local_state in starter.local_states:
                if local_state is None or not local_state.touched.starts:
                    continue
                for change in {change for changes in local_state.known.values() for change in changes}:
                    for other in self.thread_fields:
                        # A thread that does not exist yet has the number 0, so the XOR is its new number.
                        if other is not starter and change >> other.shift & other.mask:
                            found[other.number].add(change >> other.shift & other.mask)
        return found

    def local_steps(self, number: int, place: int, slot: int | None = None) -> Iterator[tuple[int, bool, Any]]:
        """The steps of a thread at a place: the place after, whether it changes the cell `slot`, and the cell's value before."""
        thread_field = self.thread_fields[number]
        local_state = thread_field.local_states[place]
        cell = None if slot is None else self.cell_fields[slot]
        for bits, changes in () if local_state is None else local_state.known.items():
            value = None if cell is None else cell.at(bits)
            for change in changes:
                changed = cell is not None and change & cell.mask != 0
                yield place ^ (change >> thread_field.shift & thread_field.mask), changed, value

    def moves_within(self, state: int, places: Sequence[set[int]]) -> Iterator[tuple[int, int]]:
        """The enabled steps that lead their thread from one of its places to another."""
        for thread_field, here in zip(self.thread_fields, places, strict=True):
            place = state >> thread_field.shift & thread_field.mask
            if place not in here:
                continue
            for change in self.changes_of(state, thread_field):
                if place ^ (change >> thread_field.shift & thread_field.mask) in here:
                    yield thread_field.number, state ^ change


def _applied(state: int, changes: tuple[int, ...]) -> tuple[int, ...]:
    """The states that some XORs lead to."""
    if len(changes) == 1:  # most steps have no alternative, and a comprehension costs more than the rest
        return (state ^ changes[0],)
    return tuple([state ^ change for change in changes])
