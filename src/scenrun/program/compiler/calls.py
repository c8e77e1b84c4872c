"""Calls of behaviours that an order must explain: each `run` of one begins and ends with a step of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scenrun.language.model import Behaviour
from scenrun.language.verbs.flow import Return
from scenrun.program.compiler.assembler import Label
from scenrun.program.compiler.mentions import all_steps
from scenrun.program.compiler.scope import Scope
from scenrun.program.compiler.wording import a
from scenrun.program.compiler.writer import Writer
from scenrun.program.ir import CellRef
from scenrun.program.primitives.calls import COMPARED, DEFAULTS, RAISED, RETURNED, SPECIFICATIONS


@contextmanager
def recorded(w: Writer, name: str, behaviour: Behaviour, scope: Scope, result: str | None) -> Iterator[None]:
    """A region that is a call of the behaviour, where its calls are to be explained. result: the register of its result."""
    cell = w.names.calls.get(name)
    if cell is None or any(
        w.names.calls.get(outer) is cell for outer in w.running
    ):  # a call within a call is part of it
        yield
        return
    target, fails, done = CellRef(cell.number), Label(), Label()
    given = _arguments(w, str(cell.options["spec"]), name, behaviour, scope)
    w.code.emit("calls.call", target=target, arguments=(repr(name), f"[{given}]"))
    with w.code.handled(fails):
        yield
    ended = COMPARED if _returns_something(behaviour) else RETURNED
    w.code.emit("calls.finish", target=target, arguments=(repr(name), str(result), repr(ended)))
    w.code.emit("jump", to=done)
    w.code.mark(fails)
    fault = w.code.temporary("fault")
    w.code.emit("take", into=fault)
    w.code.emit("calls.finish", target=target, arguments=(repr(name), "None", repr(RAISED)))
    w.code.emit("raise", arguments=(fault,))
    w.code.mark(done)


def _returns_something(behaviour: Behaviour) -> bool:
    return any(isinstance(step, Return) and step.value is not None for step in all_steps(behaviour))


def _arguments(w: Writer, spec: str, name: str, behaviour: Behaviour, scope: Scope) -> str:
    """The arguments of the operation, from the behaviour's parameters of the same names."""
    operation = SPECIFICATIONS[spec].operation(name)
    if operation is None:
        known = ", ".join(one.name for one in SPECIFICATIONS[spec].operations)
        w.refuse(
            behaviour.place,
            f"{a(spec)} has no operation `{name}`, with which its calls could be compared; it has {known}",
        )
        return ""
    out = []
    for parameter in operation.parameters:
        if parameter in behaviour.params:
            out.append(w.expressions.value(w.compiler.expression(parameter, w, behaviour.place), scope))
        elif parameter in DEFAULTS:
            out.append(repr(DEFAULTS[parameter]))
        else:
            w.refuse(behaviour.place, f"`{name}` needs a parameter `{parameter}`, as that of {a(spec)} has one")
    return ", ".join(out)
