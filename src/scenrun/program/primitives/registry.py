"""What each kind of shared object can do: one file a kind, and here the register of them all."""

from collections.abc import Sequence
from typing import Any

from scenrun.program.primitives.barrier import ACTING_BARRIER, BARRIER
from scenrun.program.primitives.calls import CALLS
from scenrun.program.primitives.clock import CLOCK
from scenrun.program.primitives.condition import CONDITION
from scenrun.program.primitives.event import EVENT
from scenrun.program.primitives.future import FUTURE, POOL, TASK
from scenrun.program.primitives.kinds import Kind, Operation
from scenrun.program.primitives.lock import LOCK
from scenrun.program.primitives.own_future import OWN_FUTURE
from scenrun.program.primitives.queue import QUEUE, SIMPLE_QUEUE
from scenrun.program.primitives.rlock import RLOCK
from scenrun.program.primitives.section import SECTION
from scenrun.program.primitives.semaphore import BOUNDED_SEMAPHORE, SEMAPHORE
from scenrun.program.primitives.thread import MADE_TIMER, SPAWNED, THREAD, TIMER
from scenrun.program.primitives.variable import VARIABLE

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        LOCK, RLOCK, SEMAPHORE, BOUNDED_SEMAPHORE, CONDITION, EVENT, BARRIER, ACTING_BARRIER, QUEUE, SIMPLE_QUEUE,
        POOL, FUTURE, OWN_FUTURE, THREAD, TASK, TIMER, MADE_TIMER, SPAWNED, VARIABLE, SECTION, CALLS, CLOCK,
    )
}  # fmt: skip
"""Every kind of object by its name."""


def operation(op: str) -> Operation | None:
    """The operation that an instruction such as `lock.acquire` does, or None for one that is the thread's own."""
    kind, _, name = op.partition(".")
    return KINDS[kind].operation(name) if kind in KINDS else None


_NO_OPERATION = {
    "sleep": ("sleeps", "sleeps"),
    "pool.worker": ("waits for a worker of {object}", "waits for a worker of {object}, and none will be free"),
}
"""Waits that are no operation of an object, in words; and where no thread will ever end them."""


def waiting(op: str, label: str, *, in_vain: bool = False) -> str:
    """A wait in an operation such as `queue.get` of an object, in words; in_vain: where no thread will ever end it."""
    known = operation(op)
    words, vainly = (known.waiting, known.in_vain) if known is not None else _NO_OPERATION.get(op, ("", ""))
    words = (vainly or words) if in_vain else words
    return words.replace("{object}", label) if words else f"waits in {op} of {label}"


def several(futures: Sequence[Any]) -> str:
    """The futures that a thread waits for, in words: `pool#0, pool#1`, at most four of them by name."""
    names = [str(future) for future in futures[:4]]
    return ", ".join(names) + (f" and {len(futures) - 4} more" if len(futures) > 4 else "")


def told_kind(kind: str) -> str:
    """The name of a kind as people know it: a barrier with an action is a barrier."""
    known = KINDS.get(kind)
    return known.noun if known is not None and kind in (ACTING_BARRIER.name, OWN_FUTURE.name) else kind


def told(op: str) -> str:
    """The name of an operation as people know it: a wait at a barrier with an action is a wait at a barrier."""
    kind, _, name = op.partition(".")
    if kind == OWN_FUTURE.name:
        return f"{OWN_FUTURE.noun}.{name}"
    if kind != ACTING_BARRIER.name:
        return op
    return f"{ACTING_BARRIER.noun}.{'wait' if name in ('come', 'leave') else name}"


def is_for_threads(op: str) -> bool:
    """Whether a wait in an operation is for threads: that they end, or that a worker of a pool is free."""
    known = operation(op)
    return op == "pool.worker" or (known is not None and "end" in known.freed_by)


def is_attribute(question: str) -> bool:
    """Whether a question such as `barrier.broken` is an attribute of Python's object, asked without a call."""
    kind, _, name = question.partition(".")
    return kind in KINDS and name in KINDS[kind].attributes


__all__ = [
    "KINDS",
    "Kind",
    "Operation",
    "is_attribute",
    "is_for_threads",
    "operation",
    "several",
    "told",
    "told_kind",
    "waiting",
]
