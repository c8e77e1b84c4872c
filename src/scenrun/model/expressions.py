"""Compiles the expressions of instructions to Python functions of a thread's registers and environment."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

from scenrun.errors import Fault
from scenrun.model.state import UNSET
from scenrun.program import values

Evaluate = Callable[[Any, Any], Any]
"""(registers, environment) -> value. The environment has `random`, `index`, `name` and `remaining`."""


class _Names(ast.NodeTransformer):
    """Replaces names of registers by their indices, and the thread's own names by attributes of its environment."""

    def __init__(self, slots: dict[str, int]) -> None:
        self.slots = slots

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.slots:
            at = ast.Subscript(ast.Name("R", ast.Load()), ast.Constant(self.slots[node.id]), ast.Load())
            is_set = ast.Compare(at, [ast.IsNot()], [ast.Name("__UNSET", ast.Load())])
            missing = ast.Call(ast.Name("__unset", ast.Load()), [ast.Constant(node.id)], [])
            return ast.IfExp(is_set, at, missing)
        if node.id in ("random", "index", "name"):
            return ast.Attribute(ast.Name("E", ast.Load()), node.id, ast.Load())
        if node.id == "__remaining":
            return ast.Attribute(ast.Name("E", ast.Load()), "remaining", ast.Load())
        return node


@lru_cache(maxsize=256)
def compiler_of(slots: tuple[tuple[str, int], ...], names: tuple[tuple[str, str], ...]) -> Compiler:
    """The compiler of all codes that have these registers, by name, and these names of locals for them."""
    return Compiler(dict(slots), dict(names))


class Compiler:
    """Compiles the expressions of codes with the same registers, each text once."""

    def __init__(self, slots: dict[str, int], names: dict[str, str]) -> None:
        self._names = _Names(slots)
        self._scope = {**values.FUNCTIONS, "__UNSET": UNSET, "__unset": _unset(names)}
        self._made: dict[str, Evaluate] = {}

    def compile(self, text: str) -> Evaluate:
        """The function of an expression; it raises Fault where a local has no value yet."""
        if text not in self._made:
            tree = ast.parse(text, mode="eval")
            if isinstance(tree.body, ast.Constant):
                self._made[text] = _constant(tree.body.value)
                return self._made[text]
            body = self._names.visit(tree.body)
            arguments = ast.arguments([], [ast.arg("R"), ast.arg("E")], None, [], [], None, [])
            made = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
            self._made[text] = eval(compile(made, "<scenrun expression>", "eval"), self._scope)
        return self._made[text]


def _constant(value: Any) -> Evaluate:
    return lambda R, E: value  # noqa: N803


def _unset(names: dict[str, str]) -> Callable[[str], NoReturn]:
    def fail(register: str) -> NoReturn:
        raise Fault("UnboundLocalError", f"`{names.get(register, register)}` has no value yet")

    return fail
