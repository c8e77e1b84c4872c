"""What instrumented code calls before it accesses what threads may share: attributes, variables, items, values."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from scenrun.own_code.hooking.accounting import (
    DEEPEST,
    IMMUTABLE,
    MOST,
    PASSIVE,
    gives_iterator,
    has_own_operators,
    is_accounted_attribute,
    is_container,
    is_logger,
    is_operated_by_hooks,
    is_simple,
    note,
    reached,
)
from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running import control
from scenrun.own_code.running.steps import Part

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
    "**": operator.pow, "<<": operator.lshift, ">>": operator.rshift, "|": operator.or_, "&": operator.and_, "^": operator.xor,
    "@": operator.matmul, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "in": lambda item, of: item in of, "not in": lambda item, of: item not in of,
    "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv, "//=": operator.ifloordiv,
    "%=": operator.imod, "**=": operator.ipow, "<<=": operator.ilshift, ">>=": operator.irshift, "|=": operator.ior,
    "^=": operator.ixor, "&=": operator.iand, "@=": operator.imatmul,
}  # fmt: skip
UPDATING = frozenset(("+=", "-=", "*=", "|=", "&=", "^="))
"""The operators that change a container in place."""
TOLD_ONLY = frozenset((
    "__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__annotate__", "__annotate_func__", "__wrapped__",
    "__type_params__", "__firstlineno__", "__static_attributes__",
))  # fmt: skip
"""Attributes with names of Python's own on which nothing depends but what is told."""
_written_on_classes: set[str] = set()
"""Names of attributes that were written on a class: a read from an instance may find them there."""


def note_written_on_classes(names: Iterable[str]) -> None:
    """Look for attributes of these names on classes as well."""
    _written_on_classes.update(names)


def announce(parts: Sequence[Part], site: int) -> None:
    """Announce accesses that are made together."""
    if control.watched is not None:
        control.watched.access(parts, site)


def access(owner: Any, name: str, writes: bool, site: int) -> None:
    """Announce an access."""
    announce([(owner, name, writes)], site)


def touch(value: Any, writes: bool, site: int, key: Any = None) -> None:
    """Announce an access to a container, if it is one (see `touched`)."""
    announce(touched(value, writes, site, key), site)


def touched(value: Any, writes: bool, site: int, key: Any = None) -> list[Part]:
    """An access to a container, if a value is one; `key` is that of the item, where it is one item's.

    Of a view or an iterator it is one to the container that it goes through, and to itself.
    """
    if control.watched is None or is_simple(value):
        return []
    if not is_container(value):
        found = reached(value)
        if any(type(one) is GeneratorType and control.watched.is_shared(one) for one in found):
            note("a generator that several threads go on with", site)
        return [(one, "[]", not is_container(one)) for one in found]
    owner = control.watched.identities.owner_of(value)
    if owner is not None and type(key) is str:  # an item of an object's `__dict__` is an attribute
        return [(owner, key, writes)]
    if owner is not None:
        note(f"the __dict__ of {type(owner).__qualname__} as a whole", site)
    if type(value) is dict and "__builtins__" in value:
        note(f"the variables of the module {value.get('__name__')} as a dictionary", site)
    return [(value, "[]", writes)]


# --- attributes and variables


def get(owner: Any, name: str, site: int) -> Any:
    """About to read an attribute."""
    execution = control.watched
    if execution is None:
        if name == "__dict__" and control.current is not None:
            control.current.identities.note_dict(owner)
        return owner
    cls = type(owner)
    if name == "__dict__" and issubclass(cls, (type, ModuleType)):
        note(f"the __dict__ of {owner.__name__}", site)
    if issubclass(cls, ModuleType):
        announce([(_variables(getattr(owner, "__file__", "") or owner.__name__), name, False)], site)
        return owner
    parts: list[Part] = [(owner, name, False)]
    if name == "__dict__":
        execution.identities.note_dict(owner)
    if name in _written_on_classes:
        if cls is super:
            note(f"{name} of a class by super()", site)
        bases: tuple[type, ...] = owner.__mro__[1:] + cls.__mro__ if issubclass(cls, type) else cls.__mro__
        parts += [(base, name, False) for base in bases if base is not object]
    announce(parts, site)
    if not is_accounted_attribute(owner, name):
        note(f"the attribute {name} of {cls.__module__}.{cls.__qualname__}", site)
    return owner


