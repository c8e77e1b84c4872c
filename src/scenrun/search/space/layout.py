"""The layout of packed states: which bits of an int stand for which part of a state, and the values interned for each part.

The scheme is collapse compression (Holzmann, State Compression in SPIN: Recursive Indexing and Compression Training Runs, SPIN
1997): a state holds the number of each component's value, and each value is kept once. Departures: the numbers are as narrow as
the values seen so far need, all of them are bits of one int, and a part that needs more bits lays all of them out anew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State, Thread, Who
from scenrun.program.values import key
from scenrun.search.space.footprint import Touched, Touches
from scenrun.search.space.state_space import Overflow

NARROW = 1
"""The width of a new field, in bits."""
WORD = 64
"""No field crosses a multiple of so many bits, so that a state is a row of machine words whose fields are whole."""


class Field(Struct, eq=False):
    """One component of a state: the values interned for it, and the position of its bits in a packed state."""

    width: int = NARROW
    offset: int = 0
    values: list[Any] = field(default_factory=list)
    codes: dict[Any, int] = field(default_factory=dict)
    overflows: bool = False
    is_cold: bool = False
    """Whether the field stands behind all that are not, in words of their own (see `Layout.separate`)."""

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


class Relayout(Struct, frozen=True):
    """How the bits of a state moved from one layout to the next."""

    moved: tuple[tuple[int, int], ...]
    """Groups of bits of the old layout, each a mask with the number of places by which they moved up."""
    widened: tuple[tuple[int, int], ...]
    """The mask of each field in the old layout, and in the new one."""

    def of(self, bits: int) -> int:
        """Bits of a state, or of an XOR, in the new layout."""
        return sum([(bits & mask) << by if by >= 0 else (bits & mask) >> -by for mask, by in self.moved])

    def of_mask(self, mask: int) -> int:
        """A mask of whole fields, in the new layout."""
        return sum([new for old, new in self.widened if mask & old])


class LocalState(Struct, eq=False):
    """A local state of a thread: the footprint of its next step, and the memoised transitions."""

    thread: Thread
    touched: Touched
    mask: int
    known: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The bits of a state under the mask -> the XORs of the enabled transitions."""
    transitions: dict[int, tuple[Transition, ...]] = field(default_factory=dict)
    accesses: Any = None
    """A reduced search's `LocalAccesses` of this local state, cached here; None until computed."""

    def relay(self, how: Relayout) -> None:
        """Move the transitions to a new layout, and drop what is computed from the old one."""
        self.mask = how.of_mask(self.mask)
        known, transitions = self.known, self.transitions
        self.known = {how.of(bits): tuple(map(how.of, changes)) for bits, changes in known.items()}
        self.transitions = {how.of(bits): them for bits, them in transitions.items()}
        self.accesses = None


class ThreadField:
    """One thread's field, and its local states by their number; None where the thread does not exist yet or has ended."""

    __slots__ = ("field", "local_states", "mask", "number", "shift")

    def __init__(self, number: int, thread_field: Field) -> None:
        self.number = number
        self.field = thread_field
        self.shift = thread_field.offset
        self.mask = (1 << thread_field.width) - 1
        self.local_states: list[LocalState | None] = []


