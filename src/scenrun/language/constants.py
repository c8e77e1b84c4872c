"""The constants of `let`, and the numbers of declarations that are computed from them when the file is read."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from scenrun.language.expressions import Expression, ExpressionError
from scenrun.language.suggestions import did_you_mean

MAX_RESULT = 10**12
"""The largest number that an expression of constants may come to, also on the way."""
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "round": round, "abs": abs, "int": int}
_TAKES = f"numbers, constants, + - * / // % and {', '.join(_FUNCTIONS)}"


class Constants:
    """The values of `let` by name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.used: set[str] = set()
        """The constants that declarations are computed from."""

    def named(self, name: str) -> Any:
        """The value of a constant that exists."""
        self.used.add(name)
        return self.values[name]

    def number(self, expression: Expression) -> Any:
        """The value of an expression of constants; raises ExpressionError where it has none."""
        try:
            return self._of(expression.tree, expression)
        except (ArithmeticError, TypeError, ValueError) as error:
            if isinstance(error, ExpressionError):
                raise
            why = str(error) if isinstance(error, OverflowError) else "its parts do not fit together"
            why = "it divides by zero" if isinstance(error, ZeroDivisionError) else why
            raise ExpressionError(f"`{expression.text[:60]}` cannot be computed: {why}") from None

    def _of(self, node: ast.expr, whole: Expression) -> Any:
        match node:
            case ast.Constant(value=int() | float() as value):
                return value
            case ast.Name(id=name):
                return self._number_named(name, node, whole)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._of(operand, whole)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _small(_OPERATORS[type(op)](self._of(left, whole), self._of(right, whole)))
            case ast.Call(func=ast.Name(id=name), args=args) if name in _FUNCTIONS:
                return _small(_FUNCTIONS[name](*(self._of(one, whole) for one in args)))
        raise ExpressionError(f"a number that is known from the start is made of {_TAKES}", place=whole.at(node))

    def _number_named(self, name: str, node: ast.expr, whole: Expression) -> Any:
        if name not in self.values:
            hint = did_you_mean(name, self.values) or f"; `let: {{{name[:40]}: 3}}` makes one"
            raise ExpressionError(f"there is no constant `{name[:60]}`{hint}", place=whole.at(node))
        value = self.named(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(f"the constant `{name}` is no number", place=whole.at(node))
        return value


def _small(value: Any) -> Any:
    if abs(value) > MAX_RESULT:
        raise OverflowError(f"it is larger than {MAX_RESULT:,}")
    return value
