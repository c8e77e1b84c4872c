"""Tables of the events that announce and finish each operation, taken from the registry of primitives."""

from __future__ import annotations

from collections.abc import Iterator

from scenrun.program.primitives.kinds import Kind, Operation
from scenrun.program.primitives.registry import KINDS


def _operations() -> Iterator[tuple[str, Kind, Operation]]:
    for kind in KINDS.values():
        noun = kind.noun or kind.name
        for operation in kind.operations:
            yield f"{noun}.{operation.name}", kind, operation


ABOUT: dict[str, str] = {o.about: op for op, _, o in _operations() if o.about}
"""The events that announce an operation, such as `queue.getting`, each with the operation's name, `queue.get`."""
DONE: dict[str, str] = {o.done: op for op, _, o in _operations() if o.done and o.about}
"""The events that finish an announced operation, each with the operation's name."""
WAITS: frozenset[str] = frozenset(op for op, _, o in _operations() if o.freed_by)
"""The operations that may wait."""
FOR_THREADS: frozenset[str] = frozenset(op for op, _, o in _operations() if "end" in o.freed_by)
"""The operations that wait until threads or tasks have ended."""
FREEING: frozenset[str] = frozenset(
    (
        "lock.releasing", "semaphore.releasing", "queue.putting", "queue.put", "queue.got", "queue.finishing_task",
        "condition.notifying", "condition.notifying_all", "event.setting", "barrier.waiting", "thread.ended",
    )
)  # fmt: skip
"""The events that may let a thread go on: an announcement for operations that never wait, the finish for put and get."""
