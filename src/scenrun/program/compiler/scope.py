"""Scopes, and the kinds of binding that a name can have: register, constant, shared variable, object, alias and others."""

from __future__ import annotations

import ast
from typing import Any, Protocol

from msgspec import Struct

from scenrun.errors import Place
from scenrun.language.durations import Duration
from scenrun.language.expressions import Expression
from scenrun.language.variables import Target
from scenrun.program.ir import Cell


class Register(Struct, frozen=True):
    """A local or a parameter of this thread."""

    name: str


class Constant(Struct, frozen=True):
    """A literal argument."""

    value: Any


class Shared(Struct, frozen=True):
    """A shared variable."""

    cell: Cell


class Object(Struct, frozen=True):
    """A synchronisation object, thread group or timer; `index` is the expression of the index, where one is bound."""

    cell: Cell
    index: Alias | None = None


class Nothing(Struct, frozen=True):
    """A reference or duration parameter that has neither an argument nor a default."""


class Unknown(Struct, frozen=True):
    """A parameter whose argument was refused; uses of it are not refused again."""


class InScope(Struct, frozen=True):
    """An expression and the scope of its names."""

    expression: Expression
    scope: Scope

    def place(self, node: ast.AST) -> Place | None:
        """The place in the file of a part of the expression."""
        return self.expression.at(node)


class Alias(InScope, frozen=True):
    """An expression that is evaluated at each use, in the scope in which it was written."""


class Time(Struct, frozen=True):
    """A duration or distribution."""

    duration: Duration


class Span(Struct, frozen=True):
    """A duration that was computed where a behaviour is used; the register has it in nanoseconds."""

    register: str


class VariableAlias(Struct, frozen=True):
    """A variable of the caller that is read and written by the name of a parameter."""

    target: Target
    scope: Scope


Binding = Register | Constant | Shared | Object | Nothing | Alias | Time | Span | VariableAlias | Unknown


class Declared(Protocol):
    """The interface of the names that a file declares, implemented in `names.py`."""

    def find(self, name: str) -> Binding | None:
        """The binding of a declared name, or None."""

    def known(self) -> list[str]:
        """The names of variables, objects and thread groups."""


class Scope:
    """The scope of one behaviour: its own names, then the file's (a shipped behaviour sees only its own)."""

    def __init__(self, names: Declared | None, prefix: str = "", thread: bool = True) -> None:
        self.names = names
        self.prefix = prefix
        self.bindings: dict[str, Binding] = {}
        self.assigned: frozenset[str] = frozenset()
        """The names that this behaviour's steps assign to, parameters included."""
        if thread:
            self.bindings["index"] = Register("index")
            self.bindings["name"] = Register("name")

    def find(self, name: str) -> Binding | None:
        """The binding of a name in this scope, or None."""
        if name in self.bindings:
            return self.bindings[name]
        return self.names.find(name) if self.names else None

    def known(self) -> list[str]:
        """Every name in this scope, for suggestions."""
        own = [name for name in self.bindings if not name.startswith("__")]
        return [*own, *(self.names.known() if self.names else [])]

    def inner(self, **bindings: Binding) -> Scope:
        """This scope with further bindings, such as `error` inside `except`."""
        scope = Scope(self.names, self.prefix, thread=False)
        scope.bindings = {**self.bindings, **bindings}
        return scope
