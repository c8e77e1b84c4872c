"""Finds the user's own Python: the functions that `call` steps name, and the objects that a scenario declares."""

from __future__ import annotations

import copy
import importlib
import threading
from collections.abc import Callable
from typing import Any

from scenrun.errors import Fault, Place, Problem, ScenarioError
from scenrun.program import values
from scenrun.program.exceptions import name_of
from scenrun.program.ir import Program, PythonObject

OBJECTS_ARE_OPAQUE = (
    "`objects` have a state of their own, which a model cannot see: such a scenario is run or simulated, not searched or "
    "replayed"
)


def import_function(name: str) -> Callable[..., Any]:
    """The user's function `package.module:function`, or class; a Fault says what is wrong with it."""
    module, _, attribute = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise Fault("ImportError", f"`{name}`: {error}") from None
    except Exception as error:
        raise Fault("ImportError", f"`{name}`: importing it raised {type(error).__name__}: {error}") from None
    if not callable(found):
        raise Fault("TypeError", f"`{name}` is nothing that can be called")
    function: Callable[..., Any] = found
    return function


class Calls:
    """The user's Python in one run: functions, imported when they are first called, and objects, made before anything runs."""

    def __init__(self, program: Program) -> None:
        self._objects = {declared.name: _made(program, declared) for declared in program.objects}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._importing = threading.Lock()

    def call(self, name: str, arguments: dict[str, Any], *, wanted: bool) -> Any:
        """Call a function, or a method of an object: what it gives, if that is a value of the language.

        wanted: whether somebody takes the result; then anything else is a Fault, and otherwise its type in angle brackets.
        An exception is a Fault of its name.
        """
        function = self._function(name)
        try:
            given = function(**copy.deepcopy(arguments))
        except Fault:
            raise
        except BaseException as error:
            raise Fault(name_of(error), str(error)) from None
        try:
            return values.received(given)
        except Fault:
            if wanted:
                raise
            return f"<{values.type_name(given)}>"

    def _function(self, name: str) -> Callable[..., Any]:
        found = self._functions.get(name)
        if found is None:
            with self._importing:
                found = self._functions[name] = self._found(name)
        return found

    def _found(self, name: str) -> Callable[..., Any]:
        if ":" in name:
            return import_function(name)
        label, _, method = name.partition(".")
        found = self._objects[label]
        for part in method.split("."):
            try:
                found = getattr(found, part)
            except AttributeError as error:
                raise Fault("AttributeError", f"`{name}`: {error}") from None
        if not callable(found):
            raise Fault("TypeError", f"`{name}` is nothing that can be called")
        function: Callable[..., Any] = found
        return function


def _made(program: Program, declared: PythonObject) -> Any:
    """An object as the file declares it; a ScenarioError says why there is none."""
    place = Place(program.source, declared.line, 1)
    try:
        made = import_function(declared.python)
    except Fault as fault:
        raise ScenarioError([Problem(place, fault.text)]) from None
    try:
        return made(**copy.deepcopy(declared.args))
    except Exception as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ScenarioError([Problem(place, f"`{declared.name}`: {declared.python} raised {text}")]) from None
