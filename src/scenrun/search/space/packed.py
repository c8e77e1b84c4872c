"""Packed states, each a single Python int, and the tables of transitions memoised by the footprint of the step.

The value of each cell and each thread's local state are interned to small numbers; all of them together are the bits of
one int. For each thread a table maps the bits of its own field and of its next step's footprint to the XORs that the
enabled transitions make. A known transition costs a shift, a mask, one look-up and an XOR, for every kind of primitive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scenrun.model.clock import ZeroTimeCycles, aged, could_pass
from scenrun.model.machine import TIME_PASSES, Machine, Transition
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.findings import kind_of_fault
from scenrun.program.values import key
from scenrun.search.space.footprint import Touched, Touches

ALARM_EVERY = 32
"""Calls of `compute` between two checks of the limits."""
NARROW = 1
"""The width of a new field, in bits."""


class Overflow(Exception):
    """A field needs more bits: all packed states so far are invalid."""


class Stopped(Exception):
    """A limit was reached or a signal came while transitions were computed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True, eq=False)
class Field:
    """One component of a state: the values interned for it, and the position of its bits in a packed state."""

    width: int = NARROW
    offset: int = 0
    values: list[Any] = field(default_factory=list)
    codes: dict[Any, int] = field(default_factory=dict)
    overflows: bool = False

    @property
    def mask(self) -> int:
        """The bits of this field."""
        return (1 << self.width) - 1 << self.offset

    def number(self, value: Any) -> int:
        """The number of a value, interned if it is new; sets `overflows` where the number is too wide."""
        stand_in = key(value)
        code = self.codes.get(stand_in)
        if code is None:
            code = self.codes[stand_in] = len(self.values)
            self.values.append(value)
            self.overflows = self.overflows or code >> self.width > 0
        return code

    def at(self, state: int) -> Any:
        """The value in a packed state."""
        return self.values[state >> self.offset & (1 << self.width) - 1]


@dataclass(slots=True, eq=False)
class LocalState:
    """A local state of a thread: the footprint of its next step, and the memoised transitions."""

    thread: Thread
    touched: Touched
    mask: int
    known: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The bits of a state under the mask -> the XORs of the enabled transitions."""
    choices: dict[int, tuple[Transition, ...]] = field(default_factory=dict)
    accesses: Any = None
    """A reduced search's `LocalAccesses` of this local state, cached here; None until computed."""


class Violation(NamedTuple):
    """A finding that a transition shows by itself: a broken `always`, or a fault that leaves its thread."""

    kind: str
    about: str
    state: int
    """The state in which the transition was computed; of several searches that share the tables, the first one's state."""
    choice: Transition
    touched: int
    """The bits of a state that the transition depends on: it is the same in every state that agrees in them."""

    def is_from(self, state: int) -> bool:
        """Whether this state has the transition, too."""
        return not (state ^ self.state) & self.touched


class ThreadField:
    """One thread's field, and its local states by their number; None where the thread does not exist yet or has ended."""

    __slots__ = ("field", "local_states", "mask", "number", "shift")

    def __init__(self, number: int, thread_field: Field) -> None:
        self.number = number
        self.field = thread_field
        self.shift = thread_field.offset
        self.mask = (1 << thread_field.width) - 1
        self.local_states: list[LocalState | None] = []


