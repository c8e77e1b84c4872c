"""What instrumented code asks before a call: what is called announces its accesses itself, or they are announced for it.

A function without hooks that is not known to be harmless is named (see `accounting`).
"""

from __future__ import annotations

import builtins
import os
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from scenrun.own_code.hooking.accounting import (
    CONTAINERS,
    IMMUTABLE,
    IN_PYTHON,
    is_container,
    is_data,
    is_hooked,
    is_hooked_class,
    is_logger,
    is_made_accounted,
    is_operated_by_hooks,
    note,
    reached,
)
from scenrun.own_code.hooking.hooks import (
    all_of,
    announce,
    ask_iteration,
    ask_part,
    get,
    look,
    looked,
    set_,
    touch,
    touched,
)
from scenrun.own_code.hooking.library_calls import LOGGING, is_drawer, of_drawer, of_logger, seeded
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.running.steps import Part

READING = frozenset((
    "get", "keys", "values", "items", "copy", "index", "count", "isdisjoint", "issubset", "issuperset", "union",
    "intersection", "difference", "symmetric_difference", "__contains__", "__len__", "__getitem__", "__iter__",
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__repr__", "__reversed__", "__or__",
    "__and__", "__sub__", "__xor__", "__add__", "__mul__", "__sizeof__", "__format__", "__str__",
))  # fmt: skip
"""Methods that change no container."""
SHALLOW = frozenset((
    "len", "any", "all", "iter", "list", "tuple", "set", "frozenset", "dict", "bool", "reversed", "enumerate", "zip", "map",
    "filter", "callable", "id", "isinstance", "issubclass", "type", "object", "bytes", "bytearray", "range", "slice",
))  # fmt: skip
"""Built-in functions and types that look into what they are given, but not into the items there."""
ASKING_ONCE = frozenset((
    "len", "bool", "callable", "id", "isinstance", "issubclass", "type", "object", "repr", "str", "print", "format", "hash",
    "int", "float", "iter",
))  # fmt: skip
"""Those that do not go through what they are given by its own iterator."""
DEEP = frozenset((
    "sorted", "sum", "min", "max", "repr", "str", "print", "format", "hash", "ascii", "abs", "bin", "chr", "divmod", "hex", "oct",
    "ord", "pow", "round", "int", "float", "complex",
))  # fmt: skip
"""Those that ask the items, too."""
CALLING = frozenset(("map", "filter", "reduce"))
"""Those whose first argument is called for each item."""
COMPARING = frozenset(("index", "count", "remove", "sort", "__contains__", "__eq__", "__ne__", "__lt__"))
"""Methods of containers that ask their items."""
ATTRIBUTES = ("getattr", "hasattr", "setattr", "delattr")
BY_NAME = ("__setattr__", "__delattr__", "__getattribute__")
KNOWN_MODULES = frozenset(("math", "cmath", "_operator", "_heapq", "_bisect", "itertools", "_functools"))
"""Modules in C whose functions have no state; they may change what they are given."""
ENDING = (os._exit, os.abort)
"""Functions that end the process at once, and the search with it."""
OF_DATA = frozenset((
    "_pickle.dumps", "_pickle.loads", "copy.copy", "copy.deepcopy", "json.dumps", "json.loads",
    "zlib.compress", "zlib.decompress",
))  # fmt: skip
"""Functions without hooks that only read what they are given, if that is plain data."""


def method(owner: Any, called: str, site: int) -> Any:
    """`owner.called`, about to be called."""
    if control.current is None:
        return getattr(owner, called)
    if type(owner) not in CONTAINERS:  # an object of a subclass has attributes of its own
        get(owner, called, site)
    return function(getattr(owner, called), site)