class Layout(ABC):
    """Packs states of a machine into ints, and unpacks them. A call that raises Overflow has laid the fields out anew.

    States and XORs of an old layout are translated by `relayouts`.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.touches = Touches(machine)
        self.live_threads = Field()
        """The field of the existing threads and the number of cells."""
        self.broken_field = Field()
        self.cell_fields: list[Field] = []
        self.thread_fields: list[ThreadField] = []
        self.relayouts: list[Relayout] = []
        """How the bits moved from each layout to the next, from the first layout on."""
        self._bits = 0
        self._hot_bits = 0

    @property
    def layout(self) -> int:
        """How often the fields were laid out; a packed state is valid under its own layout only."""
        return len(self.relayouts)

    @property
    def bits(self) -> int:
        """The number of bits of a state, as far as parts of states are known."""
        return self._bits

    @property
    def hot_bits(self) -> int:
        """The number of bits before the words of the fields that seldom change."""
        return self._hot_bits or self._bits

    @property
    def stamp(self) -> int:
        """Changes with the layout, and whenever a field is added."""
        return len(self.thread_fields) + len(self.cell_fields) << 32 | len(self.relayouts)

    @property
    def thread_count(self) -> int:
        """The number of threads that exist in some state, as far as states are known."""
        return len(self.thread_fields)

    # --- packing

    @abstractmethod
    def _relay_tables(self, how: Relayout) -> None:
        """Move all whose keys are bits of the old layout to the new one."""

    def pack(self, state: State) -> int:
        """A state as an int; raises Overflow where a field is too narrow."""
        self._enough(state)
        packed = self._placed(self.live_threads, roster(state)) | self._placed(self.broken_field, state.broken)
        for cell, value in zip(self.cell_fields, state.cells, strict=False):
            packed |= self._placed(cell, value)
        for at, thread in enumerate(state.threads):
            packed |= self._thread(at, thread)
        self.check_widths()
        return packed

    def unpack(self, packed: int) -> State:
        """The state of a packed state."""
        whos, cells = self.live_threads.at(packed)
        return State(
            tuple([cell.at(packed) for cell in self.cell_fields[:cells]]),
            tuple([one.field.at(packed) for one in self.thread_fields[: len(whos)]]),
            self.broken_field.at(packed),
        )

    def _enough(self, state: State) -> None:
        """Add a field for each cell and thread of a state that has none."""
        while len(self.cell_fields) < len(state.cells):
            at = len(self.cell_fields)
            self.cell_fields.append(self._new_field(absent=at >= len(self.machine.slots.cells)))
        while len(self.thread_fields) < len(state.threads):
            like = self._widest_of(state.threads[len(self.thread_fields)].who.code)
            thread_field = ThreadField(len(self.thread_fields), self._new_field(absent=True, width=like))
            thread_field.local_states.append(None)
            self.thread_fields.append(thread_field)
        if not self._bits:
            self.lay_out()

    def _widest_of(self, code: int) -> int:
        """The width of the widest field of a thread with this code, as threads with the same code need like widths."""
        alike = (one.field.width for one in self.thread_fields if _code_of(one) == code)
        return max(alike, default=NARROW)

    def _new_field(self, absent: bool, width: int = 0) -> Field:
        made = Field(max(width, NARROW))
        if absent:
            made.values.append(None)  # number 0 means that the cell or thread does not exist yet
            made.codes[_Absent] = 0
        if self._bits:
            self._place(made)
        return made

    def _place(self, one: Field) -> None:
        """Give a field the lowest bits that are free, within one word."""
        if self._bits % WORD + one.width > WORD:
            self._bits += -self._bits % WORD
        one.offset = self._bits
        self._bits += one.width

    def _fields(self) -> Iterator[Field]:
        yield from (self.live_threads, self.broken_field, *self.cell_fields)
        for thread_field in self.thread_fields:
            yield thread_field.field

    def lay_out(self) -> None:
        """Give every field its position."""
        fields = list(self._fields())
        self._lay_out(fields, [(one.offset, one.mask if self._bits else 0) for one in fields])

    def _lay_out(self, fields: list[Field], before: list[tuple[int, int]]) -> None:
        """Give every field its position, and move all that had one; `before` has the offset and mask that each had."""
        self._bits = self._hot_bits = 0
        for one in sorted(fields, key=lambda one: one.is_cold):
            if one.is_cold and not self._hot_bits:
                self._hot_bits = self._bits
                self._bits += -self._bits % WORD
            self._place(one)
            one.overflows = False
        for thread_field in self.thread_fields:
            thread_field.shift, thread_field.mask = thread_field.field.offset, (1 << thread_field.field.width) - 1
        self._relay(fields, before)

    def _relay(self, fields: list[Field], before: list[tuple[int, int]]) -> None:
        """Note how the bits moved from the layout before, and move the tables."""
        moved: dict[int, int] = {}
        for one, (offset, mask) in zip(fields, before, strict=True):
            moved[one.offset - offset] = moved.get(one.offset - offset, 0) | mask
        widened = tuple((mask, one.mask) for one, (_, mask) in zip(fields, before, strict=True) if mask)
        how = Relayout(tuple((mask, by) for by, mask in moved.items() if mask), widened)
        self.relayouts.append(how)
        for thread_field in self.thread_fields:
            for local_state in filter(None, thread_field.local_states):
                local_state.relay(how)
        self._relay_tables(how)

    def separate(self, most: int) -> None:
        """Give the fields that seldom change words of their own, so that at most so many bits remain before them."""
        fields = list(self._fields())
        changes = [change for one in self.thread_fields for change in _changes_of(one)]
        rare = sorted(fields, key=lambda one: sum([change & one.mask != 0 for change in changes]))
        hot = sum([one.width for one in fields])
        for one in rare:
            one.is_cold = hot > most
            hot -= one.width * one.is_cold
        self._lay_out(fields, [(one.offset, one.mask) for one in fields])

    def check_widths(self) -> None:
        """Lay all fields out anew and raise Overflow, where a field has become too narrow."""
        fields = list(self._fields())
        if not any(one.overflows for one in fields):
            return
        before = [(one.offset, one.mask) for one in fields]
        # A third in reserve, and full fields of 8 values or more widened too, as an Overflow moves all states.
        for one in fields:
            if one.overflows or len(one.values) == 1 << one.width >= 8:
                one.width = (len(one.values) * 4 // 3).bit_length()
        for thread_field in self.thread_fields:
            if (code := _code_of(thread_field)) is not None:
                thread_field.field.width = self._widest_of(code)
        self._lay_out(fields, before)
        raise Overflow

    @staticmethod
    def _placed(one: Field, value: Any) -> int:
        return one.number(value) << one.offset

    def _thread(self, at: int, thread: Thread) -> int:
        return self.place_of(at, thread) << self.thread_fields[at].shift

    def place_of(self, number: int, thread: Thread) -> int:
        """The number of a thread's local state in its field."""
        thread_field = self.thread_fields[number]
        code = thread_field.field.number(thread)
        if code == len(thread_field.local_states):
            thread_field.local_states.append(self._local_state(thread))
        return code

    def _local_state(self, thread: Thread) -> LocalState | None:
        """A new local state with its mask; None for a thread that has ended."""
        if thread.pc == ENDED:
            return None
        touched = self.touches.of(thread)
        # Written cells are read as well, so the mask fixes their old values: one XOR fits all states that agree in it.
        mask = 0
        for slot in touched.reads:
            mask |= self.cell_fields[slot].mask
        mask |= self.live_threads.mask if touched.starts else 0
        mask |= self.broken_field.mask if touched.judged else 0
        return LocalState(thread, touched, mask)

    # --- the parts of a state

    def threads(self, state: int) -> tuple[Who, ...]:
        """The threads that exist, by number."""
        whos: tuple[Who, ...] = self.live_threads.at(state)[0]
        return whos

    def threads_number(self, state: int) -> int:
        """A number for `threads(state)`."""
        return state >> self.live_threads.offset & (1 << self.live_threads.width) - 1

    def thread(self, state: int, number: int) -> Thread:
        """The local state of an existing thread."""
        found: Thread = self.thread_fields[number].field.at(state)
        return found

    def places(self, state: int, numbers: Iterable[int]) -> list[int]:
        """For each of these threads, the number of its local state; 0 for one that does not exist yet."""
        fields = self.thread_fields
        return [state >> fields[number].shift & fields[number].mask for number in numbers]

    def cell(self, state: int, slot: int) -> Any:
        """The value of a cell."""
        return self.cell_fields[slot].at(state)

    def broken(self, state: int) -> tuple[int, ...]:
        """The numbers of the `always` expectations that are broken."""
        numbers: tuple[int, ...] = self.broken_field.at(state)
        return numbers

    def replaced(self, state: int, places: Mapping[int, int], cells: Mapping[int, Any]) -> int:
        """The state with some threads at other places and some cells with other values."""
        for number, place in places.items():
            thread_field = self.thread_fields[number]
            state ^= state & thread_field.field.mask ^ place << thread_field.shift
        for slot, value in cells.items():
            cell = self.cell_fields[slot]
            state ^= state & cell.mask ^ self._placed(cell, value)
        self.check_widths()
        return state

    def agreeing(self, slots: Iterable[int]) -> Callable[[int], int]:
        """A function from states to the bits under `agreeing_mask`."""
        return self.agreeing_mask(slots).__and__

    def agreeing_mask(self, slots: Iterable[int]) -> int:
        """The bits of these cells, of cells made at run time, of threads and of what is broken."""
        mask = self.live_threads.mask | self.broken_field.mask
        for thread_field in self.thread_fields:
            mask |= thread_field.field.mask
        for slot in (*slots, *range(len(self.machine.slots.cells), len(self.cell_fields))):
            mask |= self.cell_fields[slot].mask
        return mask


def _code_of(thread_field: ThreadField) -> int | None:
    """The code of the thread that is first to have this field; None before there is one."""
    values = thread_field.field.values
    return values[1].who.code if len(values) > 1 else None


def _changes_of(thread_field: ThreadField) -> set[int]:
    """The XORs of a thread's known transitions."""
    known = [one.known for one in thread_field.local_states if one is not None]
    return {change for table in known for changes in table.values() for change in changes}


class _Absent:
    """The key of a cell or thread that does not exist yet; no value has it as its key."""


def roster(state: State) -> tuple[Any, ...]:
    """The value of the field `live_threads`: the existing threads, and the number of cells."""
    return tuple([thread.who for thread in state.threads]), len(state.cells)
