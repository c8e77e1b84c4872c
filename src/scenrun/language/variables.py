"""What a step may write to: a variable, or an item somewhere inside one."""

from __future__ import annotations

import ast
from typing import Any

from msgspec import Struct

from scenrun.errors import Place
from scenrun.language.expressions import Expression, ExpressionError, parse
from scenrun.language.fields import check_name, refuse, shown
from scenrun.language.placed import place_of


class Target(Struct, frozen=True, eq=False):
    """A variable's name and the indices that lead to the item written: none for the variable itself."""

    name: str
    path: tuple[Expression, ...]
    place: Place | None


def parse_target(value: Any) -> Target:
    """`value`, `items[i]`, `table['a'][0]`."""
    if not isinstance(value, str):
        raise refuse(f"a variable's name is expected, not {shown(value)}")
    if "[" not in value:
        return Target(check_name(value), (), place_of(value))
    try:
        whole = parse(value)
    except ExpressionError as error:
        raise refuse(str(error), error.offset) from None
    tree = whole.tree
    path: list[Expression] = []
    while isinstance(tree, ast.Subscript):
        if isinstance(tree.slice, ast.Slice):
            raise refuse("a slice is read, not written; write items one by one")
        path.insert(0, Expression(tree.slice, whole.text, whole.place))
        tree = tree.value
    if not isinstance(tree, ast.Name):
        raise refuse(f"a variable is written `name` or `name[index]`, not {shown(value)}")
    return Target(check_name(tree.id), tuple(path), place_of(value))