def function(called: Any, site: int) -> Any:
    """What is about to be called, or what does the same and announces what it touches."""
    if control.current is None:
        return called
    kind = type(called)
    if kind is FunctionType:
        return called if is_hooked(called) else _without_hooks(called, site)
    if kind is MethodType and is_logger(called.__self__):
        return of_logger(called, called.__name__, site)
    if kind is MethodType and is_drawer(called.__self__):
        return of_drawer(called, called.__name__, site)
    if kind is MethodType:
        found = function(called.__func__, site)
        return called if found is called.__func__ else partial(found, called.__self__)
    if issubclass(kind, type):
        return _class(called, site)
    if kind in (BuiltinFunctionType, MethodWrapperType):
        return _bound(called, site)
    if kind in (MethodDescriptorType, WrapperDescriptorType):
        return _unbound(called, site)
    _callable(called, site)
    return called


def _without_hooks(called: Any, site: int) -> Any:
    if called.__module__ == "logging" and called.__name__ in LOGGING:
        return of_logger(called, called.__name__, site)
    if called.__module__ in IN_PYTHON:
        return _announcing(called, False, all_of, site)
    if f"{called.__module__}.{called.__name__}" in OF_DATA:
        return _of_data(called, site)
    note(_named(called), site)
    return called


def _named(called: Any) -> str:
    module = getattr(called, "__module__", None) or getattr(type(called), "__module__", "")
    name = getattr(called, "__qualname__", None) or type(called).__qualname__
    return f"{module}.{name}()" if module and module != "builtins" else f"{name}()"


def _class(called: type, site: int) -> Any:
    if called is random.Random:
        return seeded()
    if called.__module__ == "builtins":
        if called.__name__ in SHALLOW:
            return _announcing(called, False, looked, site)
        if called.__name__ in DEEP:
            return _announcing(called, False, all_of, site)
    if not is_made_accounted(called):
        note(_named(called), site)
    return called if is_hooked_class(called) else _announcing(called, False, looked, site)


def _callable(called: Any, site: int) -> None:
    """An object that can be called: by its class, or as a function with some arguments given."""
    given = getattr(called, "func", None)
    if type(called).__name__ == "partial" and given is not None:
        if function(given, site) is not given or any(is_container(one) for one in called.args):
            note(_named(given), site)
        return
    call = next((vars(base)["__call__"] for base in type(called).__mro__ if "__call__" in vars(base)), None)
    if not (isinstance(call, FunctionType) and is_hooked(call)):
        note(_named(called), site)


def _unbound(called: Any, site: int) -> Any:
    """A method of a built-in type, called by the type: its object is the first argument."""
    owner, called_name = called.__objclass__, called.__name__
    if called_name in BY_NAME and owner in (object, type):
        return _by_name(called, called_name != "__getattribute__", site)
    if issubclass(owner, CONTAINERS):
        return _announcing(called, called_name not in READING, looked, site)
    if issubclass(owner, IMMUTABLE):
        return _announcing(called, False, all_of, site)
    if owner is not object:
        note(_named(called), site)
    return called


def _bound(called: Any, site: int) -> Any:
    owner, called_name = called.__self__, called.__name__
    if owner is builtins:
        return _builtin(called, called_name, site)
    if called in ENDING:
        return _ends_all
    if isinstance(owner, ModuleType) and f"{owner.__name__}.{called_name}" in OF_DATA:
        return _of_data(called, site)
    if isinstance(owner, ModuleType):
        if owner.__name__ not in KNOWN_MODULES and called is not sys.exit:
            note(_named(called), site)
        return _announcing(called, True, all_of, site)
    if is_container(owner):
        return _of_container(called, owner, called_name not in READING, site)
    if is_drawer(owner):
        return of_drawer(called, called_name, site)
    if called_name in BY_NAME:
        return _of_attribute(called, owner, called_name != "__getattribute__", site)
    if isinstance(owner, type):
        if owner.__module__ != "builtins" and not is_hooked_class(owner):
            note(_named(called), site)
        return _announcing(called, False, looked, site)
    if isinstance(owner, IMMUTABLE):
        if called_name in ("format", "format_map"):
            note("str.format(), which can read attributes", site)
        return _announcing(called, False, all_of, site)
    if type(owner) is GeneratorType or reached(owner):
        return _of_container(called, owner, False, site)
    if not is_operated_by_hooks(owner) or isinstance(owner, BaseException):
        note(f"{type(owner).__module__}.{type(owner).__qualname__}.{called_name}()", site)
    return called


