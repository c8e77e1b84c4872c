"""What hooked code does to shared objects that no hook announces: it is named, and keeps a search from saying `holds`.

Whatever is not known to be accounted for is named: a function without hooks, a method of an object made in C, an operator of a
class that was not compiled with hooks.
"""

from __future__ import annotations

import gc
import inspect
import logging
from collections import OrderedDict, deque
from enum import EnumMeta
from importlib.util import find_spec
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GeneratorType,
    GenericAlias,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    NoneType,
    TracebackType,
    UnionType,
    WrapperDescriptorType,
)
from typing import Any

from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running import control

CONTAINERS = (list, dict, set, deque, bytearray)
"""Built-in types of which each object is one cell."""
SCALARS = (int, float, complex, str, bytes, bool, NoneType, range, type(Ellipsis), type(NotImplemented), slice)
"""Types whose objects nobody can change, and that hold no others that somebody could."""
IMMUTABLE = (*SCALARS, tuple, frozenset)
PASSIVE = (type, ModuleType, FunctionType, MethodType, GenericAlias, UnionType, TracebackType)
"""Types whose objects are the same for everybody, as long as no attribute of them is written."""
_POOLS = [find_spec(f"concurrent.futures.{name}") for name in ("thread", "_base")]
KNOWN_FILES = frozenset(str(one.origin) for one in _POOLS if one is not None)
"""Files of Python's own with state that no hook announces, but which they change only while they hold a lock (the weak table
of pools' threads), or which is of one thread (the futures that it waits for). A weak reference tells a pool's threads that the
pool is gone by an item in their queue, which is a step."""
IN_PYTHON = frozenset(("typing", "types", "abc", "collections.abc"))
"""Modules without hooks whose functions and classes have no state: what they do to an object they do by its own methods."""
DEEPEST, MOST = 8, 10_000
"""How deep containers are looked into, and at how many items."""
_DICTIONARIES: tuple[dict[int, int], ...] = ({}, OrderedDict())
_VIEWS = frozenset(type(view) for of in _DICTIONARIES for view in (of.keys(), of.values(), of.items()))
_ITERATORS = frozenset((
    type(iter([])), type(iter({})), type(iter({}.values())), type(iter({}.items())), type(iter(set())), type(iter(deque())),
    type(reversed([])), type(reversed({})), type(reversed(deque())), type(iter(())), type(iter(range(0))), type(iter("")),
    enumerate, zip, map, filter, reversed, type(iter(bytearray())), type(iter(OrderedDict())),
))  # fmt: skip
_SIMPLE = frozenset(SCALARS)
_ASKED = (
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__repr__", "__str__", "__format__", "__add__",
)  # fmt: skip
_KNOWN_DESCRIPTORS = (
    FunctionType, classmethod, staticmethod, MethodDescriptorType, WrapperDescriptorType, ClassMethodDescriptorType,
    BuiltinFunctionType, type,
)  # fmt: skip


def note(what: str, site: int) -> None:
    """Name something that is not accounted for, where a controlled thread does it."""
    execution = control.current
    one = None if execution is None else execution.here()
    if execution is not None and one is not None:
        one.acts()
        if SITES[site].file not in KNOWN_FILES:
            execution.unaccounted.setdefault(what, site)


def is_container(value: Any) -> bool:
    """Whether a value is a built-in container. Its own `__class__`, which a proxy may define, is not asked."""
    return issubclass(type(value), CONTAINERS)


def is_logger(value: Any) -> bool:
    """Whether a value is a logger of `logging`."""
    return type(value) in (logging.Logger, logging.RootLogger, logging.LoggerAdapter)


# --- what has hooks


def is_hooked(function: Any) -> bool:
    """Whether a Python function was compiled with hooks, or is a primitive of a search."""
    names = function.__globals__
    return _has_hooks(names) or str(names.get("__name__", "")).startswith("scenrun.own_code.")


def _has_hooks(names: dict[str, Any]) -> bool:
    builtins = names.get("__builtins__")
    return isinstance(builtins, dict) and "_scenrun_get_" in builtins


def is_hooked_class(cls: type) -> bool:
    """Whether a class is of code with hooks: in its module, or by one of its methods."""
    execution = control.current
    if execution is None:
        return True
    found = execution.classes.hooked.get(cls)
    if found is None:
        found = execution.classes.hooked[cls] = _find_hooks(cls)
    return found


