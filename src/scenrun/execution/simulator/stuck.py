"""Detects deadlocked threads of a simulation while others still run, and describes what a thread waits for."""

from __future__ import annotations

from typing import Any

from scenrun.execution.simulator.objects import Pool
from scenrun.execution.simulator.operations import places
from scenrun.execution.simulator.simulation import Simulation
from scenrun.execution.simulator.threads import SimulatedThread
from scenrun.program.control_flow import ANYTHING, Footprints
from scenrun.program.findings import Stuck
from scenrun.program.primitives.registry import operation, several

_JOINS = ("thread.join", "task.join", "timer.join", "spawned.join")


def describe(thread: SimulatedThread) -> Stuck:
    """Describes what a thread is doing, for a finding."""
    site = thread.site
    line, step = (site.line, site.instruction.step) if site is not None else (None, None)
    if not thread.parked:
        return Stuck(thread.name, "running", line=line, step=step)
    since = round(thread.since_ns / 1e9, 6)
    if thread.phase is None:
        return Stuck(thread.name, "sleeping", "sleep", None, since, (), line, step)
    if is_queued(thread):
        return Stuck(thread.name, "blocked", "pool.worker", thread.beside.label)
    assert thread.action is not None
    if thread.action.op == "timer.begin":
        return Stuck(thread.name, "waiting", "timer", thread.name, since)
    made = waited_for(thread)
    state = "blocked" if thread.deadline is None else "waiting"
    label, holders = made.label, tuple(made.held_by())
    if thread.action.operation.is_of_several:
        holders = tuple(one.label for one in thread.objects[::2] if not one.ended)
        label = several(thread.arguments[0])
    return Stuck(thread.name, state, operation_of(thread), label, since, holders, line, step)


def waited_for(thread: SimulatedThread) -> Any:
    """Returns the object at which a thread waits."""
    assert thread.phase is not None
    return places(thread.phase, thread.objects)[0]


def operation_of(thread: SimulatedThread) -> str:
    """Returns the operation in which a thread waits, by its name in the log; `acquire` if it takes a condition's lock again."""
    assert thread.action is not None
    assert thread.phase is not None
    if thread.phase.waits_at and thread.phase.waits_at[0]:
        return f"{waited_for(thread).kind.name}.acquire"
    return "thread.join" if thread.action.op in _JOINS else thread.action.op


def is_queued(thread: SimulatedThread) -> bool:
    """Whether the thread is a task that waits for a worker."""
    return thread.phase is not None and thread.action is not None and thread.action.op in ("task.begin", "future.begin")


def is_cancelled(thread: SimulatedThread) -> bool:
    """Whether the thread is a task that was cancelled, and whose worker has not come to it."""
    answer = thread.kind.answers.get("cancelled") if is_queued(thread) else None
    return answer is not None and bool(answer(thread.value, thread.beside.value))


def is_blocked(thread: SimulatedThread) -> bool:
    """Whether the thread waits at an object without a deadline, so that only other threads can free it."""
    return thread.phase is not None and thread.deadline is None and not thread.coming


class Search:
    """Finds the greatest set of blocked threads that no thread outside it can free (see `threads/deadlock_detector.py`)."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._footprints = Footprints(simulation.program)

    def found(self) -> list[SimulatedThread]:
        """Returns the threads that can never move again; none if they are all daemons."""
        live = [thread for thread in self._simulation.threads if not thread.ended]
        stuck = [thread for thread in live if is_blocked(thread)]
        while stuck:
            inside = set(stuck)
            effects = 0
            for thread in live:
                if thread not in inside:
                    effects |= self._left(thread)
            if effects & ANYTHING:
                return []
            kept = [thread for thread in stuck if not self._can_be_freed(thread, effects, inside)]
            if len(kept) == len(stuck):
                break
            stuck = kept
        return [] if all(thread.daemon for thread in stuck) else stuck

    def _left(self, thread: SimulatedThread) -> int:
        site = thread.site
        return self._footprints.left(thread.code, site.pc if site is not None and site.code == thread.code else 0)

    def _can_be_freed(self, thread: SimulatedThread, effects: int, inside: set[SimulatedThread]) -> bool:
        if is_queued(thread):
            pool: Pool = thread.beside
            held = [task for task in pool.unfinished() if task in inside and not is_queued(task)]
            return bool(effects & self._footprints.bit(-1, "cancel")) or len(held) < pool.max_workers
        op, made = operation_of(thread), waited_for(thread)
        if op in ("thread.join", "future.result"):
            return made not in inside
        if op in ("future.wait", "future.next"):
            return any(one not in inside and not one.ended for one in thread.objects[::2])
        if op == "pool.shutdown":
            return not any(task in inside for task in made.unfinished())
        known = operation(op)
        assert known is not None
        return any(effects & self._footprints.bit(made.cell, freer) for freer in known.freed_by)
