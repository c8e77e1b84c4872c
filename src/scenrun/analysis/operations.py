"""Which events belong together: what announces an operation, what tells that it is done, and what lets whom go on."""

from __future__ import annotations

from collections.abc import Iterator

from scenrun.primitives import KINDS, Kind, Operation


def _operations() -> Iterator[tuple[str, Kind, Operation]]:
    for kind in KINDS.values():
        noun = kind.noun or kind.name
        for operation in kind.operations:
            yield f"{noun}.{operation.name}", kind, operation


ABOUT: dict[str, str] = {o.about: op for op, _, o in _operations() if o.about}
"""The events that announce an operation, such as `queue.getting`, each with the operation's name, `queue.get`."""
DONE: dict[str, str] = {o.done: op for op, _, o in _operations() if o.done and o.about}
"""The events that tell that an operation is done which was announced."""
WAITS: frozenset[str] = frozenset(op for op, _, o in _operations() if o.freed_by)
"""The operations that may wait."""


def _freeing() -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {}
    for op, kind, operation in _operations():
        names = [kind.operation(name) for name in operation.freed_by]
        out[op] = tuple(e for o in names if o is not None for e in (o.done, o.about) if e is not None)
    return out


FREED_BY: dict[str, tuple[str, ...]] = _freeing()
"""The events, on the same object, that may have let a thread go on which waits in an operation."""
FREEING: frozenset[str] = frozenset(event for events in FREED_BY.values() for event in events)
"""All events that may let somebody go on."""
FOR_THREADS: frozenset[str] = frozenset(op for op, _, o in _operations() if "end" in o.freed_by)
"""The operations that wait until threads or tasks have ended."""
