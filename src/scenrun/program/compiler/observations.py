"""Lowers expectations to observations, whose reads are probes of one state and no instructions of a thread."""

from __future__ import annotations

import ast
from typing import Any

from scenrun.errors import InternalError, Place
from scenrun.language.expressions import Expression
from scenrun.program.compiler.assembler import Assembler
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.effects import Effects
from scenrun.program.compiler.expressions import Expressions
from scenrun.program.compiler.names import Names
from scenrun.program.compiler.scope import InScope, Scope
from scenrun.program.ir import CellRef, Observation, Probe


class _EffectsInOneState(Effects):
    """The effects of parts that all read one state: no order has to be kept, and `and` needs no branch."""

    def touches(self, node: ast.expr, at: InScope) -> bool:
        """No read is an instruction."""
        return False

    def may_fail(self, node: ast.AST, at: InScope) -> bool:
        """No operand's code comes before that of another."""
        return False


class Observer(Expressions):
    """Lowers each read of an expression to a probe; all probes of an observation are evaluated in the same state."""

    def __init__(self, names: Names, complaints: Complaints) -> None:
        super().__init__(Assembler(-1, "expect"), complaints)
        self.effects = _EffectsInOneState(self.code)
        self.names = names
        self.scope = Scope(names, thread=False)
        self.probes: list[Probe] = []
        self._kept_apart = 0
        self._place: Place | None = None

    def observation(self, expression: Expression) -> Observation:
        """The observation of an expectation's expression."""
        self.probes = []
        self._place = expression.place
        draws = [n for n in ast.walk(expression.tree) if isinstance(n, ast.Name) and n.id == "random"]
        if draws:
            self.complaints.refuse(expression.at(draws[0]), "an expectation draws nothing at random")
        tree = self.tree(expression, self.scope)
        if self.code.drafts:
            raise InternalError(f"an expectation has written instructions, which no thread runs: {expression.text}")
        line, elsewhere = self._where(expression.place)
        return Observation(ast.unparse(tree), expression.text, tuple(self.probes), line, elsewhere)

    def _where(self, place: Place | None) -> tuple[int | None, str]:
        """The line in the scenario's file, or the name and line of another source."""
        if place is None:
            return 0, ""
        if place.source is self.names.scenario.source:
            return place.line, ""
        is_option = place.source.name.startswith("--")
        return None, place.source.name if is_option else f"{place.source.name}:{place.line}"

    def _now(self, node: ast.Call, at: InScope) -> ast.expr:
        message = "an expectation has no moment of its own; a step notes it in a variable: `set: {ended: now()}`"
        self.complaints.refuse(at.place(node), message)
        return ast.Constant(0)

    def _read(self, op: str, target: CellRef, **options: Any) -> ast.expr:
        if target.index is not None and "__each" in target.index:
            message = "an object that a comprehension chooses cannot be asked here; name each: `forks[0].locked()`"
            self.complaints.refuse(self._place, message)
        register = f"__p{len(self.probes)}"
        self.probes.append(Probe(register, op, target))
        return ast.Name(register, ast.Load())

    def _settled(self, tree: ast.expr, *, always: bool = False) -> ast.expr:
        """All probes are taken at one moment, so that operands need no order; a name keeps Python from warning of `1[0]`."""
        if not always:
            return tree
        self._kept_apart += 1
        return ast.NamedExpr(ast.Name(f"__s{self._kept_apart}", ast.Store()), tree)
