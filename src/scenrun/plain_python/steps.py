"""The steps of a function, one after another; what a step becomes is registered by its verb in the modules beside this one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from scenrun.language.expressions import Expression
from scenrun.language.verbs.step import Step
from scenrun.plain_python import expressions
from scenrun.plain_python.copies import kept
from scenrun.plain_python.layout import unparsed
from scenrun.plain_python.meanings import LOCAL, SHARED, Function, Meaning, Scope
from scenrun.plain_python.script import Script
from scenrun.program.compiler.mentions import assigned, mentioned

S = TypeVar("S", bound=Step)
_WRITERS: dict[type[Step], Callable[..., None]] = {}


def writes(*kinds: type[Step]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers what steps become: a function that takes the body, the step and the scope."""

    def register(writer: Callable[..., None]) -> Callable[..., None]:
        _WRITERS.update(dict.fromkeys(kinds, writer))
        return writer

    return register


class Body:
    """Writes the steps of one function."""

    def __init__(self, script: Script, function: Function) -> None:
        self.script = script
        self.function = function
        self.lines = function.lines
        self._comments: tuple[tuple[str, ...], str] = ((), "")
        self._last: Any = None

    def steps(self, steps: Iterable[Step], scope: Scope) -> None:
        """Write steps in their order."""
        for step in steps:
            if step.place != self._last:
                above, beside = self._comments
                now_above, now_beside = self.script.comments_at(step.place)
                self._comments = (*above, *([beside] if beside else []), *now_above), now_beside
                self._last = step.place
            _WRITERS[type(step)](self, step, scope)

    def add(self, text: str) -> None:
        """Add a statement, with the comments of its step."""
        (above, beside), self._comments = self._comments, ((), "")
        self.lines.add(text, above, beside)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """The statements that are added inside stand below a header."""
        (above, beside), self._comments = self._comments, ((), "")
        with self.lines.block(header, above, beside):
            yield

    def loop_name(self, wanted: str) -> str:
        """A name for a short while: the one wanted, unless a name of the script or a local of this function is the same."""
        locals_ = {unparsed(found.tree) for found in self.function.own.values()}
        taken = {*self.script.names(), *locals_}
        return wanted if wanted not in taken else self.function.identifiers.new(wanted)

    def each(self, text: str, wanted: str, statement: str, *, is_many: bool) -> None:
        """Add a statement about an object, such as `start()`, or about each of a list of them."""
        if not is_many:
            self.add(f"{text}.{statement}")
            return
        one = self.loop_name(wanted)
        with self.block(f"for {one} in {text}:"):
            self.add(f"{one}.{statement}")

    # --- values

    def text(self, expression: Expression, scope: Scope) -> str:
        """An expression as text."""
        return expressions.text_of(self.script, expression, scope)

    def value(self, expression: Expression, scope: Scope, into: str = "") -> str:
        """The text of an expression whose value is kept: a copy where the value may be changed in place elsewhere."""
        tree = expressions.tree_of(self.script, expression, scope)
        return unparsed(kept(self.script, expression.tree, tree, into))

    def seconds(self, timing: Any, scope: Scope) -> str | None:
        """A duration in seconds; None where there is none."""
        return expressions.seconds(self.script, timing, scope)

    def reads(self, expression: Expression, scope: Scope) -> int:
        """How many shared things an expression reads."""
        return expressions.reads(self.script, expression.tree, scope)

    # --- variables

    def variable(self, text: str, scope: Scope) -> Meaning:
        """What a step assigns to: a shared variable, or a local, made at its first use."""
        found = scope.find(text) if text not in ("name", "index") else None
        if found is None or found.kind not in (SHARED, LOCAL):
            found = self.function.local(text)
        if found.kind == SHARED and isinstance(found.tree, ast.Name):
            self.function.globals.add(found.tree.id)
        return found

    def assign(self, text: str | None, value: str, scope: Scope, *, reads: bool = True) -> None:
        """Write an assignment of a value to a variable; the value alone where there is none."""
        if text is None:
            self.add(value)
            return
        target = self.variable(text, scope)
        self.write(target, unparsed(target.tree), value, scope, reads=reads)

    def write(self, target: Meaning, left: str, value: str, scope: Scope, *, reads: bool) -> None:
        """Write a change of a variable: as it is, or between the steps of `atomic` where these use the variable."""
        if not self.is_guarded(target):
            self.add(f"{left} = {value}")
        else:
            value = self.computed_before(target, value, reads=reads)
            with self.block(f"with {self.script.atomically()}:"):
                self.add(f"{left} = {value}")
        self.changed(target, scope)

    def computed_before(self, target: Meaning, value: str, *, reads: bool) -> str:
        """A value that reads shared things, as a local: what writes it holds the lock of atomic steps meanwhile."""
        if not (reads and self.is_guarded(target)):
            return value
        new = self.function.identifiers.new(f"new_{target.original}")
        self.add(f"{new} = {value}")
        return new

    def change(self, target: Meaning, text: str, scope: Scope) -> None:
        """Write a statement that changes a variable in place."""
        if self.is_guarded(target):
            with self.block(f"with {self.script.atomically()}:"):
                self.add(text)
        else:
            self.add(text)
        self.changed(target, scope)

    def is_guarded(self, target: Meaning) -> bool:
        is_used = target.kind == SHARED and target.original in self.script.uses.atomic_names
        return is_used and not self.function.in_atomic

    def changed(self, target: Meaning, scope: Scope) -> None:
        """Ask what must always be true, where it is about a variable that has just changed."""
        if target.kind == SHARED:
            self.happened(target.original)

    def happened(self, text: str) -> None:
        """Ask what must always be true, where it is about a variable, an object or a section that has just changed."""
        if not self.function.in_atomic and text in self.script.watched:
            self.add(f"{self.script.watcher()}()")

    def touched(self, steps: Iterable[Step]) -> None:
        """Ask what must always be true, after steps that were one."""
        names = set(mentioned(tuple(steps))) | {one for step in steps for one, _ in assigned([step])}
        for text in names & self.script.watched:
            self.happened(text)
            return


def write_steps(script: Script, function: Function, steps: Iterable[Step], scope: Scope) -> None:
    """Write the steps of a function."""
    Body(script, function).steps(steps, scope)
