"""Compiles the expectations of a program to functions of the cells of one state, and evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scenrun.model.slots import Slots
from scenrun.model.state import key
from scenrun.program import values
from scenrun.program.ir import Observation, Program
from scenrun.program.primitives.registry import KINDS

Predicate = Callable[[tuple[Any, ...]], Any]


class Predicates:
    """The expectations of a program, compiled to functions of the cells."""

    def __init__(self, program: Program, slots: Slots) -> None:
        self._slots = slots
        self.always = [self.function(observation) for observation in program.expectations.always]
        self.final = [self.function(observation) for observation in program.expectations.final]
        self.observe = [self.function(observation) for observation in program.expectations.observe]

    def broken(self, cells: tuple[Any, ...], already: tuple[int, ...]) -> tuple[int, ...]:
        """The `always` expectations, by number, that do not hold now or were broken already."""
        if not self.always:
            return already
        return tuple(n for n, look in enumerate(self.always) if n in already or not holds(look, cells))

    def function(self, observation: Observation) -> Predicate:
        """Compile an observation to a function of the cells."""
        lines = ["def __look(__cells):"]
        scope: dict[str, Any] = dict(values.FUNCTIONS)
        for number, probe in enumerate(observation.probes):
            kind, _, asked = probe.op.partition(".")
            where = self._slots.of_cell[probe.target.cell]
            scope[f"__where{number}"] = where
            scope[f"__answer{number}"] = _value if probe.op == "variable.read" else KINDS[kind].answers[asked]
            scope["__named"] = self._slots.named
            at = f"__where{number}" + (f"[{probe.target.index}]" if probe.target.index else "")
            lines.append(f" {probe.register} = __answer{number}(*[__cells[s] for s in __named({at})])")
        lines.append(f" return {observation.source}")
        exec(compile("\n".join(lines), "<scenrun expect>", "exec"), scope)
        look: Predicate = scope["__look"]
        return look


def _value(value: Any) -> Any:
    return value


def is_among(outcome: Sequence[Any], others: Iterable[Sequence[Any]]) -> bool:
    """Whether an outcome is among others, by value and type: 1, 1.0 and True are three values."""
    found = key(list(outcome))
    return any(key(list(one)) == found for one in others)


def seen(look: Predicate, cells: tuple[Any, ...]) -> Any:
    """The value of an expression; for one that fails, the exception as text."""
    try:
        return look(cells)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def holds(look: Predicate, cells: tuple[Any, ...]) -> bool:
    """Whether an expression holds; one that fails does not."""
    try:
        return bool(look(cells))
    except Exception:
        return False