class Packed:
    """A machine over packed states. A call that raises Overflow has laid the fields out anew: the search must restart."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.touches = Touches(machine)
        self.live_threads = Field()
        """The field of the existing threads and the number of cells."""
        self.broken = Field()
        self.cells: list[Field] = []
        self.threads: list[Field] = []
        self.thread_fields: list[ThreadField] = []
        self.violations: list[Violation] = []
        """The violations of the transitions computed since the fields were laid out."""
        self.died_holding: dict[tuple[str, str], None] = {}
        """Names of threads that ended, each with an rlock that it still held."""
        self._rlocks = [slot for slot, kind in enumerate(machine.slots.kinds) if kind == "rlock"]
        self.computed = 0
        """The number of transitions computed."""
        self.alarm: Callable[[], None] | None = None
        """Called now and then while transitions are computed; may raise Stopped."""
        self.alarm_every = ALARM_EVERY
        self._calls = 0
        self._later: dict[int, int] = {}
        self.rounds: ZeroTimeCycles[int] = ZeroTimeCycles(self._moves, self._look)
        """Where time is virtual: the threads that would move for ever without time passing."""
        self.layout = 0
        """How often the fields were laid out; a packed state is valid under its own layout only."""
        self._bits = 0
        self.initial_state = machine.initial()
        self.has_daemons = machine.program.has_daemons
        """Whether a state may be terminal although a thread is enabled."""
        self.initial = self.packed_anew()

    # --- packing

    def packed_anew(self) -> int:
        """The initial state, packed in the present layout."""
        while True:
            try:
                return self.pack(self.initial_state)
            except Overflow:
                continue

    def pack(self, state: State) -> int:
        """A state as an int; raises Overflow where a field is too narrow."""
        self._enough(state)
        packed = self._placed(self.live_threads, _roster(state)) | self._placed(self.broken, state.broken)
        for cell, value in zip(self.cells, state.cells, strict=False):
            packed |= self._placed(cell, value)
        for at, thread in enumerate(state.threads):
            packed |= self._thread(at, thread)
        self.check_widths()
        return packed

    def unpack(self, packed: int) -> State:
        """The state of a packed state."""
        whos, cells = self.live_threads.at(packed)
        return State(
            tuple([cell.at(packed) for cell in self.cells[:cells]]),
            tuple([thread.at(packed) for thread in self.threads[: len(whos)]]),
            self.broken.at(packed),
        )

    def _enough(self, state: State) -> None:
        """Add a field for each cell and thread of a state that has none."""
        while len(self.cells) < len(state.cells):
            at = len(self.cells)
            self.cells.append(self._new_field(absent=at >= len(self.machine.slots.cells)))
        while len(self.threads) < len(state.threads):
            self.threads.append(self._new_field(absent=True))
            thread_field = ThreadField(len(self.threads) - 1, self.threads[-1])
            thread_field.local_states.append(None)
            self.thread_fields.append(thread_field)
        if not self._bits:
            self._lay_out()

    def _new_field(self, absent: bool) -> Field:
        made = Field(offset=self._bits)
        if absent:
            made.values.append(None)  # number 0 means that the cell or thread does not exist yet
            made.codes[_Absent] = 0
        if self._bits:
            self._bits += made.width
        return made

    def _fields(self) -> Iterator[Field]:
        yield from (self.live_threads, self.broken, *self.cells, *self.threads)

    def forget(self) -> None:
        """Drop all known transitions and violations; the fields keep their widths."""
        self._lay_out()

    def _lay_out(self) -> None:
        """Give every field its position, and clear all tables, whose keys are bits of the old layout."""
        self._bits = 0
        self.layout += 1
        for one in self._fields():
            one.offset = self._bits
            self._bits += one.width
            one.overflows = False
        self.violations.clear()
        self._later.clear()
        self.rounds.known.clear()
        for thread_field in self.thread_fields:
            thread_field.shift, thread_field.mask = thread_field.field.offset, (1 << thread_field.field.width) - 1
            thread_field.local_states = [
                None if value is None else self._row(value) for value in thread_field.field.values
            ]

    def check_widths(self) -> None:
        """Lay all fields out anew and raise Overflow, where a field has become too narrow."""
        if not any(one.overflows for one in self._fields()):
            return
        # A third in reserve, and full fields of 8 values or more widened too, as each Overflow restarts the search.
        for one in self._fields():
            if one.overflows or len(one.values) == 1 << one.width >= 8:
                one.width = (len(one.values) * 4 // 3).bit_length()
        self._lay_out()
        raise Overflow

    @staticmethod
    def _placed(one: Field, value: Any) -> int:
        return one.number(value) << one.offset

    def _thread(self, at: int, thread: Thread) -> int:
        return self.number_of(at, thread) << self.thread_fields[at].shift

    def number_of(self, at: int, thread: Thread) -> int:
        """The number of a thread's local state in its field."""
        thread_field = self.thread_fields[at]
        code = thread_field.field.number(thread)
        if code == len(thread_field.local_states):
            thread_field.local_states.append(self._row(thread))
        return code

    def _row(self, thread: Thread) -> LocalState | None:
        """A new local state with its mask; None for a thread that has ended."""
        if thread.pc == ENDED:
            return None
        touched = self.touches.of(thread)
        # Written cells are read as well, so the mask fixes their old values: one XOR fits all states that agree in it.
        mask = 0
        for slot in touched.reads:
            mask |= self.cells[slot].mask
        mask |= self.live_threads.mask if touched.starts else 0
        mask |= self.broken.mask if touched.judged else 0
        return LocalState(thread, touched, mask)

    # --- transitions

    def following_of(self, state: int, thread_field: ThreadField) -> tuple[int, ...]:
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
        changes, choices = [], []
        for choice, after in self.machine.following_of(before, thread_field.number):
            changes.append(self._change(before, after, state))
            choices.append(choice)
            self._notice(before, after, state, choice, touched)
            self.computed += 1
        self.check_widths()
        found = local_state.known[state & local_state.mask] = tuple(changes)
        local_state.choices[state & local_state.mask] = tuple(choices)
        return found

    def _notice(self, before: State, after: State, state: int, choice: Transition, touched: int) -> None:
        """Record the violations of a transition: a broken `always`, or a fault that leaves its thread; and rlocks still held."""
        for number in set(after.broken) - set(before.broken):
            about = self.machine.program.expectations.always[number].text
            self.violations.append(Violation("violated", about, state, choice, touched))
        thread = after.threads[choice.thread]
        if thread.pc == ENDED:
            for slot in self._rlocks:
                if after.cells[slot][0] == choice.thread:
                    self.died_holding[thread.who.name, self.machine.slots.label(slot)] = None
        if thread.pc == ENDED and thread.fault is not None and thread.who.kind not in ("task", "future"):
            kind = kind_of_fault(thread.fault.type)
            self.violations.append(Violation(kind, thread.who.name, state, choice, touched))

    def _change(self, before: State, after: State, state: int) -> int:
        """The XOR that turns a packed state into its successor."""
        self._enough(after)
        change = 0
        if _roster(before) != (now := _roster(after)):
            change |= state & self.live_threads.mask ^ self._placed(self.live_threads, now)
        if before.broken != after.broken:
            change |= state & self.broken.mask ^ self._placed(self.broken, after.broken)
        for at, value in enumerate(after.cells):
            # Identity suffices: a value that is equal but not identical gets the same number, and its XOR is 0.
            if at >= len(before.cells) or value is not before.cells[at]:
                change |= state & self.cells[at].mask ^ self._placed(self.cells[at], value)
        for at, thread in enumerate(after.threads):
            if at >= len(before.threads) or thread is not before.threads[at]:
                change |= state & self.threads[at].mask ^ self._thread(at, thread)
        return change

    def choices_of(self, state: int, thread_field: ThreadField) -> tuple[Transition, ...]:
        """The choices of the transitions of `following_of`, in the same order."""
        local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
        if local_state is None:
            return ()
        self.following_of(state, thread_field)
        return local_state.choices[state & local_state.mask]

    def following(self, state: int) -> list[tuple[Transition, int]]:
        """Every enabled transition of a state, in the order of the threads, with the state that it leads to."""
        if self.is_over(state):
            return []
        out: list[tuple[Transition, int]] = []
        for thread_field in self.thread_fields:
            changes = self.following_of(state, thread_field)
            if changes:
                out += zip(self.choices_of(state, thread_field), [state ^ change for change in changes], strict=True)
        if self.machine.timed and (later := self.later(state)):
            out.append((TIME_PASSES, state ^ later))
        return out

    def later(self, state: int) -> int:
        """The XOR that lets time pass, where time is virtual; 0 where time cannot pass."""
        found = self._later.get(state)
        if found is None:
            found = self._later[state] = self._worked_out_later(state)
        return found

    def _worked_out_later(self, state: int) -> int:
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
            for change in self.following_of(state, thread_field):
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


class _Absent:
    """The key of a cell or thread that does not exist yet; no value has it as its key."""


def _roster(state: State) -> tuple[Any, ...]:
    return tuple([thread.who for thread in state.threads]), len(state.cells)