def set_(owner: Any, name: str, site: int) -> Any:
    """About to write or delete an attribute."""
    if control.current is None:
        if issubclass(type(owner), type):
            _written_on_classes.add(name)
        return owner
    if is_logger(owner):
        note("an attribute of a logger is set", site)
    if (
        name.startswith("__")
        and name.endswith("__")
        and name not in TOLD_ONLY
        and SITES[site].file != functools.__file__
    ):
        control.current.unaccounted.setdefault(f"{name} is set", site)  # also by the setup
    if issubclass(type(owner), ModuleType):
        note(f"{name} of the module {owner.__name__} is written as an attribute", site)
        access(_variables(getattr(owner, "__file__", "") or owner.__name__), name, True, site)
        return owner
    if issubclass(type(owner), type) and name not in _written_on_classes:
        _written_on_classes.add(name)
        control.current.raced.add(name)  # it was not looked for on classes so far
    access(owner, name, True, site)
    if not is_accounted_attribute(owner, name):
        note(f"the attribute {name} of {type(owner).__module__}.{type(owner).__qualname__}", site)
    return owner


class Update:
    """One statement that reads what it then writes, `o.x += 1`: what was read, before the other operand is evaluated."""

    __slots__ = ("_before", "_key", "_owner", "_site", "_store")

    def __init__(
        self, owner: Any, key: Any, before: Any, store: Callable[[Any, Any, Any, int], None], site: int
    ) -> None:
        self._owner, self._key, self._before, self._store, self._site = owner, key, before, store, site

    def by(self, what: str, value: Any) -> None:
        """Make it, with the operator and the other operand."""
        self._store(self._owner, self._key, update(what, self._before, value, self._site), self._site)


def field(owner: Any, name: str, site: int) -> Update:
    """An attribute that one statement reads and writes."""
    return Update(owner, name, getattr(get(owner, name, site), name), _store_attribute, site)


def _store_attribute(owner: Any, name: str, value: Any, site: int) -> None:
    setattr(set_(owner, name, site), name, value)


def cell(owner: Any, key: Any, site: int) -> Update:
    """An item that one statement reads and writes."""
    return Update(owner, key, item(owner, key, site), _store_item, site)


def _store_item(owner: Any, key: Any, value: Any, site: int) -> None:
    Cell(owner, key, site).value = value


def name(about: str, variable: str, site: int) -> None:
    """About to read a global or a closure's variable."""
    access(_variables(about), variable, False, site)


def stored(value: Any, about: str, variable: str, site: int) -> Any:
    """About to store a value in a global or a closure's variable."""
    access(_variables(about), variable, True, site)
    return value


_owners: dict[str, list[str]] = {}


def _variables(about: str) -> list[str]:
    """One object for the variables of a module or of the closures in it."""
    return _owners.setdefault(about, [about])


def raised(error: Any, site: int) -> Any:
    """An exception that is about to be raised, which notes there where it was raised."""
    if control.watched is not None and isinstance(error, BaseException):
        announce([(error, name, True) for name in ("__traceback__", "__context__", "__cause__")], site)
    return error


def unknown(what: str, site: int) -> None:
    """About to do something that is not announced."""
    note(what, site)


# --- items


def item(owner: Any, key: Any, site: int) -> Any:
    """`owner[key]`; of a dictionary that makes what is missing, that may be a write."""
    if control.watched is not None:
        _ask(owner, key, site)
        makes = hasattr(type(owner), "__missing__")
        if makes and isinstance(getattr(owner, "default_factory", None), FunctionType | MethodType):
            note("a default factory of your own", site)
        touch(owner, makes, site, key)
    return owner[key]


def _ask(owner: Any, key: Any, site: int) -> None:
    """Name what has items and no hooks, and a key that answers by code of its own."""
    ask_part(key, site)
    if not issubclass(type(owner), type) and not is_container(owner) and not is_operated_by_hooks(owner):
        note(f"items of {type(owner).__module__}.{type(owner).__qualname__}", site)


