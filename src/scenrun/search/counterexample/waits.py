"""What the threads of a state wait for, and which threads that depends on."""

from __future__ import annotations

from scenrun.model.machine import Machine
from scenrun.model.state import BEGINNING, LEAVING, State, Thread
from scenrun.program.findings import Stuck
from scenrun.program.primitives.barrier import ACTING
from scenrun.program.primitives.future import is_over
from scenrun.program.primitives.registry import several
from scenrun.program.primitives.thread import TIMERS
from scenrun.search.properties.lock_holders import Holders


def where_at(machine: Machine, state: State, number: int, holders: Holders) -> Stuck:
    """The step that a thread is at, and what it waits for, at the end of a path that `holders` has followed."""
    thread = state.threads[number]
    can_move = next(machine.following_of(state, number), None) is not None
    where = machine.instruction_of(thread)
    line, step = (where.line or None, where.step) if where is not None else (None, None)
    if can_move or thread.pc == LEAVING:
        is_pending = thread.pc == BEGINNING and thread.who.kind in TIMERS
        return Stuck(thread.who.name, "sleeping" if is_pending else "running", line=line, step=step)
    operation = machine.operation_of(thread)
    if thread.pc == BEGINNING or where is None or operation is None:
        slot = thread.slots[-1]
        at_work = tuple(state.threads[n].who.name for n in state.cells[slot][1])
        return Stuck(thread.who.name, "blocked", "pool.worker", machine.slots.label(slot), None, at_work, line, step)
    if operation.is_of_several:
        left = (slot for slot in thread.slots[::2] if not is_over(state.cells[slot]))
        holders_of = tuple(state.threads[state.cells[slot][1]].who.name for slot in left)
        return Stuck(thread.who.name, "blocked", where.op, several(thread.arguments[0]), None, holders_of, line, step)
    slot = thread.slots[operation.phases[thread.phase].waits_at[0]]
    op = where.op
    if operation.phases[thread.phase].waits_at[0]:
        op = f"{machine.slots.kinds[slot]}.acquire"
    if op == "acting_barrier.leave" and state.cells[slot][0] == ACTING:
        op = "acting_barrier.come"  # all have come: it is the action that it waits for
    label = machine.slots.label(slot) or _held_name(state, thread)
    op = "thread.join" if op.endswith(".join") and not op.startswith("queue") else op
    return Stuck(thread.who.name, "blocked", op, label, None, _held_by(machine, state, op, slot, holders), line, step)


def is_cancelled_timer(state: State, thread: Thread) -> bool:
    """Whether a thread is a timer that was cancelled before it began: its only remaining step is its end."""
    return thread.pc == BEGINNING and thread.who.kind in TIMERS and state.cells[thread.who.slots[0]][2]


def _held_by(machine: Machine, state: State, op: str, slot: int, holders: Holders) -> tuple[str, ...]:
    """The threads for which a thread waits: those that hold the lock, or that must end."""
    kind = machine.slots.kinds[slot] if slot < len(machine.slots.kinds) else ""
    if kind in ("lock", "rlock"):
        return tuple(holders.held_by(slot))
    if op == "pool.shutdown":
        line, running, *_ = state.cells[slot]
        return tuple(state.threads[number].who.name for number in (*running, *line))
    if op == "future.result":
        return (state.threads[state.cells[slot][1]].who.name,)
    return ()


def _held_name(state: State, thread: Thread) -> str:
    """The name of a thread or future made at run time, whose handle is the operation's first argument; or empty."""
    return str(thread.arguments[0]) if thread.arguments else ""
