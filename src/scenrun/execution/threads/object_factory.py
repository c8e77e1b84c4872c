"""Makes the objects of a program out of the standard library's locks, events, queues, pools and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

from scenrun.execution.expectation_checks import InvariantMonitor
from scenrun.execution.threads.calls import RealCalls
from scenrun.execution.threads.futures import RealOwnFuture
from scenrun.execution.threads.locks import RealLock, RealRLock, RealSemaphore
from scenrun.execution.threads.pools import RealPool, RealTask
from scenrun.execution.threads.queues import RealQueue, RealSimpleQueue
from scenrun.execution.threads.threads import Host, RealThread, RealTimer
from scenrun.execution.threads.variables import GuardedVariable, RealClock, RealSection, Variable
from scenrun.execution.threads.waiting import RealActingBarrier, RealBarrier, RealCondition, RealEvent
from scenrun.program.ir import Cell, Program


class ObjectFactory:
    """Makes the objects of one run, the `host` of its threads; `hidden` is held while variables that `watch` checks change."""

    def __init__(self, program: Program, host: Host, hidden: threading.Lock, watch: InvariantMonitor) -> None:
        self._program = program
        self._host = host
        self._hidden = hidden
        self._watch = watch
        self._instructions = [instruction for code in program.codes for instruction in code.instructions]

    def objects(self) -> list[Any]:
        """Returns the objects by cell, those of an array as a list."""
        objects: list[Any] = [None] * len(self._program.cells)
        self._objects = objects
        late = ("condition", "thread", "task", "timer")
        for cell in sorted(self._program.cells, key=lambda cell: cell.kind in late):
            if cell.count is None:
                objects[cell.number] = self._make(cell, 0)
            else:
                objects[cell.number] = [self._make(cell, index) for index in range(cell.count)]
        return objects

    def _make(self, cell: Cell, index: int) -> Any:
        label, number, options = cell.label(index), cell.number, cell.options
        simple: dict[str, Callable[[], Any]] = {
            "lock": lambda: RealLock(label, number, options),
            "rlock": lambda: RealRLock(label, number, options),
            "semaphore": lambda: RealSemaphore(label, number, options),
            "bounded_semaphore": lambda: RealSemaphore(label, number, options, bounded=True),
            "event": lambda: RealEvent(label, number, options),
            "barrier": lambda: RealBarrier(label, number, options),
            "acting_barrier": lambda: RealActingBarrier(label, number, options),
            "queue": lambda: RealQueue(label, number, options),
            "simple_queue": lambda: RealSimpleQueue(label, number),
            "pool": lambda: RealPool(label, number, options, self._host),
            "variable": lambda: self._variable(cell),
            "section": lambda: RealSection(label, number, self._hidden, self._watch.check_of(number)),
            "calls": lambda: RealCalls(label, number, options, self._hidden, self._watch.check_of(number)),
            "clock": lambda: RealClock(label, number, lambda: self._host.began_ns),
            "condition": lambda: RealCondition(label, number, self._lock_of(cell, index)),
            "own_future": lambda: RealOwnFuture(label, number),
            "timer": lambda: self._timer(cell, index),
            "thread": lambda: self._thread(cell, index),
            "task": lambda: self._thread(cell, index),
        }
        return simple[cell.kind]()

    def _variable(self, cell: Cell) -> Variable:
        initial = cell.options["initial"]
        if cell.number in self._shared_cells:
            return GuardedVariable(cell.name, cell.number, initial, self._hidden, self._watch.check_of(cell.number))
        return Variable(cell.name, cell.number, initial)

    @cached_property
    def _shared_cells(self) -> frozenset[int]:
        """The cells that an `always` names or an `atomic` step uses."""
        named = set(self._watch.cells)
        for instruction in self._instructions:
            if instruction.option("atomic") and instruction.target is not None:
                named.add(instruction.target.cell)
        return frozenset(named)

    def guarded_cells(self) -> frozenset[int]:
        """Variables that are never read or written directly: those under the hidden lock, and those that are changed in part."""
        partly = ("append", "extend", "pop", "remove", "assign")
        return self._shared_cells | {
            i.target.cell
            for i in self._instructions
            if i.target is not None and i.op.partition(".")[0] == "variable" and i.op.partition(".")[2] in partly
        }

    def _lock_of(self, cell: Cell, index: int) -> RealLock | RealRLock:
        lock = self._objects[self._program.lock_of[cell.number]]
        found: RealLock | RealRLock = lock[index] if isinstance(lock, list) else lock
        return found

    def _thread(self, cell: Cell, index: int) -> RealThread | RealTask:
        group = self._program.group_of_cell(cell.number)
        pool = self._objects[group.pool] if group.pool is not None else None
        context = self._host.new_context(
            group.member(index), group.name, index, group.code, daemon=group.daemon, endless=group.endless, pool=pool
        )
        if pool is not None:
            return RealTask(context.name, cell.number, context, pool)
        return RealThread(context.name, cell.number, context, self._host)

    def _timer(self, cell: Cell, index: int) -> RealTimer:
        label = cell.label(index)
        code = next(
            (i.code for i in self._instructions if i.op == "timer.start" and i.target and i.target.cell == cell.number),
            0,
        )
        context = self._host.new_context(label, cell.name, index, code or 0)
        return RealTimer(label, cell.number, context, self._host)
