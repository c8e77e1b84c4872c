"""What instrumented code calls before it accesses what threads may share."""

from __future__ import annotations

import builtins
import operator
from collections import deque
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, ModuleType, WrapperDescriptorType
from typing import Any

from scenrun.own_code import control

CONTAINERS = (list, dict, set, deque, bytearray)
"""Built-in types of which each object is one cell."""
READING = frozenset((
    "get", "keys", "values", "items", "copy", "index", "count", "isdisjoint", "issubset", "issuperset", "union",
    "intersection", "difference", "symmetric_difference", "__contains__", "__len__", "__getitem__", "__iter__",
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__repr__", "__reversed__", "__or__",
    "__and__", "__sub__", "__xor__", "__add__", "__mul__", "__sizeof__", "__format__", "__str__",
))  # fmt: skip
"""Methods that change no container."""
ASKING = frozenset(
    ("len", "sorted", "sum", "min", "max", "any", "all", "iter", "repr", "str", "list", "tuple", "set", "frozenset", "dict",
     "bool", "reversed", "enumerate", "zip", "map", "filter")
)  # fmt: skip
"""Built-in functions that look into the containers that they are given."""
_UPDATES: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv, "//=": operator.ifloordiv,
    "%=": operator.imod, "**=": operator.ipow, "<<=": operator.ilshift, ">>=": operator.irshift, "|=": operator.ior,
    "^=": operator.ixor, "&=": operator.iand, "@=": operator.imatmul,
}  # fmt: skip
_written_on_classes: set[str] = set()
"""Names of attributes that were written on a class: a read from an instance may find them there."""


def access(owner: Any, name: str, writes: bool, site: int) -> None:
    """Announce an access."""
    if control.current is not None:
        control.current.access(owner, name, writes, site)


def is_container(value: Any) -> bool:
    """Whether a value is a built-in container. Its own `__class__`, which a proxy may define, is not asked."""
    return issubclass(type(value), CONTAINERS)


def touch(value: Any, writes: bool, site: int, key: Any = None) -> None:
    """Announce an access to a container, if it is one; `key` is that of the item, where it is one item's."""
    if control.current is None or not is_container(value):
        return
    owner = control.current.identities.owner_of(value)
    if owner is not None and type(key) is str:  # an item of an object's `__dict__` is an attribute
        access(owner, key, writes, site)
    else:
        access(value, "[]", writes, site)


# --- attributes and variables


def get(owner: Any, name: str, site: int) -> Any:
    """About to read an attribute."""
    if control.current is not None:
        access(owner, name, False, site)
        if name == "__dict__":
            control.current.identities.note_dict(owner)
        if name in _written_on_classes:
            for base in owner.__mro__[1:] if issubclass(type(owner), type) else type(owner).__mro__:
                if name in base.__dict__:
                    access(base, name, False, site)
                    break
    return owner


def set_(owner: Any, name: str, site: int) -> Any:
    """About to write or delete an attribute."""
    if issubclass(type(owner), type):
        _written_on_classes.add(name)
    access(owner, name, True, site)
    return owner


class Field:
    """An attribute that one statement reads and writes."""

    __slots__ = ("_name", "_owner", "_site")

    def __init__(self, owner: Any, name: str, site: int) -> None:
        self._owner, self._name, self._site = owner, name, site

    @property
    def value(self) -> Any:
        """The attribute."""
        return getattr(get(self._owner, self._name, self._site), self._name)

    @value.setter
    def value(self, value: Any) -> None:
        setattr(set_(self._owner, self._name, self._site), self._name, value)


def name(about: str, variable: str, site: int) -> None:
    """About to read a global or a closure's variable."""
    access(_variables(about), variable, False, site)


def stored(value: Any, about: str, variable: str, site: int) -> Any:
    """About to store a value in a global or a closure's variable."""
    access(_variables(about), variable, True, site)
    return value


def update(what: str, before: Any, value: Any) -> Any:
    """The value of a variable after `+=` and the like."""
    return _UPDATES[what](before, value)


_owners: dict[str, list[str]] = {}


def _variables(about: str) -> list[str]:
    """One object for the variables of a module or of the closures in it."""
    return _owners.setdefault(about, [about])


# --- items


def item(owner: Any, key: Any, site: int) -> Any:
    """`owner[key]`; of a dictionary that makes what is missing, that may be a write."""
    touch(owner, hasattr(type(owner), "__missing__"), site, key)
    return owner[key]


