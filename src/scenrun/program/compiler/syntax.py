"""Syntax trees of the Python over registers that expressions become, and their text, bounded where it is stored."""

from __future__ import annotations

import ast
from typing import Any

from scenrun.language.expressions import Expression
from scenrun.language.fields import Reference

_GROWING = (ast.BinOp, ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp)


def name(register: str) -> ast.Name:
    """The syntax tree of a register or function name."""
    return ast.Name(register, ast.Load())


def call(function: str, *arguments: ast.expr) -> ast.Call:
    """The syntax tree of a call of a function of `values.FUNCTIONS`."""
    return ast.Call(name(function), list(arguments), [])


def reference_in(expression: Expression) -> Reference | None:
    """The name, or name with an index, that an expression is; None where it is anything else."""
    tree = expression.tree
    if isinstance(tree, ast.Name):
        return Reference(tree.id, None, expression.at(tree))
    if not isinstance(tree, ast.Subscript) or not isinstance(tree.value, ast.Name) or isinstance(tree.slice, ast.Slice):
        return None
    return Reference(tree.value.id, Expression(tree.slice, expression.text, expression.place), expression.at(tree))


def literal(value: Any) -> ast.expr:
    """The syntax tree of a plain value."""
    return ast.parse(repr(value), mode="eval").body


def kept(tree: ast.expr) -> str:
    """Python for a value that is stored: ranges become lists, and the size is bounded."""
    if _calls(tree, "__range"):
        tree = call("__settled", tree)
    return bounded(tree)


def bounded(tree: ast.expr) -> str:
    """Python for a value whose size is bounded."""
    if any(isinstance(node, _GROWING) or _may_grow(node) for node in ast.walk(tree)):
        tree = call("__bounded", tree)
    return ast.unparse(tree)


def _calls(tree: ast.AST, function: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == function for n in ast.walk(tree))


def _may_grow(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in (
        "len", "bool", "any", "all", "float", "abs", "__range", "__settled"
    )  # fmt: skip
