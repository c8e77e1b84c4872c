"""The passage of virtual time: whether it can pass in a state, how long until the next time-out, and the state after it.

Steps take no time. Time passes only in a state in which every enabled thread is on a zero-time cycle: a cycle of steps from
the state back to itself on which that thread moves, such as a loop that polls or spins. A loop that terminates is no such
cycle, so time does not pass until its thread has left it.

Executions with infinitely many steps in zero time are called Zeno in the literature on timed systems (Alur and Dill, A Theory
of Timed Automata, 1994). They are left out where time could pass, as no machine has them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from scenrun.model.prepared_code import Ready
from scenrun.model.scc import components
from scenrun.model.slots import Slots
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.primitives.clock import seconds
from scenrun.program.primitives.kinds import Done, Outcome

Place = TypeVar("Place", bound=Hashable)
"""A state, or a hashable stand-in for it."""
LOOK_EVERY = 1_024
"""States between two calls of `look`."""


LATER_NS = (0, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 60_000_000_000)
"""How much later than the last reading of the clock the next may be, where time is free and somebody is to choose."""


class TimedMachine(Protocol):
    """The part of the machine that this module uses."""

    slots: Slots

    codes: list[Ready]
    """The prepared codes, each with the registers of its `deadlines`."""

    def can_step(self, state: State, number: int) -> bool:
        """Whether a thread is enabled in a state."""

    def node_of(self, thread: Thread) -> Any:
        """The node of the instruction that a thread is at, or None."""


class ZeroTimeCycles(Generic[Place]):
    """For each state, the threads that move on some cycle of steps through it without time passing.

    moves: the steps that are enabled in a state, each with its thread's number and the state after it. look: called now
    and then while states are visited; may raise.
    """

    def __init__(self, moves: Callable[[Place], Iterable[tuple[int, Place]]], look: Callable[[], None]) -> None:
        self._moves = moves
        self._look = look
        self._visited = 0
        self.known: dict[Place, frozenset[int]] = {}

    def at(self, place: Place) -> frozenset[int]:
        """The numbers of the threads that move on a zero-time cycle through a state."""
        if place not in self.known:
            # known states belong to complete components, so none is in a component with an unknown one
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
        # every step between two states of a component is on a cycle through each of its states
        inside = set(component)
        return frozenset(number for place in component for number, after in self._moves(place) if after in inside)


def could_pass(machine: TimedMachine, state: State) -> tuple[int, frozenset[int]]:
    """The time until the next time-out in nanoseconds, and the enabled threads, each of which must be on a zero-time cycle.

    The time is 0 where no time can pass, whatever cycles there are.
    """
    left, movable = [], []
    for number, thread in enumerate(state.threads):
        if thread.pc == ENDED:
            continue
        if machine.can_step(state, number):
            if not _is_in_loop(machine, thread):
                return 0, frozenset()
            movable.append(number)
        elif thread.remaining:  # one that is up already cannot fire yet: time does not help
            left.append(thread.remaining)
    return min(left, default=0), frozenset(movable)


def aged(machine: TimedMachine, state: State, passing: int) -> State:
    """The state after `passing` nanoseconds."""
    threads, clock, cells = (
        tuple([_aged(machine, one, passing) for one in state.threads]),
        machine.slots.clock,
        state.cells,
    )
    if clock is not None:
        cells = (*cells[:clock], cells[clock] + passing, *cells[clock + 1 :])
    return state._replace(cells=cells, threads=threads)


def reading(value: int, alternative: int, *, timed: bool) -> Outcome:
    """What reading the clock comes to: where time is free, a moment that was chosen, if it is not before the last one."""
    moment = value if timed else alternative or value
    return Done((moment,), seconds(moment)) if moment >= value else None


def _is_in_loop(machine: TimedMachine, thread: Thread) -> bool:
    """Whether a thread's instruction is on a loop of its code: a cheap condition that any zero-time cycle requires."""
    node = machine.node_of(thread)
    return node is not None and node.is_in_loop


def _aged(machine: TimedMachine, thread: Thread, passing: int) -> Thread:
    """A thread after `passing` nanoseconds."""
    deadlines = machine.codes[thread.code].deadlines if thread.registers else ()
    if thread.below is not None:
        thread = thread._replace(below=_aged(machine, thread.below, passing))
    if thread.remaining is None and not deadlines:
        return thread
    registers = list(thread.registers)
    for at in deadlines:
        if isinstance(registers[at], int):
            registers[at] = max(0, registers[at] - passing)
    left = None if thread.remaining is None else max(0, thread.remaining - passing)
    return thread._replace(registers=tuple(registers), remaining=left)