class Cell:
    """An item that a statement writes, deletes, or reads and writes."""

    __slots__ = ("_key", "_owner", "_site")

    def __init__(self, owner: Any, key: Any, site: int) -> None:
        self._owner, self._key, self._site = owner, key, site

    @property
    def value(self) -> Any:
        """The item."""
        return item(self._owner, self._key, self._site)

    @value.setter
    def value(self, value: Any) -> None:
        touch(self._owner, True, self._site, self._key)
        self._owner[self._key] = value

    @value.deleter
    def value(self) -> None:
        touch(self._owner, True, self._site, self._key)
        del self._owner[self._key]


def look(value: Any, site: int) -> Any:
    """An operand whose truth, size or items are asked."""
    touch(value, False, site)
    return value


def each(value: Any, site: int) -> Any:
    """What a loop goes through: each turn looks at the container."""
    if control.current is not None and is_container(value):
        return _turns(value, iter(value), site)
    return value


def _turns(owner: Any, turns: Iterator[Any], site: int) -> Iterator[Any]:
    while True:
        touch(owner, False, site)
        try:
            found = next(turns)
        except StopIteration:
            return
        yield found


# --- calls


def method(owner: Any, called: str, site: int) -> Any:
    """`owner.called`, about to be called."""
    if control.current is None:
        return getattr(owner, called)
    if not is_container(owner):
        get(owner, called, site)
    return function(getattr(owner, called), site)


def function(called: Any, site: int) -> Any:
    """What is about to be called; a built-in one that looks into containers or attributes announces that."""
    if control.current is None:
        return called
    if isinstance(called, BuiltinFunctionType | MethodWrapperType):
        return _bound(called, site)
    if isinstance(called, MethodDescriptorType) and issubclass(called.__objclass__, CONTAINERS):
        return _announcing(called, called.__name__ not in READING, site)
    if isinstance(called, WrapperDescriptorType) and called.__name__ in (
        "__setattr__",
        "__delattr__",
        "__getattribute__",
    ):
        return _by_name(called, called.__name__ != "__getattribute__", site)
    if isinstance(called, type) and called.__module__ == "builtins" and called.__name__ in ASKING:
        return _announcing(called, False, site)
    return called


def _bound(called: Any, site: int) -> Any:
    owner, called_name = called.__self__, called.__name__
    if is_container(owner):
        return _of_container(called, owner, called_name not in READING, site)
    if owner is builtins:
        if called_name in ("getattr", "hasattr", "setattr", "delattr"):
            return _by_name(called, called_name in ("setattr", "delattr"), site)
        return _announcing(called, False, site) if called_name in ASKING else _next(called, called_name, site)
    if isinstance(owner, ModuleType):  # heapq.heappush, bisect.insort ..: it may change what it is given
        return _announcing(called, True, site)
    if called_name in ("__setattr__", "__delattr__", "__getattribute__"):
        return _of_attribute(called, owner, called_name != "__getattribute__", site)
    return called


def _of_attribute(called: Any, owner: Any, writes: bool, site: int) -> Any:
    def call(attribute: str, *more: Any) -> Any:
        access(owner, attribute, writes, site)
        return called(attribute, *more)

    return call


def _of_container(called: Any, owner: Any, writes: bool, site: int) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        touch(owner, writes, site, arguments[0] if arguments else None)
        return called(*arguments, **named)

    return call


def _announcing(called: Any, writes: bool, site: int) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        for one in arguments:
            touch(one, writes, site)
        return called(*arguments, **named)

    return call


def _by_name(called: Any, writes: bool, site: int) -> Any:
    def call(owner: Any, attribute: str, *more: Any) -> Any:
        (set_ if writes else get)(owner, attribute, site)
        return called(owner, attribute, *more)

    return call


def _next(called: Any, called_name: str, site: int) -> Any:
    if called_name != "next":
        return called

    def call(turns: Any, *more: Any) -> Any:
        if type(turns).__module__ in ("builtins", "itertools", "_collections") and not hasattr(turns, "gi_frame"):
            access(turns, "[]", True, site)
        return called(turns, *more)

    return call


HOOKS: dict[str, Any] = {
    "_scenrun_get_": get, "_scenrun_set_": set_, "_scenrun_field_": Field, "_scenrun_name_": name,
    "_scenrun_stored_": stored, "_scenrun_update_": update, "_scenrun_item_": item, "_scenrun_cell_": Cell,
    "_scenrun_slice_": slice, "_scenrun_look_": look, "_scenrun_each_": each, "_scenrun_method_": method,
    "_scenrun_function_": function,
}  # fmt: skip
"""The hooks by the names that instrumented code calls them by."""
