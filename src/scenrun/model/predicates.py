"""Compiles the expectations of a program to functions of the cells of one state, and evaluates them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenrun.model.slots import Slots
from scenrun.program.expectations import compiled, holds
from scenrun.program.ir import Observation, Probe, Program
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
        """An observation as a function of the cells."""
        scope: dict[str, Any] = {"__named": self._slots.named}
        for number, probe in enumerate(observation.probes):
            kind, _, asked = probe.op.partition(".")
            scope[f"__where{number}"] = self._slots.of_cell[probe.target.cell]
            scope[f"__answer{number}"] = _value if probe.op == "variable.read" else KINDS[kind].answers[asked]
        return compiled(observation, "__cells", _looked_at, scope)


def _looked_at(number: int, probe: Probe) -> str:
    """What a probe looks at: the answer from the values of the cells that it names."""
    at = f"__where{number}" + (f"[{probe.target.index}]" if probe.target.index else "")
    return f"__answer{number}(*[__cells[s] for s in __named({at})])"


def _value(value: Any) -> Any:
    return value
