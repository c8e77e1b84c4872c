"""Expressions, texts and durations of a scenario as Python: names by their meanings, questions, and what is known already."""

from __future__ import annotations

import ast
from typing import Any

from scenrun.language.durations import UNITS_NS, Duration
from scenrun.language.durations import parse as parse_duration
from scenrun.language.expressions import COMPREHENSIONS, COUNT, Expression
from scenrun.language.fields import ComputedDuration, DurationName, Reference
from scenrun.language.templates import Hole, Template
from scenrun.plain_python.layout import quoted, unparsed
from scenrun.plain_python.meanings import GIVEN, NONE, SHARED, Meaning, Scope, name
from scenrun.plain_python.script import Script


class _Renamed(ast.NodeTransformer):
    """Puts the meanings of names into an expression."""

    def __init__(self, script: Script, scope: Scope) -> None:
        self.script = script
        self.scope = scope

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self.scope.find(node.id)
        if found is None:
            return node
        return self.script.read(found, self.scope)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == "random":
            self.script.imports.add("random")
            return node
        owner = self.scope.find(node.value.id) if isinstance(node.value, ast.Name) else None
        if node.attr == COUNT and owner is not None and owner.count is not None:
            return ast.Constant(owner.count)
        return ast.Attribute(self.visit(node.value), node.attr, ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node.func:
            case ast.Name(id="inside"):
                assert isinstance(node.args[0], ast.Constant)
                return ast.Attribute(name(self.script.section(str(node.args[0].value))), "inside", ast.Load())
            case ast.Name(id="now"):
                return self.script.clock()
            case ast.Attribute(value=ast.Name(id="random"), attr="hex"):
                self.script.imports.add("random")
                drawn = ast.Call(ast.Attribute(name("random"), "randbytes", ast.Load()), [self.visit(node.args[0])], [])
                return ast.Call(ast.Attribute(drawn, "hex", ast.Load()), [], [])
            case ast.Name():
                return ast.Call(node.func, [self.visit(one) for one in node.args], [])
        return ast.Call(self.visit(node.func), [self.visit(one) for one in node.args], [])

    def _comprehension(self, node: Any) -> ast.expr:
        (one,) = node.generators
        inner = _Renamed(self.script, self.scope.with_names(**{one.target.id: Meaning(name(one.target.id), "local")}))
        generator = ast.comprehension(one.target, self.visit(one.iter), [inner.visit(test) for test in one.ifs], 0)
        if isinstance(node, ast.DictComp):
            return ast.DictComp(inner.visit(node.key), inner.visit(node.value), [generator])
        made: ast.expr = type(node)(inner.visit(node.elt), [generator])
        return made

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, COMPREHENSIONS):
            return self._comprehension(node)
        return folded(super().visit(node))


def folded(node: ast.AST) -> ast.AST:
    """A comparison with None whose answer is known, and what follows from it; any other node as it is."""
    match node:
        case ast.Compare(left=one, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
            known = one.value is None if isinstance(one, ast.Constant) else False if is_given(one) else None
            return node if known is None else ast.Constant(known == isinstance(op, ast.Is))
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=bool() as value)):
            return ast.Constant(not value)
        case ast.BoolOp():
            return _folded_junction(node)
        case ast.BinOp(left=ast.Constant(value=int()), op=ast.Add() | ast.Sub(), right=ast.Constant(value=int())):
            return _folded_sum(node)
        case ast.IfExp(test=ast.Constant(value=bool() as value)):
            return node.body if value else node.orelse
    return node


def _folded_junction(node: ast.BoolOp) -> ast.expr:
    """An `and` or `or` without the parts that are known."""
    decides = isinstance(node.op, ast.Or)
    left: list[ast.expr] = []
    for value in node.values:
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            if value.value is decides:
                return value if not left else ast.BoolOp(node.op, [*left, value])
        else:
            left.append(value)
    if not left:
        return ast.Constant(not decides)
    return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)


def _folded_sum(node: ast.BinOp) -> ast.expr:
    """A sum of two numbers of which one is an argument that was written into it."""
    one, other = node.left, node.right
    assert isinstance(one, ast.Constant)
    assert isinstance(other, ast.Constant)
    if not (is_given(one) or is_given(other)):
        return node
    return ast.Constant(one.value + other.value if isinstance(node.op, ast.Add) else one.value - other.value)  # type: ignore[operator]


def is_given(node: ast.expr) -> bool:
    """Whether an expression stands for an object or a duration, which is never None."""
    return bool(getattr(node, "is_given", False))


def tree_of(script: Script, expression: Expression, scope: Scope) -> ast.expr:
    """An expression of the file as one of the script."""
    made: ast.expr = _Renamed(script, scope).visit(_copied(expression.tree))
    return made


def _copied(tree: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(tree), mode="eval").body


