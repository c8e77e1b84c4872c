"""The operands of steps that are no expressions: the object that a reference names, and a duration in nanoseconds."""

from __future__ import annotations

import ast

from scenrun.language.durations import Duration, DurationError, distribution, nanoseconds
from scenrun.language.fields import ComputedDuration, Reference, SomeDuration
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.expressions import Expressions
from scenrun.program.compiler.scope import Binding, Constant, Nothing, Object, Scope, Span, Time, Unknown
from scenrun.program.compiler.syntax import bounded
from scenrun.program.compiler.wording import describe, fitting, one_of, wrong_kind
from scenrun.program.ir import CellRef


class Operands:
    """Lowers the operands of one code's steps; the index of an object is an expression."""

    def __init__(self, expressions: Expressions, complaints: Complaints) -> None:
        self._code = expressions.code
        self.expressions = expressions
        self.complaints = complaints

    def timing(self, timing: SomeDuration | None, scope: Scope) -> str:
        """A duration in nanoseconds, as Python over registers; the text `None` where there is none."""
        if timing is None:
            return "None"
        if isinstance(timing, Duration):
            return duration_text(timing)
        if isinstance(timing, ComputedDuration):
            return self.computed(timing, scope)
        found = scope.find(timing.name)
        if isinstance(found, Time):
            return duration_text(found.duration)
        if isinstance(found, Span):
            return found.register
        if isinstance(found, Constant) and isinstance(found.value, str) and (time := time_in(found.value)):
            return duration_text(time)
        if isinstance(found, Nothing | Unknown):
            return "None"
        if found is None:
            hint = self.complaints.hint(timing.name, [n for n, b in scope.bindings.items() if isinstance(b, Time)])
            message = f"`{timing.name}` is no duration (such as 100ms) and no parameter of type `duration`{hint}"
        elif isinstance(found, Constant):
            name = timing.name
            message = f"`{name}` is no duration; one has a unit, `{name}: 10ms`, or is computed, `{{ms: {name}}}`"
        else:
            message = f"`{timing.name}` is {describe(found)}; a time is a duration, such as 100ms, or a parameter of that type"
        self.complaints.refuse(timing.place, message, about=timing.name)
        return "None"

    def computed(self, timing: ComputedDuration, scope: Scope) -> str:
        """A duration in nanoseconds that is computed here: the register that it is in, or a number known at once."""
        number = self.expressions.tree(timing.number, scope)
        if isinstance(number, ast.Constant) and isinstance(number.value, int):
            return str(nanoseconds(number.value, timing.unit))
        into = self._code.temporary("span")
        self._code.emit("let", arguments=(f"__span({bounded(number)}, {timing.unit!r})",), into=into)
        return into

    def target(self, reference: Reference, scope: Scope, wanted: tuple[str, ...], verb: str) -> CellRef | None:
        """The operand for the object that a reference names; None where it is refused, wrong, or bound to nothing.

        wanted: the kinds that the verb accepts. A use of a parameter that is bound to nothing raises TypeError at run time.
        """
        found = scope.find(reference.name)
        if isinstance(found, Unknown):
            return None
        if isinstance(found, Nothing):
            text = f"`{verb}` of `{reference.name}`, which is none here"
            self._code.emit("raise", arguments=(f"__fault('TypeError', {text!r})",))
            return None
        if not isinstance(found, Object):
            self._no_object(reference, found, scope, wanted, verb)
            return None
        cell = found.cell
        if cell.kind not in wanted:
            self.complaints.refuse(
                reference.place, wrong_kind(verb, str(reference), cell.kind, wanted), about=reference.name
            )
            return None
        return self.expressions.element(reference, found, scope)

    def _no_object(
        self, reference: Reference, found: Binding | None, scope: Scope, wanted: tuple[str, ...], verb: str
    ) -> None:
        if found is not None:
            message = f"`{verb}` needs {one_of(wanted)}; `{reference.name}` is {describe(found)}"
            self.complaints.refuse(reference.place, message, about=reference.name)
            return
        names = [n for n in scope.known() if isinstance(b := scope.find(n), Object) and b.cell.kind in wanted]
        hint = self.complaints.hint(reference.name, names) or fitting(names)
        message = f"`{verb}` needs {one_of(wanted)}; there is no `{reference.name}`{hint}"
        self.complaints.refuse(reference.place, message, about=reference.name)


def time_in(constant: str) -> Duration | None:
    """The duration that a constant of `let` is; None where it is none."""
    try:
        return distribution(constant)
    except DurationError:
        return None


def duration_text(duration: Duration) -> str:
    """Python for a duration in nanoseconds: a number, or the draw from a distribution."""
    if not duration.is_random:
        return str(duration.numbers[0])
    return f"random.span({duration.kind!r}, {', '.join(map(str, duration.numbers))})"
