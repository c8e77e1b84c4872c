"""Whether threads may go round for ever without any time, beside which time passes in no schedule of the clock's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scenrun.model.clock import ZeroTimeCycles
from scenrun.model.machine import Machine, Transition
from scenrun.model.own_instructions import NonTerminatingStep
from scenrun.model.state import State, Thread
from scenrun.program.control_flow import comes_back
from scenrun.program.ir import Instruction
from scenrun.program.values import key
from scenrun.search.counterexample.timekeeper import LASTING, Timekeeper
from scenrun.search.space.state_space import Stopped

MOST_STATES = 400
"""The most states that are looked at for loops in which no time passes."""


def may_go_round(machine: Machine, transitions: Sequence[Transition]) -> bool:
    """Whether threads may move for ever without any time, as time passes beside such threads in virtual time.

    Where that would take too many states to tell, they may.
    """
    keeper = Timekeeper.forgetful(machine)
    states = [keeper.initial()]
    for transition in transitions:
        after = keeper.step(states[-1], transition)
        if after is None:
            return True
        states.append(after)
    known = {key(state): state for state in states}
    moved: dict[Any, list[tuple[int, Any]]] = {}

    def moves(place: Any) -> list[tuple[int, Any]]:
        if place not in moved:
            if len(moved) == MOST_STATES:
                raise Stopped("states")
            moved[place] = []
            for number, after in _at_once(keeper, known[place]):
                known.setdefault(found := key(after), after)
                moved[place].append((number, found))
        return moved[place]

    cycles = ZeroTimeCycles(moves, lambda: None)
    try:
        return any(cycles.at(key(state)) for state in states if _is_in_loop(keeper, state))
    except (Stopped, NonTerminatingStep):
        return True


def _at_once(machine: Timekeeper, state: State) -> Iterator[tuple[int, State]]:
    """The steps of a state after which nobody sleeps and for which no time has passed, each with the state after it."""
    for number, thread in enumerate(() if machine.is_over(state) else state.threads):
        for transition, after in machine.following_of(state, number):  # what is recorded is of this transition
            if not machine.lasted.get(thread.who.name) and not _waits(machine, thread, transition):
                yield number, after


def _waits(machine: Machine, thread: Thread, transition: Transition) -> bool:
    """Whether a step is a time-out, for which time has passed."""
    operation = machine.operation_of(thread)
    if not transition.expires or operation is None or operation.timeout_at is None:
        return False
    return int(thread.arguments[operation.timeout_at]) > 0


def _is_in_loop(machine: Machine, state: State) -> bool:
    codes = machine.program.codes
    return any(thread.pc >= 0 and comes_back(codes[thread.code], thread.pc, _lasts) for thread in state.threads)


def _lasts(i: Instruction) -> bool:
    """Whether an instruction is a sleep, or work, that must take time."""
    return i.op in LASTING and i.arguments[0].isdigit() and int(i.arguments[0]) > 0
