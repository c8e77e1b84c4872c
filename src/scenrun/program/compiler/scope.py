"""What a name means at one place of the program: a register, a constant, a shared variable, an object, an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from scenrun.language.durations import Duration
from scenrun.language.expressions import Expression
from scenrun.language.variables import Target
from scenrun.program.ir import Cell


@dataclass(frozen=True, slots=True)
class Register:
    """A local or a parameter of this thread."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal argument."""

    value: Any


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared variable."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Object:
    """A synchronisation object, thread group or timer; `index` is the index's expression, where one is bound."""

    cell: Cell
    index: Alias | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """A reference or duration parameter that was not given and has no default."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A parameter whose argument is wrong, of which nothing more is said."""


@dataclass(frozen=True, slots=True)
class Alias:
    """An expression that is evaluated at each use, with the names of where it was written."""

    expression: Expression
    scope: Scope


@dataclass(frozen=True, slots=True)
class Time:
    """A duration or distribution."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class VariableAlias:
    """A variable of the caller, read and written under a parameter's name."""

    target: Target
    scope: Scope


Binding = Register | Constant | Shared | Object | Nothing | Alias | Time | VariableAlias | Unknown


class Declared(Protocol):
    """The names that a file declares, as far as a scope asks for them; `names.py` has them."""

    def find(self, name: str) -> Binding | None:
        """What the file declares under this name."""

    def known(self) -> list[str]:
        """The names of variables and objects."""


class Scope:
    """The names that one behaviour sees: its own, then the file's (a shipped behaviour sees only its own)."""

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
        """What `name` means here, or None."""
        if name in self.bindings:
            return self.bindings[name]
        return self.names.find(name) if self.names else None

    def known(self) -> list[str]:
        """Every name that could have been meant."""
        own = [name for name in self.bindings if not name.startswith("__")]
        return [*own, *(self.names.known() if self.names else [])]

    def inner(self, **bindings: Binding) -> Scope:
        """This scope with further bindings, such as `error` inside `except`."""
        scope = Scope(self.names, self.prefix, thread=False)
        scope.bindings = {**self.bindings, **bindings}
        return scope
