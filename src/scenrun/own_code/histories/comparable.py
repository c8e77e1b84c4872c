"""What a call has returned, as a value that can be compared with what another execution has returned.

Modules are loaded anew for each execution, so classes and objects are never the same: what counts is what somebody who uses the
object can see. Plain values are themselves, containers are their items, exceptions their types and what they say. Any other
object is a `Thing`: of its class, and the same one or another one than those before.
"""

from __future__ import annotations

import dataclasses
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple
from uuid import UUID

DEEPEST = 8
"""How deep containers are looked into."""
_SAID = (Decimal, Fraction, date, time, timedelta, PurePath, UUID, complex, range, slice)
"""Types whose objects are told apart by what they say of themselves."""
_CHANGING = re.compile(r"0x[0-9a-f]{4}|\d{6}")
"""An address, or the number of a thread or of a process."""
_VIEWS: tuple[Any, ...] = (type({}.keys()), type({}.values()), type({}.items()))


class Thing(NamedTuple):
    """An object that is not looked into."""

    of: str
    """Its class."""
    number: int
    """The same for the same object, in one history."""


class Raised(NamedTuple):
    """An exception in place of a result."""

    error: str
    """Its type."""
    said: Hashable = ()
    """What it was made with, where that is plain."""

    def __str__(self) -> str:
        return self.error


class Of(NamedTuple):
    """A value of a type whose values look like those of another type."""

    type: str
    value: Hashable


class Numbers:
    """Gives objects numbers in the order in which they are met, and keeps them, so that no other one takes the place of one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Any]] = {}

    def of(self, value: Any) -> int:
        """The number of an object."""
        return self._known.setdefault(id(value), (len(self._known), value))[0]


def comparable(value: Any, numbers: Numbers, depth: int = DEEPEST) -> Hashable:
    """A value as it can be compared. numbers: those of this history."""
    kind = type(value)
    if value is None or kind in (int, str, bytes):
        return value  # type: ignore[no-any-return]
    if kind in (bool, float, bytearray):
        return Of(kind.__name__, repr(value))
    if isinstance(value, BaseException):
        return raised(value)
    if isinstance(value, Enum):
        return Of(kind.__qualname__, value.name)
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | ModuleType):
        return Of("named", getattr(value, "__qualname__", kind.__qualname__))
    if isinstance(value, _SAID):
        return Of(kind.__qualname__, repr(value))
    items = _items(value) if depth else None
    if items is not None:
        return Of(kind.__qualname__, items(lambda one: comparable(one, numbers, depth - 1)))
    return Thing(kind.__qualname__, numbers.of(value))


def _items(value: Any) -> Callable[[Callable[[Any], Hashable]], Hashable] | None:
    """What makes a value of a container from those of its items; None for what is none."""
    if isinstance(value, list | tuple | deque | _VIEWS[1] | _VIEWS[2] | OrderedDict):
        found = list(value.items()) if isinstance(value, OrderedDict) else list(value)
        return lambda of: tuple(map(of, found))
    if isinstance(value, set | frozenset | _VIEWS[0]):
        return lambda of: frozenset(map(of, value))
    if isinstance(value, dict):
        return lambda of: frozenset((of(key), of(one)) for key, one in dict.items(value))
    if dataclasses.is_dataclass(value) and type(value).__eq__ is not object.__eq__:
        fields = [(one.name, getattr(value, one.name, None)) for one in dataclasses.fields(value) if one.compare]
        return lambda of: tuple((name, of(one)) for name, one in fields)
    if isinstance(value, int | str | bytes | float):  # of a subclass
        plain: Any = next(base for base in (int, str, bytes, float) if isinstance(value, base))
        return lambda _: plain(value)
    return None


def type_alone(value: Any) -> Of:
    """A value of which only the type is compared."""
    return Of("a result", type(value).__qualname__)


def raised(error: BaseException) -> Raised:
    """An exception as it can be compared: what it says counts if that is plain, and not another one each time."""
    said = error.args
    plain = all(type(one) in (int, bool, str, type(None)) and not _CHANGING.search(str(one)) for one in said)
    return Raised(type(error).__qualname__, tuple(said) if plain else ())


def relabelled(value: Any, labels: dict[int, int]) -> Any:
    """A value with its things numbered in the order in which they are met along an order of calls."""
    if isinstance(value, Thing):
        return Thing(value.of, labels.setdefault(value.number, len(labels)))
    if isinstance(value, Of):
        return Of(value.type, relabelled(value.value, labels))
    if type(value) is tuple:
        return tuple([relabelled(one, labels) for one in value])
    if type(value) is frozenset:
        return frozenset(relabelled(one, labels) for one in value)
    return value


def has_things(value: Any) -> bool:
    """Whether there are things in a value."""
    if isinstance(value, Thing):
        return True
    if isinstance(value, Of):
        return has_things(value.value)
    return type(value) in (tuple, frozenset) and any(map(has_things, value))


def shown(value: Any) -> str:
    """A result for people, as an expression would be written if it is one."""
    if isinstance(value, Thing):
        return f"<{value.of} {chr(ord('A') + value.number) if value.number < 26 else value.number}>"
    if isinstance(value, Raised):
        return value.error
    if isinstance(value, Of):
        return _shown_of(value)
    return repr(value)


def _shown_of(value: Of) -> str:
    items = value.value
    if value.type in ("bool", "float", "bytearray", "named") or isinstance(items, str):
        return str(items)
    if isinstance(items, frozenset):
        pairs = sorted(
            ": ".join(map(shown, one)) if type(one) is tuple and len(one) == 2 else shown(one) for one in items
        )
        inner = "{" + ", ".join(pairs) + "}"
        return inner if value.type in ("dict", "set") else f"{value.type}({inner})"
    if isinstance(items, tuple):
        inner = ", ".join(map(shown, items))
        return {"list": f"[{inner}]", "tuple": f"({inner}{',' * (len(items) == 1)})"}.get(
            value.type, f"{value.type}({inner})"
        )
    return f"{value.type}({shown(items)})"
