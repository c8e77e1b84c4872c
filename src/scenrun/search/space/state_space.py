"""What a search asks of the states of a program: the interface that the packed model implements.

A state is an int that only its space can read: in a packed space the bits of all its parts. A `place` is the number of
a local state of one thread. Properties, symmetry, counterexamples and strategies ask no more than this, so each is
written once for every space; only the two breadth-first searches know how states are packed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import State, Thread, Who
from scenrun.search.space.footprint import Touches

WHOLE = -1
"""In `first_of_each`: a place that is told apart by all that its next step depends on."""


class Overflow(Exception):
    """A part of a state has more values than there was room for: all states so far are invalid."""


class Stopped(Exception):
    """A limit was reached or a signal came while transitions were computed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Violation(NamedTuple):
    """A finding that a transition shows by itself: a broken `always`, or a fault that leaves its thread."""

    kind: str
    about: str
    state: int
    """The state in which the transition was computed; of several searches of one space, the first one's state."""
    transition: Transition
    touched: int
    """The bits of a state that the transition depends on: it is the same in every state that agrees in them."""

    def is_from(self, state: int) -> bool:
        """Whether this state has the transition, too."""
        return not (state ^ self.state) & self.touched


class StateSpace(Protocol):
    """The states of a program. Any call may raise Overflow; the search must then begin anew."""

    machine: Machine
    touches: Touches
    """The footprints of steps."""
    initial: int
    initial_state: State

    @property
    def thread_count(self) -> int:
        """The number of threads that exist in some state, as far as states are known."""

    has_daemons: bool
    """Whether a state may be terminal although a thread is enabled."""
    violations: list[Violation]
    """The violations of the transitions computed so far."""
    died_holding: dict[tuple[str, str], None]
    """Names of threads that ended, each with an rlock that it still held."""
    computed: int
    """The number of transitions computed."""
    alarm: Callable[[], None] | None
    """Called now and then while transitions are computed; may raise Stopped."""

    # --- the transitions of a state

    def begin_anew(self) -> int:
        """The initial state, after an Overflow; sets `initial`."""

    def is_over(self, state: int) -> bool:
        """Whether main and every other non-daemon thread have ended, though daemons may be enabled; False without daemons."""

    def following(self, state: int) -> list[tuple[Transition, int]]:
        """Every enabled transition, in the order of the threads, with the state that it leads to; the passing of time last."""

    def following_of(self, state: int, thread: int) -> list[tuple[Transition, int]]:
        """The enabled transitions of one thread, each with the state that it leads to; also where the program is over."""

    def moves(self, state: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """The enabled threads, each with the states that its steps lead to; none where the program is over."""

    def afters_of(self, state: int, thread: int) -> tuple[int, ...]:
        """The states that one thread's steps lead to; none where it is not enabled or the program is over."""

    def successors(self, state: int) -> tuple[int, ...]:
        """The states that the enabled threads' steps lead to, in the order of the threads."""

    def after_time(self, state: int) -> int | None:
        """The state after time has passed, where time is virtual; None where time cannot pass."""

    # --- the parts of a state

    def unpack(self, state: int) -> State:
        """The state itself."""

    def threads(self, state: int) -> tuple[Who, ...]:
        """The threads that exist, by number."""

    def threads_number(self, state: int) -> int:
        """A number for `threads(state)`: equal for states in which the same threads exist."""

    def thread(self, state: int, number: int) -> Thread:
        """The local state of an existing thread."""

    def places(self, state: int, numbers: Iterable[int]) -> list[int]:
        """For each of these threads, the place at which it is; 0 for one that does not exist yet."""

    def cell(self, state: int, slot: int) -> Any:
        """The value of a cell."""

    def broken(self, state: int) -> tuple[int, ...]:
        """The numbers of the `always` expectations that are broken."""

    def step_key(self, state: int, number: int) -> tuple[int, ...]:
        """A key for a thread's next step: equal for states in which it is the same step and has the same effects."""

    # --- states that agree in some parts

    @property
    def layout(self) -> int:
        """How often states have become invalid; a state is valid under its own layout only."""

    @property
    def stamp(self) -> int:
        """Changes with the layout, and whenever a state gets a part that it had not: results of `agreeing` are then invalid."""

    def agreeing(self, slots: Iterable[int]) -> Callable[[int], int]:
        """A function from states to keys, equal for two states that agree in these cells, in the broken expectations, in all
        threads and in all cells made while the program runs."""

    def at_places(self, states: Iterable[int], places: Sequence[set[int]]) -> Iterator[int]:
        """Those of some states in which some thread is at one of its places; not where the program is over."""

    def first_of_each(self, states: Iterable[int], classes: Mapping[int, Mapping[int, int]]) -> Iterator[int]:
        """The first of those states in which all threads are at places of the same classes.

        classes: for some threads, the class of each place that counts, above 0, or WHOLE.
        """

    def replaced(self, state: int, places: Mapping[int, int], cells: Mapping[int, Any]) -> int:
        """The state with some threads at other places and some cells with other values."""

    def place_of(self, number: int, thread: Thread) -> int:
        """The place of a thread that stands for this local state."""

    # --- the threads, each by itself, as far as transitions were computed

    def local_states(self, number: int) -> list[Thread | None]:
        """A thread's local states by place; None where it does not exist yet or has ended."""

    def first_places(self) -> list[set[int]]:
        """For each thread, the places at which it may begin: main's, and those that a starting step of another thread sets."""

    def local_steps(self, number: int, place: int, slot: int | None = None) -> Iterator[tuple[int, bool, Any]]:
        """The steps of a thread at a place: the place after it, whether it changes the cell `slot`, and that cell's value
        before; False and None without a slot."""

    def moves_within(self, state: int, places: Sequence[set[int]]) -> Iterator[tuple[int, int]]:
        """The enabled steps that lead their thread from one of its places to another, each as the thread's number and the
        state after it."""
