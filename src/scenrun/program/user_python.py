"""Imports and calls the author's own Python: the functions that `call` steps name, and the declared `objects`."""

from __future__ import annotations

import copy
import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from scenrun.errors import Fault, Place, Problem, ScenarioError
from scenrun.program import values
from scenrun.program.exceptions import name_of
from scenrun.program.ir import Program, PythonObject

Arguments = dict[str, Any] | list[Any]
"""What a function is called with: by name, or by position."""
OBJECTS_ARE_OPAQUE = (
    "`objects` have a state of their own, which a model cannot see: such a scenario is run, simulated or explored, not replayed "
    "or played"
)


def import_from_here(is_allowed: bool) -> None:
    """Finds the author's modules in the present folder as well, if `call` steps are allowed."""
    if is_allowed and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def import_function(name: str, load: Callable[[str], Any] = importlib.import_module) -> Callable[..., Any]:
    """The function or class `package.module:name`, of a module that `load` gives; a Fault says why it cannot be called."""
    module, _, attribute = name.partition(":")
    try:
        found: Any = load(module)
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
    """The author's Python in one run: functions, imported on the first call, and objects, created before any thread runs."""

    def __init__(
        self, program: Program, load: Callable[[str], Any] = importlib.import_module, passing: tuple[Any, ...] = ()
    ) -> None:
        """load: gives a module by its name. passing: exceptions of calls that go on to the caller as they are."""
        self._load, self._passing = load, passing
        self._objects = {declared.name: made_object(program, declared, load) for declared in program.objects}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._importing = threading.Lock()

    def call(self, name: str, arguments: Arguments, *, wanted: bool) -> Any:
        """Call a function, or a method of an object; returns its result, if that is a value of the language.

        wanted: whether the result is used; any other result is a Fault then, and otherwise its type in angle brackets is
        returned. An exception of the function is a Fault of that name.
        """
        function = self._function(name)
        try:
            own = values.sent(arguments)  # values are shared: a function must not change one in place
            given = function(*own) if isinstance(own, list) else function(**own)
        except (Fault, *self._passing):
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
            return import_function(name, self._load)
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


def made_object(program: Program, declared: PythonObject, load: Callable[[str], Any]) -> Any:
    """Create a declared object; a ScenarioError says why it cannot be created."""
    place = Place(program.source, declared.line, 1)
    try:
        made = import_function(declared.python, load)
    except Fault as fault:
        raise ScenarioError([Problem(place, fault.text)]) from None
    try:
        return made(**copy.deepcopy(declared.args))
    except Exception as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ScenarioError([Problem(place, f"`{declared.name}`: {declared.python} raised {text}")]) from None


def check_calls(program: Program, allow_python: bool) -> None:
    """Raise ScenarioError where a program uses the author's Python without permission, or where it cannot be imported."""

    calls = [i for code in program.codes for i in code.instructions if i.op == "call"]
    if not calls and not program.objects:
        return
    if not allow_python:
        lines = {**{made.line: "objects" for made in program.objects}, **{i.line: "call" for i in calls}}
        problems = [
            Problem(Place(program.source, line, 1), f"`{word}` runs Python of yours; allow it with --allow-python")
            for line, word in sorted(lines.items())
        ]
        raise ScenarioError(problems)

    functions = {str(i.option("function")): i.line for i in calls if ":" in str(i.option("function"))}
    for name, line in {**functions, **{made.python: made.line for made in program.objects}}.items():
        try:
            import_function(name)
        except Fault as fault:
            raise ScenarioError([Problem(Place(program.source, line, 1), fault.text)]) from None
