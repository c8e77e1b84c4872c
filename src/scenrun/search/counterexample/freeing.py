"""Who may let a blocked thread go on: the threads that may still do what its operation waits for."""

from __future__ import annotations

from scenrun.model.machine import Machine
from scenrun.model.state import BEGINNING, ENDED, LEAVING, State, Thread
from scenrun.program.control_flow import ANYTHING, Footprints
from scenrun.program.findings import Stuck
from scenrun.program.primitives.registry import operation

MOST_NAMES = 6
"""The most threads that are named."""


class Freeing:
    """Says who may free a blocked thread, by what is ahead of the others."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._footprints = Footprints(machine.program)

    def told(self, state: State, number: int, stuck: Stuck) -> str:
        """What a blocked thread waits for, and who may free it, where that is not whoever is said to hold it."""
        names = self.names(state, number)
        if names is None or set(names) & set(stuck.held_by):
            return str(stuck)
        return f"{stuck}; {f'{_listed(names)} may free it' if names else 'nobody is left who could free it'}"

    def names(self, state: State, number: int) -> tuple[str, ...] | None:
        """The threads that may still do what a thread waits for, or start one that may; None where it waits for threads."""
        thread = state.threads[number]
        known = self._machine.operation_of(thread)
        if thread.pc < 0 or known is None or known.is_of_several or "end" in known.freed_by:
            return None
        beside = known.phases[thread.phase].waits_at[0]
        slot = thread.slots[beside]
        if slot >= len(self._machine.slots.cells):
            return None
        cell = self._machine.slots.cells[slot][0]
        wanted = ANYTHING
        for freer in _of_a_lock(cell.kind) if beside else known.freed_by:
            wanted |= self._footprints.bit(cell.number, freer)
        others = (one for n, one in enumerate(state.threads) if n != number and one.pc != ENDED)
        return tuple(one.who.name for one in others if self._left(one) & wanted)

    def _left(self, thread: Thread) -> int:
        """What a thread may still do."""
        if thread.pc == LEAVING:
            return 0
        return self._footprints.left(thread.code, 0 if thread.pc == BEGINNING else thread.pc)


def _of_a_lock(kind: str) -> tuple[str, ...]:
    """What frees a thread that waits for a condition's lock."""
    acquire = operation(f"{kind}.acquire")
    assert acquire is not None
    return acquire.freed_by


def _listed(names: tuple[str, ...]) -> str:
    shown = names if len(names) <= MOST_NAMES else (*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more")
    return " or ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else shown[0]
