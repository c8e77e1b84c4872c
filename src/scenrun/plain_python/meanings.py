"""What the names of a scenario stand for in a script, in the file as a whole and in one function."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from scenrun.plain_python.identifiers import Identifiers
from scenrun.plain_python.layout import Lines

NONE = "none"
LOCAL = "local"
SHARED = "shared"
CONSTANT = "constant"
DURATION = "duration"
EXPRESSION = "expression"
GIVEN = (DURATION, EXPRESSION)


class Meaning(Struct, frozen=True):
    """An expression that stands for a name."""

    tree: ast.expr
    kind: str
    """`local`, `shared`, `constant`, `none`, `duration`, `expression`, or the kind of an object."""
    count: int | None = None
    """How many there are, of a group or an array as a whole."""
    original: str = ""
    """The name of a shared variable in the file."""

    @property
    def is_object(self) -> bool:
        """Whether it is an object, a thread or a group of them."""
        return self.kind not in (LOCAL, SHARED, CONSTANT, NONE, *GIVEN)

    def item(self, index: ast.expr) -> Meaning:
        """One of an array or a group."""
        return replace(self, tree=ast.Subscript(self.tree, index, ast.Load()), count=None)


def name(text: str) -> ast.Name:
    """The expression that is a name."""
    return ast.Name(text, ast.Load())


def none() -> Meaning:
    """A parameter that nothing was given for."""
    return Meaning(ast.Constant(None), NONE)


class Function(Struct):
    """One function of the script, as it is written."""

    name: str
    wanted: tuple[str, ...] = ()
    """The names that it has for its parameters."""
    defaulted: frozenset[str] = frozenset()
    """Those of them that have defaults."""
    title: str = ""
    users: list[str] = field(default_factory=list)
    """What runs it, in words."""
    own: dict[str, Meaning] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(1))
    globals: set[str] = field(default_factory=set)
    """The shared variables that it assigns to, as the script calls them."""
    thread: set[str] = field(default_factory=set)
    """Of `name` and `index`, those that its steps use: it takes them as parameters."""
    in_atomic: bool = False
    is_main: bool = False
    line: int = 0
    """Where its steps begin in the file."""
    source: str = ""
    """The name of the file that they are in."""
    identifiers: Identifiers = field(default_factory=Identifiers)

    def local(self, wanted: str) -> Meaning:
        """The local of that name, made at its first use."""
        if wanted not in self.own:
            self.own[wanted] = Meaning(name(self.identifiers.new(wanted)), LOCAL)
        return self.own[wanted]


class Scope:
    """The names that one function's steps can use."""

    def __init__(self, function: Function, file: Mapping[str, Meaning]) -> None:
        self.function = function
        self.file = file
        self.inner: dict[str, Meaning] = {}

    def find(self, text: str) -> Meaning | None:
        """What a name stands for, or None."""
        if text in self.inner:
            return self.inner[text]
        if text in self.function.own:
            return self.function.own[text]
        if text in ("name", "index"):
            self.function.thread.add(text)
            return Meaning(name(text), LOCAL)
        return self.file.get(text)

    def with_names(self, **more: Meaning) -> Scope:
        """This scope with further names, such as `error` in an `except`."""
        scope = Scope(self.function, self.file)
        scope.inner = {**self.inner, **more}
        return scope
