"""What a strategy sees of the program whose schedules it walks: the one interface between strategies and executions.

An execution begins at `begin()`. At each state a strategy sees which threads could move and what each one's next step
touches, and goes on to one of the states that they lead to. States are ints without a meaning of their own. A strategy
may look a state up at once, later, or again after others: executions that are states of a model know every state that
they have given out, and executions that run code make the steps to it when it is looked up. So random walks, PCT, POS,
SURW, the bounded searches and DPOR are each written once.

The shape is that of `Scheduler` in shuttle (https://docs.rs/shuttle), with the whole point in place of a list of tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from scenrun.model.machine import Transition
from scenrun.search.properties.end_states import EndState, FindingKey
from scenrun.search.reduction.may_access import Effects
from scenrun.search.strategies.known_states import KnownStates

Known = TypeVar("Known")


class Option(NamedTuple):
    """One thread at a state, and what it can do."""

    thread: int
    name: str
    afters: Sequence[int]
    """The states that its enabled steps lead to; empty where it is blocked."""
    effects: Effects
    """The footprint of its next step: what it may read and write."""
    waits: bool
    """Whether it is enabled only by its time-out."""
    never_blocks: bool = False
    """Whether its next step is enabled whatever the others do, and the program is not over before it."""


class Point(NamedTuple):
    """The threads at a state that have not ended, enabled and blocked."""

    enabled: tuple[Option, ...]
    waiting: tuple[Option, ...]


class Executions(Protocol):
    """The executions of a program. A look-up may raise Overflow: then all states are invalid, and `begin` gives new ones."""

    objects: int
    """The bits of `Effects` that stand for what threads share; the others stand for the threads themselves."""
    alarm: Callable[[], None] | None
    """Called now and then while steps are made; may raise Stopped."""

    def begin(self) -> int:
        """The state at which every execution begins. All states given before are invalid from then on."""

    def tidy(self) -> bool:
        """Called between two executions: free memory if much is in use; returns whether all states are invalid now."""

    def successors(self, state: int) -> Sequence[int]:
        """The states that the enabled threads' steps lead to, in the order of the threads."""

    def moves(self, state: int) -> Sequence[tuple[int, Sequence[int]]]:
        """The enabled threads by number, each with the states that its steps lead to."""

    def afters_of(self, state: int, thread: int) -> Sequence[int]:
        """The states that the steps of one thread lead to."""

    def known(self, look_up: Callable[[int], Known]) -> KnownStates[Known]:
        """A cache of what a look-up of these executions gives, in which schedules are walked."""
        return KnownStates(look_up)

    def point(self, state: int) -> Point:
        """All threads at a state, with what their next steps touch."""

    def end(self, state: int) -> EndState:
        """The findings and the outcome of an execution that ended at a state."""

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        """The findings that no later step undoes: broken `always` expectations, and threads left by an exception."""

    def transitions(self, states: Sequence[int]) -> list[Transition]:
        """The transitions along the states of an execution, from the first one on."""