def text_of(script: Script, expression: Expression, scope: Scope) -> str:
    """An expression of the file as text of the script."""
    return unparsed(tree_of(script, expression, scope))


def object_of(script: Script, reference: Reference, scope: Scope) -> Meaning | None:
    """The object that a reference is to; None where a parameter was given none."""
    found = scope.find(reference.name)
    if found is None or found.kind == NONE:
        return None
    if reference.index is None:
        return found
    return found.item(tree_of(script, reference.index, scope))


def seconds(script: Script, timing: Any, scope: Scope) -> str | None:
    """A duration in seconds as text of the script; None where a parameter was given none."""
    if timing is None:
        return None
    if isinstance(timing, DurationName):
        found = scope.find(timing.name)
        if found is None or found.kind == NONE:
            return None
        if found.kind == "constant" and isinstance(found.tree, ast.Constant):
            return number(parse_duration(str(found.tree.value)))
        return unparsed(script.read(found, scope))
    if isinstance(timing, ComputedDuration):
        return unparsed(computed(script, timing, scope))
    return unparsed(duration(script, timing))


def computed(script: Script, timing: ComputedDuration, scope: Scope) -> ast.expr:
    """A computed duration in seconds; one that may be negative is none."""
    tree = tree_of(script, timing.number, scope)
    size = UNITS_NS[timing.unit] / 1_000_000_000
    if size < 1:
        tree = ast.BinOp(tree, ast.Div(), ast.Constant(round(1 / size)))
    elif size > 1:
        tree = ast.BinOp(tree, ast.Mult(), ast.Constant(round(size)))
    is_plain = not any(isinstance(node, ast.Sub | ast.USub) for node in ast.walk(tree))
    return tree if is_plain else ast.Call(name("max"), [ast.Constant(0), tree], [])


def number(nanoseconds: int) -> str:
    """A duration in seconds: `0.1`, `2`."""
    return unparsed(_number(nanoseconds))


def _number(nanoseconds: int) -> ast.expr:
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    return ast.Constant(whole if not rest else nanoseconds / 1_000_000_000)


def duration(script: Script, given: Duration) -> ast.expr:
    """A duration or a distribution in seconds, drawn where it stands."""
    numbers = [_number(one) for one in given.numbers]
    if given.kind == "fixed":
        return numbers[0]
    script.imports.add("random")
    if given.kind == "uniform":
        return _random("uniform", *numbers)
    if given.kind == "exponential":
        return _random("expovariate", ast.BinOp(ast.Constant(1), ast.Div(), numbers[0]))
    return ast.Call(name("max"), [ast.Constant(0), _random("gauss", *numbers)], [])


def _random(what: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(name("random"), what, ast.Load()), list(arguments), [])


def message(script: Script, template: Template, scope: Scope) -> tuple[str, ...]:
    """The arguments of a call of `logging`: a text with `%s`, and the values."""
    holes = [part for part in template.parts if isinstance(part, Hole)]
    values = [_formatted(script, hole, scope) for hole in holes]
    plain = [part.replace("%", "%%") if holes else part for part in template.parts if isinstance(part, str)]
    texts = iter(plain)
    return quoted("".join(next(texts) if isinstance(part, str) else "%s" for part in template.parts)), *values


def _formatted(script: Script, hole: Hole, scope: Scope) -> str:
    value = text_of(script, hole.expression, scope)
    return f"format({value}, {quoted(hole.format)})" if hole.format else value


def formatted(script: Script, template: Template, scope: Scope, skip: int = 0) -> str:
    """A text with values in it, as an f-string, or a plain one; the first `skip` characters are left out."""
    parts: list[str] = []
    has_holes = False
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part[skip:].replace("{", "{{").replace("}", "}}"))
            skip = max(0, skip - len(part))
        else:
            has_holes = True
            value = text_of(script, part.expression, scope)
            if '"' in value or "\\" in value:  # no part of an f-string before Python 3.12
                value = value.replace('"', "'") if "'" not in value and "\\" not in value else ""
            if not value:
                return _joined(script, template, scope)
            parts.append(f"{{{value}:{part.format}}}" if part.format else f"{{{value}}}")
    if not has_holes:
        return quoted("".join(parts).replace("{{", "{").replace("}}", "}"))
    return f"f{quoted(''.join(parts))}"


def _joined(script: Script, template: Template, scope: Scope) -> str:
    text, *values = message(script, template, scope)
    return f"{text} % ({', '.join(values)},)"


def reads(script: Script, tree: ast.expr, scope: Scope) -> int:
    """How many reads of shared variables and questions to objects an expression of the file makes."""
    total = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found = scope.find(node.id)
            total += found is not None and (found.kind == SHARED or found.is_object or found.kind in GIVEN)
            total += node.id in ("inside", "now")
    return total
