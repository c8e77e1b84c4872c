"""What is checked: a class, or what a function makes, and what can be called on it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scenrun.errors import UsageError
from scenrun.own_code.checking.arguments import CannotGuess, given_calls, guessed_calls, guessed_settings
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.hooking.loader import Loader, World, is_of_python
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.modules import Named

OPERATORS = ("__getitem__", "__setitem__", "__delitem__", "__contains__", "__len__", "__iter__", "__call__")
"""The methods with names of Python's own that are operations of a container."""
SPECIAL = (
    "__enter__", "__exit__", "__next__", "__iadd__", "__isub__", "__ior__", "__iand__", "__add__", "__missing__", "__reversed__",
)  # fmt: skip
"""Others that a class may have for its users, and that are no operations unless they are given."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation that is not checked."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


def maker_of(cls: Named, like: Subject) -> Callable[[World], Any]:
    """Makes objects of another class, with the arguments of a subject."""
    arguments, _ = Operation(cls.name, like.arguments).values
    return lambda world: cls.found_in(world)(*arguments)


class Subject:
    """A class or a factory, and the modules that it is found in."""

    def __init__(self, what: Named, make: Named | None = None, trace: Sequence[str] = ()) -> None:
        """make: a function without arguments that makes the object; None: the class does."""
        self.what = what
        self.make_by = make or what
        tops = {one.top for one in (what, self.make_by)}
        self.loader = Loader([*(top for top in tops if not is_of_python(top)), *trace])
        self.cls = self._class()
        self.arguments = () if make is not None else _arguments_of(self.cls)
        """What it is made with, each as Python writes it."""

    def _class(self) -> Any:
        world = World(self.loader)
        try:
            found = self.what.found_in(world)
        finally:
            world.leave()
        if not isinstance(found, type):
            raise UsageError(
                f"`{self.what}` is no class; a function that makes an object is given by --make, beside its class"
            )
        if inspect.isabstract(found):
            raise UsageError(
                f"`{self.what}` is abstract: it has methods that only a class below it has; check that one"
            )
        return found

    def make(self, world: World) -> Any:
        """A new object."""
        maker = self.make_by.found_in(world)
        if not callable(maker):
            raise UsageError(f"--make `{self.make_by}` is nothing that can be called")
        arguments, _ = Operation(self.what.name, self.arguments).values
        try:
            made = maker(*arguments)
        except (UsageError, Uncontrolled):
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise UsageError(
                f"`{self.made_by}` raises {said}; give a function that makes one, --make package.module:function"
            ) from None
        if not isinstance(made, self.what.found_in(world)):
            raise UsageError(f"`{self.made_by}` makes a {type(made).__name__}, and no `{self.what.name}`")
        return made

    @property
    def made_by(self) -> str:
        """How it is made, as an expression."""
        return f"{self.make_by.name}({', '.join(self.arguments)})"

    def operations(self) -> tuple[list[Operation], list[LeftOut]]:
        """What can be called, with arguments that are guessed; and what is left out, with the reason."""
        found, left_out = [], []
        for name, one in _members(self.cls):
            if inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one):
                left_out.append(LeftOut(name, "it is asynchronous, and no call of a thread"))
                continue
            if name.startswith("__") and name not in OPERATORS:
                left_out.append(LeftOut(name, f'it is no operator of a container; give it as a call, --op "{name}()"'))
                continue
            if not callable(one):
                found.append(Operation(name, is_property=True))
            try:
                if not callable(one):
                    found += guessed_settings(name, one.fset) if getattr(one, "fset", None) is not None else []
                    continue
                found += guessed_calls(name, one)
            except CannotGuess as why:
                left_out.append(LeftOut(name, f'{why}; give calls of it, such as --op "{name}(1)"'))
        return found, left_out

    def given(self, texts: Sequence[str]) -> list[Operation]:
        """Operations that are given; raises UsageError for what the class does not have."""
        found = [one for text in texts for one in given_calls(text)]
        for one in found:
            if not hasattr(self.cls, one.name) and not one.is_property:
                raise UsageError(f"`{self.what.name}` has no method `{one.name}`")
        return found


def _arguments_of(cls: Any) -> tuple[str, ...]:
    """Arguments for a class that needs some; raises UsageError where they cannot be guessed."""
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (ValueError, TypeError):
        return ()
    required = [
        one
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    try:
        guessed = guessed_calls("__init__", _taking(required))
    except CannotGuess as why:
        raise UsageError(
            f"`{cls.__qualname__}` needs arguments, and {why}: give --make package.module:function"
        ) from None
    return guessed[0].arguments


def _taking(parameters: Sequence[inspect.Parameter]) -> Callable[..., Any]:
    def taking() -> None:
        """A function with these parameters."""

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    positional = [one.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for one in parameters]
    taking.__signature__ = inspect.Signature([own, *positional])  # type: ignore[attr-defined]
    return taking


def _members(cls: Any) -> Iterator[tuple[str, Any]]:
    """The public methods and properties, and operators of containers, in the order in which they are written."""
    names = dict.fromkeys(name for base in cls.__mro__ if base is not object for name in vars(base))
    for name in names:
        if name.startswith("_") and name not in OPERATORS and name not in SPECIAL:
            continue
        one = inspect.getattr_static(cls, name)
        if isinstance(one, classmethod | staticmethod | type) or one is None:
            continue
        if isinstance(one, property) or type(one).__name__ == "cached_property" or callable(one):
            yield name, one
