"""States as single numbers, and transitions remembered by what they touch: the speed of every search.

Each cell's value and each thread is interned to a small number; all of them together are the bits of one Python int. For
each thread there is a table from the bits of its own field and of all that its next step touches to the XORs which the
step makes. Whatever primitive it is, a known transition is a shift, a mask, one look-up and an XOR.
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
"""Places at which transitions are worked out between two looks at the limits."""
NARROW = 1
"""Bits of a new field."""


class Overflow(Exception):
    """A field needs more bits: the packed states that there are mean nothing any more."""


class Stopped(Exception):
    """A limit or a signal came while transitions were being worked out."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True, eq=False)
class Field:
    """One part of a state: the values that it has had, and where its number stands in a packed state."""

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
        """The number of a value."""
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
    """A thread at one place: what its next step touches, and every transition of it that is known."""

    thread: Thread
    touched: Touched
    mask: int
    known: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The bits under the mask -> the XORs of the enabled transitions."""
    choices: dict[int, tuple[Transition, ...]] = field(default_factory=dict)
    accesses: Any = None
    """What a reduced search keeps of this place."""


class Violation(NamedTuple):
    """Something that a transition shows, whatever comes after it."""

    kind: str
    about: str
    state: int
    """Where the transition was worked out: of several searches that share what is remembered, the first one's state."""
    choice: Transition
    touched: int
    """The bits of a state that the transition depends on: it is the same from every state that agrees in them."""

    def is_from(self, state: int) -> bool:
        """Whether the transition is one of this state, too."""
        return not (state ^ self.state) & self.touched


class ThreadField:
    """One thread's field, and its rows by the number in it; None where the thread is not there or has ended."""

    __slots__ = ("field", "local_states", "mask", "number", "shift")

    def __init__(self, number: int, thread_field: Field) -> None:
        self.number = number
        self.field = thread_field
        self.shift = thread_field.offset
        self.mask = (1 << thread_field.width) - 1
        self.local_states: list[LocalState | None] = []


class Packed:
    """A machine over packed states. A call that raises Overflow has laid the fields out anew: begin again."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.touches = Touches(machine)
        self.live_threads = Field()
        """The threads that there are, and how many cells."""
        self.broken = Field()
        self.cells: list[Field] = []
        self.threads: list[Field] = []
        self.thread_fields: list[ThreadField] = []
        self.violations: list[Violation] = []
        """What new transitions have shown since the fields were laid out."""
        self.died_holding: dict[tuple[str, str], None] = {}
        """Threads that ended, each with an rlock that it had not given back."""
        self._rlocks = [slot for slot, kind in enumerate(machine.slots.kinds) if kind == "rlock"]
        self.computed = 0
        """Transitions that were worked out, each once."""
        self.alarm: Callable[[], None] | None = None
        """Called now and then while transitions are worked out; may raise Stopped."""
        self.alarm_every = ALARM_EVERY
        self._calls = 0
        self._later: dict[int, int] = {}
        self.rounds: ZeroTimeCycles[int] = ZeroTimeCycles(self._moves, self._look)
        """Where the clock's order is kept: who would move for ever without time passing."""
        self.layout = 0
        """How often the fields were laid out anew: what was packed under another layout means nothing."""
        self._bits = 0
        self.initial_state = machine.initial()
        self.has_daemons = machine.program.has_daemons
        """Whether a state may be an end although somebody can move."""
        self.initial = self.packed_anew()

    # --- packing

    def packed_anew(self) -> int:
        """The first state, packed as the fields lie now."""
        while True:
            try:
                return self.pack(self.initial_state)
            except Overflow:
                continue

    def pack(self, state: State) -> int:
        """A state as a number."""
        self._enough(state)
        packed = self._placed(self.live_threads, _roster(state)) | self._placed(self.broken, state.broken)
        for cell, value in zip(self.cells, state.cells, strict=False):
            packed |= self._placed(cell, value)
        for at, thread in enumerate(state.threads):
            packed |= self._thread(at, thread)
        self.check_widths()
        return packed

    def unpack(self, packed: int) -> State:
        """The state that a number stands for."""
        whos, cells = self.live_threads.at(packed)
        return State(
            tuple([cell.at(packed) for cell in self.cells[:cells]]),
            tuple([thread.at(packed) for thread in self.threads[: len(whos)]]),
            self.broken.at(packed),
        )

    def _enough(self, state: State) -> None:
        """Have a field for everything that is in a state."""
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
            made.values.append(None)  # number 0 stands for what is not there yet
            made.codes[_Absent] = 0
        if self._bits:
            self._bits += made.width
        return made

    def _fields(self) -> Iterator[Field]:
        yield from (self.live_threads, self.broken, *self.cells, *self.threads)

    def forget(self) -> None:
        """Know no transition any more, and have noticed none; the fields stay as wide as they have become."""
        self._lay_out()

    def _lay_out(self) -> None:
        """Give every field its place; all that was remembered by place is forgotten."""
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
        """Raises Overflow where a field has become too narrow, with all of them laid out anew."""
        if not any(one.overflows for one in self._fields()):
            return
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
        """The number of a thread in its field."""
        thread_field = self.thread_fields[at]
        code = thread_field.field.number(thread)
        if code == len(thread_field.local_states):
            thread_field.local_states.append(self._row(thread))
        return code

    def _row(self, thread: Thread) -> LocalState | None:
        """What is known of a thread at one place."""
        if thread.pc == ENDED:
            return None
        touched = self.touches.of(thread)
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
        """Work out the transitions of a thread, once for all states that agree in what it touches."""
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
        """Whether a transition breaks an `always`, or a fault leaves its thread."""
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
        """What tells a state from the one after it."""
        self._enough(after)
        change = 0
        if _roster(before) != (now := _roster(after)):
            change |= state & self.live_threads.mask ^ self._placed(self.live_threads, now)
        if before.broken != after.broken:
            change |= state & self.broken.mask ^ self._placed(self.broken, after.broken)
        for at, value in enumerate(after.cells):
            if at >= len(before.cells) or value is not before.cells[at]:
                change |= state & self.cells[at].mask ^ self._placed(self.cells[at], value)
        for at, thread in enumerate(after.threads):
            if at >= len(before.threads) or thread is not before.threads[at]:
                change |= state & self.threads[at].mask ^ self._thread(at, thread)
        return change

    def choices_of(self, state: int, thread_field: ThreadField) -> tuple[Transition, ...]:
        """The choices that belong to `following_of`."""
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
        """The XOR that lets time pass, where the clock's order is kept; 0 where it cannot."""
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
        """The steps that can be taken in a state, each with its thread's number and the state after it."""
        if self.is_over(state):
            return
        for thread_field in self.thread_fields:
            for change in self.following_of(state, thread_field):
                yield thread_field.number, state ^ change

    def _look(self) -> None:
        if self.alarm is not None:
            self.alarm()

    def is_over(self, state: int) -> bool:
        """Whether main and every other thread that is no daemon have ended, although daemons may go on."""
        if not self.has_daemons:
            return False
        for thread_field in self.thread_fields:
            local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
            if local_state is not None and not local_state.thread.who.daemon:
                return False
        return True


class _Absent:
    """Stands for what is not there yet, as no value does."""


def _roster(state: State) -> tuple[Any, ...]:
    return tuple([thread.who for thread in state.threads]), len(state.cells)
