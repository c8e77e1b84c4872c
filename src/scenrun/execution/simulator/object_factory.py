"""Makes the simulated objects of a program, each in its initial state, and the threads that are made while it runs."""

from __future__ import annotations

from typing import Any

from scenrun.execution.simulator.fast_paths import Condition, Event, Queue
from scenrun.execution.simulator.objects import Lock, Pool, Thing, Waitable, class_of
from scenrun.execution.simulator.threads import SimulatedThread, ThreadIdentity
from scenrun.program.ir import Cell, Program
from scenrun.program.primitives.registry import KINDS

_BASES: dict[str, type[Thing]] = {
    "lock": Lock, "rlock": Lock, "semaphore": Lock, "bounded_semaphore": Lock, "event": Event, "condition": Condition,
    "barrier": Waitable, "acting_barrier": Waitable,
    "queue": Queue, "simple_queue": Queue, "pool": Pool, "variable": Thing, "section": Thing,
    "calls": Thing, "clock": Thing, "own_future": Waitable,
    "thread": SimulatedThread, "task": SimulatedThread, "timer": SimulatedThread, "made_timer": SimulatedThread,
    "spawned": SimulatedThread,
    "future": SimulatedThread,
}  # fmt: skip
_CLASSES = {kind: class_of(base, kind) for kind, base in _BASES.items()}


class ObjectFactory:
    """Makes the objects of one simulation; `seed` is that of its threads' draws."""

    def __init__(self, program: Program, seed: int) -> None:
        self._program = program
        self._seed = seed

    def objects(self) -> list[Any]:
        """Returns the objects by cell, those of an array as a list."""
        objects: list[Any] = [None] * len(self._program.cells)
        self._objects = objects
        for cell in sorted(self._program.cells, key=lambda cell: cell.kind == "task"):
            if cell.count is None:
                objects[cell.number] = self._make(cell, 0)
            else:
                objects[cell.number] = [self._make(cell, index) for index in range(cell.count)]
        return objects

    def _make(self, cell: Cell, index: int) -> Any:
        if cell.kind in ("thread", "task"):
            group = self._program.group_of_cell(cell.number)
            pool = None if group.pool is None else self._objects[group.pool]
            identity = ThreadIdentity(group.member(index), group.name, index, group.daemon, group.endless)
            return self.thread(identity, group.code, cell.kind, cell.number, pool)
        label = cell.label(index)
        if cell.kind == "timer":
            return self.thread(ThreadIdentity(label, cell.name, index), 0, "timer", cell.number)
        return _CLASSES[cell.kind](label, cell.number, KINDS[cell.kind].initial(cell.options))

    def thread(
        self, identity: ThreadIdentity, code: int, kind: str, cell: int = -1, pool: Any = None
    ) -> SimulatedThread:
        """Returns a new thread, task or timer that has not started."""
        value = KINDS[kind].initial({})
        made: SimulatedThread = _CLASSES[kind](identity, code, self._seed, cell, value, pool=pool)
        return made
