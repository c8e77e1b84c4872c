"""How time passes where the clock's order is kept: up to the next moment at which a thread's time is up.

Steps take no time: time passes only where no thread can move, save threads that would move for ever without it. A thread
is one of those in a state that can come back to itself, by steps alone, in a way on which that thread moves: a loop that
polls, or spins. A loop that comes to an end is none of those, nor is a thread that the others have to wait for.

Executions in which infinitely many steps are taken in no time are called Zeno in the literature on timed systems (Alur and
Dill, A Theory of Timed Automata, 1994). They are left out where time could pass, as no machine has them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from scenrun.model.codes import Ready
from scenrun.model.scc import components
from scenrun.model.state import ENDED, State, Thread

Place = TypeVar("Place", bound=Hashable)
"""A state, or what stands for it."""
LOOK_EVERY = 1_024


class TimedMachine(Protocol):
    """The machine, as far as the clock asks it."""

    codes: list[Ready]
    """The codes, made ready; each has the registers of its `deadlines`."""

    def can_step(self, state: State, number: int) -> bool:
        """Whether a thread has a step of its own in a state."""

    def node_of(self, thread: Thread) -> Any:
        """Where in the graph of its code a thread is, or None."""


class ZeroTimeCycles(Generic[Place]):
    """For each state the threads that move on some way by which it comes back to itself without time passing.

    moves: the steps that can be taken in a state, each with its thread's number and the state after it. look: called now
    and then while states are gone through; may raise.
    """

    def __init__(self, moves: Callable[[Place], Iterable[tuple[int, Place]]], look: Callable[[], None]) -> None:
        self._moves = moves
        self._look = look
        self._visited = 0
        self.known: dict[Place, frozenset[int]] = {}

    def at(self, place: Place) -> frozenset[int]:
        """The threads that go round there."""
        if place not in self.known:
            # what is known belongs to components that are complete: none of them can have a state that is not
            for component in components([place], self._unknown_after):
                moving = self._moving(component)
                self.known.update(dict.fromkeys(component, moving))
        return self.known[place]

    def _unknown_after(self, place: Place) -> list[Place]:
        self._visited += 1
        if not self._visited % LOOK_EVERY:
            self._look()
        return [after for _, after in self._moves(place) if after not in self.known]

    def _moving(self, component: list[Place]) -> frozenset[int]:
        inside = set(component)
        return frozenset(number for place in component for number, after in self._moves(place) if after in inside)


def could_pass(machine: TimedMachine, state: State) -> tuple[int, frozenset[int]]:
    """How long until the next thread's time is up, and the threads that would have to be passed over for that.

    The length is 0, in nanoseconds, where no time can pass, whoever goes round.
    """
    left, movable = [], []
    for number, thread in enumerate(state.threads):
        if thread.pc == ENDED:
            continue
        if machine.can_step(state, number):
            if not _is_in_loop(machine, thread):
                return 0, frozenset()
            movable.append(number)
        elif thread.remaining is not None:
            left.append(thread.remaining)
    return min(left, default=0), frozenset(movable)


def aged(machine: TimedMachine, state: State, passing: int) -> State:
    """The state so many nanoseconds later."""
    return state._replace(threads=tuple([_aged(machine, thread, passing) for thread in state.threads]))


def _is_in_loop(machine: TimedMachine, thread: Thread) -> bool:
    """Whether a thread can come back to where it is by its code alone: who cannot does not go round."""
    node = machine.node_of(thread)
    return node is not None and node.is_in_loop


def _aged(machine: TimedMachine, thread: Thread, passing: int) -> Thread:
    """A thread, so much later."""
    deadlines = machine.codes[thread.who.code].deadlines if thread.registers else ()
    if thread.remaining is None and not deadlines:
        return thread
    registers = list(thread.registers)
    for at in deadlines:
        if isinstance(registers[at], int):
            registers[at] = max(0, registers[at] - passing)
    left = None if thread.remaining is None else max(0, thread.remaining - passing)
    return thread._replace(registers=tuple(registers), remaining=left)
