"""Values of the language do not change when a copy of theirs does: where a script has to copy, and how deep."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scenrun.language.expressions import COMPREHENSIONS
from scenrun.plain_python.layout import unparsed
from scenrun.plain_python.script import Script

_VIEWS = ("keys", "values", "items")
"""Methods whose result changes with the mapping in Python, and is a list in the language."""
_CHOOSING = ("min", "max")
_GATHERING = ("list", "tuple", "sorted", "set")


def kept(script: Script, given: ast.expr, tree: ast.expr, into: str = "") -> ast.expr:
    """The expression `tree` for a value that is kept, which may be changed in place where it is, or where it was.

    given: the same as the file has it; into: the variable that takes the value.
    """
    changed = script.uses.changed_in_place
    names = set(_bare(given))
    if not names & changed and not (into in changed and names - {"name", "index"}):
        return _listed(given, tree)
    if isinstance(given, ast.IfExp) and isinstance(tree, ast.IfExp):
        tree.body, tree.orelse = (
            kept(script, given.body, tree.body, into),
            kept(script, given.orelse, tree.orelse, into),
        )
        return tree
    if isinstance(given, ast.List | ast.Tuple) and isinstance(tree, ast.List | ast.Tuple):
        tree.elts = [kept(script, one, made) for one, made in zip(given.elts, tree.elts, strict=True)]
        return tree
    if isinstance(given, ast.Dict) and isinstance(tree, ast.Dict):
        tree.values = [kept(script, one, made) for one, made in zip(given.values, tree.values, strict=True)]
        return tree
    if _is_fresh(given) and not _holds_names(given) and not script.uses.is_nested:
        return _listed(given, tree)
    if isinstance(given, ast.Subscript) and not (into in changed or script.uses.is_nested or not _root(given)):
        return tree
    is_deep = _is_fresh(given) or _holds_names(given)
    return ast.parse(script.copied(unparsed(tree), deep=is_deep), mode="eval").body


def _listed(given: ast.expr, tree: ast.expr) -> ast.expr:
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr in _VIEWS:
        return ast.Call(ast.Name("list", ast.Load()), [tree], [])
    return tree


def _bare(given: ast.expr) -> Iterator[str]:
    """The names whose values, or items of these, an expression may give back as they are."""
    match given:
        case ast.Name(id=text):
            yield text
        case ast.Subscript(value=value) | ast.Attribute(value=value):
            yield from _bare(value)
        case ast.BoolOp(values=parts) | ast.Dict(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _bare(part)
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            yield from _bare(one)
            yield from _bare(other)
        case ast.Call(func=ast.Attribute(value=owner, attr="get" | "values" | "items"), args=parts):
            for part in (owner, *parts):
                yield from _bare(part)
        case ast.Call(func=ast.Name(id=called), args=parts) if called in (*_CHOOSING, *_GATHERING):
            for part in parts:
                yield from _bare(part)
        case ast.ListComp(elt=element, generators=[one]) | ast.GeneratorExp(elt=element, generators=[one]):
            yield from _bare(element)
            yield from _bare(one.iter)


def _is_fresh(given: ast.expr) -> bool:
    """Whether the value itself is a new one, and its items alone may be those of another."""
    if isinstance(given, ast.Subscript):
        return isinstance(given.slice, ast.Slice)
    if isinstance(given, ast.Call):
        is_gathered = isinstance(given.func, ast.Name) and given.func.id in _GATHERING
        return is_gathered or (isinstance(given.func, ast.Attribute) and given.func.attr in _VIEWS)
    return isinstance(given, (ast.BinOp, ast.Set, *COMPREHENSIONS))


def _holds_names(given: ast.expr) -> bool:
    """Whether a display in the expression holds the value of a name."""
    displays = (node for node in ast.walk(given) if isinstance(node, ast.List | ast.Tuple | ast.Dict))
    return any(name for display in displays for name in _bare(display))


def _root(given: ast.Subscript) -> bool:
    """Whether an item is that of a name."""
    node: ast.expr = given
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name)
