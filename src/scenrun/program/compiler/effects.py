"""What evaluating a part of an expression does beyond computing: reads of shared variables, questions to objects, faults."""

from __future__ import annotations

import ast

from scenrun.language.expressions import ATTRIBUTE_QUESTIONS, COUNT, NOW, VALUE_METHODS
from scenrun.program.compiler.assembler import Assembler
from scenrun.program.compiler.scope import Alias, InScope, Object, Scope, Shared, VariableAlias

DYNAMIC = ("is_alive", "done", "running", "cancelled")
"""The questions about a thread or future that is the value of a local."""


class Effects:
    """The effects of the parts of one code's expressions."""

    def __init__(self, assembler: Assembler) -> None:
        self._code = assembler
        self._failing: dict[tuple[int, int], tuple[ast.AST, Scope, bool]] = {}
        """The answers of `may_fail`, by the identities of a part and its scope; both are kept, so that no id is reused."""

    def writes_code(self, node: ast.expr, at: InScope) -> bool:
        """Whether evaluating a node needs instructions of its own."""
        return self.touches(node, at) or self.may_fail(node, at)

    def may_fail(self, node: ast.AST, at: InScope) -> bool:
        """Whether an operand's code does more than read shared variables: it evaluates parts of it, or asks objects."""
        # Remembered, as the expressions of parameters are substituted again and again.
        place = id(node), id(at.scope)
        if place not in self._failing:
            self._code.size.grow(1, self._code.place)
            inside = any(self.may_fail(part, at) for part in ast.iter_child_nodes(node))
            self._failing[place] = node, at.scope, inside or self._does_more(node, at)
        return self._failing[place][2]

    def _does_more(self, part: ast.AST, at: InScope) -> bool:
        if isinstance(part, ast.BoolOp | ast.IfExp) or (isinstance(part, ast.Compare) and len(part.ops) > 1):
            return self.touches(part, at)  # if not, it stays an expression
        if isinstance(part, ast.Subscript):
            return not isinstance(part.value, ast.Name | ast.Subscript | ast.Call)
        if isinstance(part, ast.Attribute) and part.attr in VALUE_METHODS:
            return False
        if isinstance(part, ast.Attribute):
            return part.attr in DYNAMIC or isinstance(part.value, ast.Subscript)
        if isinstance(part, ast.Name) and isinstance(found := at.scope.find(part.id), Alias):
            return self.may_fail(found.expression.tree, found)
        return False

    def touches(self, node: ast.expr, at: InScope) -> bool:
        """Whether evaluating a node reads a shared variable or asks an object."""
        for part in ast.walk(node):
            self._code.size.grow(1, self._code.place)
            if isinstance(part, ast.Attribute) and part.attr in (*DYNAMIC, *ATTRIBUTE_QUESTIONS) and part.attr != COUNT:
                return True
            if isinstance(part, ast.Name):
                found = at.scope.find(part.id)
                if isinstance(found, Shared | Object | VariableAlias) or part.id in ("inside", NOW):
                    return True
                if isinstance(found, Alias) and self.touches(found.expression.tree, found):
                    return True
        return False
