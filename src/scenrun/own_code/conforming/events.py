"""What threads of the code were seen to do, in terms of the model: calls on shared objects, and what they came to."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from scenrun.program.values import key

_SINGLE = (type(None), bool, int, float, str)
DEEPEST = 16
"""How deep containers are compared."""


class _Anything:
    """Stands for a value that is not compared."""

    def __repr__(self) -> str:
        return "anything"


ANYTHING = _Anything()


class Call(NamedTuple):
    """A thread calls an operation of a shared object."""

    thread: str
    object: str
    """Its name in the scenario."""
    operation: str
    arguments: tuple[tuple[str, Hashable], ...] = ()
    """Those that are compared."""


class Came(NamedTuple):
    """What a call came to."""

    result: Hashable = ANYTHING
    error: str | None = None
    """The type of the exception that it raised, without its module."""

    def allows(self, other: Came) -> bool:
        """Whether another one may be the same."""
        return self.error == other.error and same(self.result, other.result)


class Began(NamedTuple):
    """A call begins."""

    call: Call


class Returned(NamedTuple):
    """A call has returned, or raised an exception."""

    thread: str
    came: Came


Event = Began | Returned


class End(NamedTuple):
    """How the threads of an execution ended."""

    faults: tuple[tuple[str, str | None], ...]
    """Those that have ended, each with the type of the exception that ended it."""
    waiting: tuple[str, ...] = ()
    """Those that can never go on."""
    values: tuple[tuple[str, Hashable], ...] = ()
    """What is left in the variables that are compared, where all have ended."""


def plain(value: Any, depth: int = DEEPEST) -> Hashable:
    """A value as it is compared, of code or of the model: `ANYTHING` where the model has no values of its type.

    A tuple is the list that a model has in its place, and a mapping has no order.
    """
    if type(value) in _SINGLE:
        return key(value)  # type: ignore[no-any-return]
    if depth and isinstance(value, list | tuple | deque):
        return _whole(list, [plain(one, depth - 1) for one in list(value)])
    if depth and isinstance(value, Mapping):
        pairs = [_whole(tuple, [plain(name, 0), plain(one, depth - 1)]) for name, one in dict(value).items()]
        return _whole(dict, sorted(pairs, key=repr))
    return ANYTHING


def _whole(kind: type, parts: list[Hashable]) -> Hashable:
    return ANYTHING if any(one is ANYTHING for one in parts) else (kind, *parts)


def same(one: Hashable, other: Hashable) -> bool:
    """Whether two values agree, as far as they are compared."""
    return one is ANYTHING or other is ANYTHING or one == other


def short_name(error: str) -> str:
    """The type of an exception without its module: `Empty` for `queue.Empty`."""
    return error.rpartition(".")[2]
