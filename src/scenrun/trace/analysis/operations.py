"""Tables of the events that announce and finish each operation, taken from the registry of primitives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scenrun.program.primitives.kinds import Kind, Operation
from scenrun.program.primitives.registry import KINDS


def _operations() -> Iterator[tuple[str, Kind, Operation]]:
    for kind in KINDS.values():
        noun = kind.noun or kind.name
        for operation in kind.operations:
            yield f"{noun}.{operation.name}", kind, operation


def _first(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The mapping of the pairs; where kinds share an event, the plainer kind, which comes first, names the operation."""
    return dict(reversed(list(pairs)))


ABOUT = _first((o.about, op) for op, _, o in _operations() if o.about)
"""The events that announce an operation, such as `queue.getting`, each with the operation's name, `queue.get`."""
DONE = _first((o.done, op) for op, _, o in _operations() if o.done and o.about)
"""The events that finish an announced operation, each with the operation's name."""
WAITS: frozenset[str] = frozenset(op for op, _, o in _operations() if o.freed_by)
"""The operations that may wait."""
AWAITS: dict[str, str] = {op: o.awaits for op, _, o in _operations() if o.awaits}
"""What a wait in an operation is for, before the object's name."""
FALSE_IF_LATE: frozenset[str] = frozenset(op for op, _, o in _operations() if o.false_if_late)
"""The operations whose result is False where the time was up."""
FOR_THREADS: frozenset[str] = frozenset(op for op, _, o in _operations() if "end" in o.freed_by)
"""The operations that wait until threads or tasks have ended."""
FREED: frozenset[str] = frozenset(o.done for _, _, o in _operations() if o.freed_by and o.done)
"""The events that finish an operation that may wait."""


def _freeing() -> Iterator[str]:
    for kind in KINDS.values():
        for name in {name for operation in kind.operations for name in operation.freed_by}:
            operation = kind.operation(name)
            yield (
                "thread.ended"
                if operation is None
                else str(operation.done if operation.waits_first else operation.about)
            )


FREEING: frozenset[str] = frozenset((*_freeing(), "queue.putting"))
"""The events that may let a thread go on: an operation's announcement, as its effect may be seen before its last line.

Of one that may wait itself before it has any effect it is the last line; of a put it is both, since on real threads the line
of a get may come before that of its put.
"""