class Cell:
    """An item that a statement writes or deletes."""

    __slots__ = ("_key", "_owner", "_site")

    def __init__(self, owner: Any, key: Any, site: int) -> None:
        self._owner, self._key, self._site = owner, key, site

    @property
    def value(self) -> Any:
        """The item."""
        return item(self._owner, self._key, self._site)

    @value.setter
    def value(self, value: Any) -> None:
        self._announce(value)
        self._owner[self._key] = value

    @value.deleter
    def value(self) -> None:
        self._announce(None)
        del self._owner[self._key]

    def _announce(self, value: Any) -> None:
        if control.watched is not None:
            _ask(self._owner, self._key, self._site)
            taken = touched(value, False, self._site) if isinstance(self._key, slice) else []
            announce([*taken, *touched(self._owner, True, self._site, self._key)], self._site)


# --- values


def look(value: Any, site: int) -> Any:
    """An operand whose truth or size is asked, or whose items are taken, but nothing of these items."""
    announce(looked(value, site), site)
    return value


def looked(value: Any, site: int) -> list[Part]:
    """What is touched by that."""
    if control.watched is None or is_simple(value):
        return []
    if not isinstance(value, IMMUTABLE):
        _ask_object(value, site)
    return touched(value, False, site)


def whole(value: Any, site: int) -> Any:
    """A value of which all is looked at: it is compared, made into a text, unpacked."""
    announce(all_of(value, site), site)
    return value


def all_of(value: Any, site: int) -> list[Part]:
    """What is touched by that."""
    parts: list[Part] = []
    if control.watched is not None and not is_simple(value):
        _look_deep(value, site, DEEPEST, set(), parts)
    return parts


def taken(value: Any, site: int) -> Any:
    """A value whose items are all taken, by code in C."""
    look(value, site)
    ask_iteration(value, site)
    return value


def ask_iteration(value: Any, site: int) -> None:
    """Name an object that C code goes through by an iterator of the object's own giving: nobody knows of what it is one."""
    if control.watched is not None and not isinstance(value, IMMUTABLE) and gives_iterator(type(value)):
        note(f"iteration of {type(value).__module__}.{type(value).__qualname__}", site)


def _look_deep(value: Any, site: int, depth: int, seen: set[int], parts: list[Part]) -> None:
    parts += touched(value, False, site)
    if is_container(value):
        items: Iterable[Any] = [*value, *value.values()] if isinstance(value, dict) else list(value)
    elif isinstance(value, tuple | frozenset):
        items = value
    else:
        _ask_object(value, site)
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if not depth or len(seen) > MOST:
        note("a container with very many others in it", site)
        return
    for item in items:
        if not is_simple(item):
            ask_part(item, site)
            _look_deep(item, site, depth - 1, seen, parts)


def ask_part(part: Any, site: int) -> None:
    """Name an item that code in C asks in the midst of going through a container, and that answers by code of its own."""
    if has_own_operators(part):
        note(f"operators of {type(part).__qualname__} in a container", site)


def _ask_object(value: Any, site: int) -> None:
    """Name an object whose operators are not hooked code, or that a dataclass has made."""
    if isinstance(value, PASSIVE) or is_container(value) or reached(value):
        return
    cls = type(value)
    if cls is BuiltinFunctionType and not is_container(value.__self__):
        return
    made = getattr(cls, "__dataclass_params__", None)
    if not is_operated_by_hooks(value) or (made is not None and not made.frozen):
        note(f"what is asked of {cls.__module__}.{cls.__qualname__}", site)


def operate(what: str, left: Any, right: Any, site: int) -> Any:
    """`left + right` and the like."""
    if control.watched is not None:
        if what in ("in", "not in"):
            if issubclass(type(right), dict):  # of a dictionary, keys alone are asked
                touch(right, False, site)
                for key in (left, *dict.keys(right)):
                    ask_part(key, site)
            else:
                whole(right, site)
                if is_container(right):
                    ask_part(left, site)
        elif not (is_simple(left) and is_simple(right)):
            announce([*all_of(left, site), *all_of(right, site)], site)
    return OPERATORS[what](left, right)


def update(what: str, before: Any, value: Any, site: int) -> Any:
    """The value of a variable after `+=` and the like."""
    if control.watched is not None and not (is_simple(before) and is_simple(value)):
        changed = touched(before, True, site) if what in UPDATING else []
        announce([*all_of(before, site), *all_of(value, site), *changed], site)
    return OPERATORS[what](before, value)
