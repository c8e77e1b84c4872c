"""How time passes where the clock's order is kept: up to the next moment at which somebody's time is up.

Steps take no time: it passes only when nobody can move, save threads in a loop, which may last any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenrun.machine.state import ENDED, State, Thread

if TYPE_CHECKING:
    from scenrun.machine.machine import Machine


def later(machine: Machine, state: State) -> State | None:
    """The state in which the next one's time is up; None where somebody's already is, or nobody waits for it."""
    left = []
    for number, thread in enumerate(state.threads):
        if thread.pc == ENDED:
            continue
        if machine.can_move(state, number):
            if not _lingers(machine, thread):
                return None
        elif thread.remaining is not None:
            left.append(thread.remaining)
    passing = min(left, default=0)
    if passing == 0:
        return None
    return state._replace(threads=tuple([_aged(machine, thread, passing) for thread in state.threads]))


def _lingers(machine: Machine, thread: Thread) -> bool:
    """Whether a thread that can move is in a loop, which may last."""
    node = machine.node_of(thread)
    return node is not None and node.is_in_loop


def _aged(machine: Machine, thread: Thread, passing: int) -> Thread:
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