def _ends_all(*arguments: Any) -> Any:
    """What stands for a function that ends the process."""
    raise Uncontrolled("the code ends the process, by `os._exit` or `os.abort`")


def _builtin(called: Any, called_name: str, site: int) -> Any:
    if called_name in ATTRIBUTES:
        return _by_name(called, called_name in ("setattr", "delattr"), site)
    if called_name == "next":
        return _next(called, site)
    if called_name in SHALLOW:
        return _announcing(called, False, looked, site)
    if called_name not in DEEP:
        note(f"{called_name}()", site)
    return _announcing(called, False, all_of, site)


# --- what announces for it


def _of_attribute(called: Any, owner: Any, writes: bool, site: int) -> Any:
    def call(attribute: str, *more: Any) -> Any:
        (set_ if writes else get)(owner, attribute, site)
        return called(attribute, *more)

    return call


def _of_container(called: Any, owner: Any, writes: bool, site: int) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        parts = [part for one in arguments for part in touched(one, False, site)]
        for one in arguments:
            ask_part(one, site)
        if called.__name__ in COMPARING:
            parts += all_of(owner, site)
        announce([*parts, *touched(owner, writes, site, arguments[0] if arguments else None)], site)
        key = named.get("key")
        if key is not None:  # while it is called, the container is neither as before nor as after
            named["key"] = _in_between(key, [owner], writes, site)
        return called(*arguments, **named)

    return call


def _announcing(called: Any, writes: bool, asks: Callable[[Any, int], list[Part]], site: int) -> Any:
    called_back = getattr(called, "__name__", "") in CALLING
    iterates = getattr(called, "__name__", "") not in ASKING_ONCE

    def call(*arguments: Any, **named: Any) -> Any:
        parts: list[Part] = []
        for one in (*arguments, *named.values()):
            parts += asks(one, site)
            if iterates:
                ask_iteration(one, site)
            if writes:
                parts += touched(one, True, site)
        announce(parts, site)
        if called_back and arguments:
            arguments = (_in_between(arguments[0], arguments[1:], writes, site), *arguments[1:])
        elif "key" in named:
            named["key"] = _in_between(named["key"], arguments, writes, site)
        return called(*arguments, **named)

    return call


def _of_data(called: Any, site: int) -> Any:
    """A function that reads all of what it is given: it is named where that has objects of one's own in it."""

    def call(*arguments: Any, **named: Any) -> Any:
        if not is_data((*arguments, *named.values())):
            note(_named(called), site)
        announce([part for one in (*arguments, *named.values()) for part in all_of(one, site)], site)
        return called(*arguments, **named)

    return call


def _in_between(given: Any, containers: Sequence[Any], writes: bool, site: int) -> Any:
    """A function that code in C calls while it goes through containers: it goes on with them after each call."""
    if given is None:
        return None
    called = function(given, site)

    def call(*arguments: Any, **named: Any) -> Any:
        found = called(*arguments, **named)
        for one in containers:
            touch(one, writes, site)
        return found

    return call


def _by_name(called: Any, writes: bool, site: int) -> Any:
    def call(owner: Any, attribute: str, *more: Any) -> Any:
        (set_ if writes else get)(owner, attribute, site)
        return called(owner, attribute, *more)

    return call


def _next(called: Any, site: int) -> Any:
    def call(turns: Any, *more: Any) -> Any:
        if type(turns).__module__ in ("builtins", "itertools", "_collections"):
            look(turns, site)
        elif not is_operated_by_hooks(turns):
            note(f"next() of {type(turns).__module__}.{type(turns).__qualname__}", site)
        return called(turns, *more)

    return call