def _find_hooks(cls: type) -> bool:
    module = type.__getattribute__(cls, "__module__")
    if str(module).startswith("scenrun.own_code."):
        return True
    return control.is_loaded(module) or any(
        isinstance(one, FunctionType) and is_hooked(one) for one in type.__getattribute__(cls, "__dict__").values()
    )


def is_operated_by_hooks(value: Any) -> bool:
    """Whether all that operators and built-in functions ask of an object is done by hooked code, or asks nothing."""
    cls = type(value)
    for base in cls.__mro__:
        if base is object or is_hooked_class(base):
            continue
        if base.__module__ in IN_PYTHON or issubclass(base, (*IMMUTABLE, BaseException)) or cls in PASSIVE:
            continue
        return False
    return True


def has_own_operators(value: Any) -> bool:
    """Whether functions in Python answer when an object is compared, hashed or made into a text."""
    cls = type(value)
    if cls in _SIMPLE or cls in PASSIVE or is_container(value) or cls in (tuple, frozenset):
        return False
    return any(isinstance(vars(base).get(name), FunctionType) for base in cls.__mro__ for name in _ASKED)


def gives_iterator(cls: type) -> bool:
    """Whether a class goes through its items by an iterator that its own `__iter__` gives, and that C code then asks."""
    found = next((vars(base)["__iter__"] for base in cls.__mro__ if "__iter__" in vars(base)), None)
    return isinstance(found, FunctionType) and not found.__code__.co_flags & inspect.CO_GENERATOR


def is_made_accounted(cls: type) -> bool:
    """Whether making an object of a class does nothing that is not announced."""
    if isinstance(cls, EnumMeta) or cls is object:
        return True
    return all(
        base is object or is_hooked_class(base) or base.__module__ in ("builtins", *IN_PYTHON)
        or (base.__module__ == "collections" and issubclass(base, CONTAINERS))
        for base in cls.__mro__
    )  # fmt: skip


def is_accounted_attribute(owner: Any, name: str) -> bool:
    """Whether reading an attribute does nothing that is not announced."""
    cls, execution = type(owner), control.current
    if execution is None or cls in PASSIVE or issubclass(cls, (type, *IMMUTABLE, *CONTAINERS, BaseException)):
        return True
    found = execution.classes.accounted_attributes.get((cls, name))
    if found is None:
        found = execution.classes.accounted_attributes[cls, name] = _is_plain(cls, name)
    return found


def _is_plain(cls: type, name: str) -> bool:
    for base in cls.__mro__:
        if base is not object and not is_hooked_class(base) and isinstance(
            vars(base).get("__getattribute__", vars(base).get("__getattr__")), FunctionType
        ):  # fmt: skip
            return False
    found = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    if isinstance(found, property):
        return found.fget is None or (isinstance(found.fget, FunctionType) and is_hooked(found.fget))
    if found is None or isinstance(found, _KNOWN_DESCRIPTORS) or not hasattr(type(found), "__get__"):
        return True
    if isinstance(found, MemberDescriptorType):
        return found.__name__ == name
    if name in ("__dict__", "__class__", "__doc__", "__weakref__"):
        return True
    return is_hooked_class(type(found)) or is_hooked_class(cls)


def is_data(value: Any, depth: int = DEEPEST) -> bool:
    """Whether a value is plain, and all that it holds."""
    if is_simple(value):
        return True
    if type(value) is dict:
        return depth > 0 and all(is_data(one, depth - 1) for pair in value.items() for one in pair)
    return (
        depth > 0
        and type(value) in (list, tuple, set, frozenset, deque)
        and all(is_data(one, depth - 1) for one in value)
    )


# --- what is reached


def reached(value: Any) -> list[Any]:
    """The containers that a view, an iterator or a generator goes through, and itself where it has a state."""
    cls = type(value)
    if cls in _VIEWS:
        return [one for one in gc.get_referents(value) if is_container(one)]
    if cls is GeneratorType:
        return [value]
    if cls in _ITERATORS or cls.__module__ == "itertools":
        found = [value]
        for one in gc.get_referents(value):
            found += [one] if is_container(one) else reached(one)
        return found
    return []


def is_simple(value: Any) -> bool:
    """Whether nothing can change a value, nor what it holds."""
    return type(value) in _SIMPLE
