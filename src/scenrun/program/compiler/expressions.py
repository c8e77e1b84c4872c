"""Lowers an expression to reads of shared variables in Python's evaluation order and a pure expression over registers.

Each read of a shared variable is an instruction, so that other threads can run between two reads. What remains is Python
over registers, which other threads cannot change.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from scenrun.language.expressions import CONVERSIONS, COUNT, FUNCTIONS, NOW, VALUE_METHODS, Expression
from scenrun.language.fields import Reference
from scenrun.language.templates import Template
from scenrun.program.compiler.assembler import MAX_EXPRESSION, Assembler, Label
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.displays import Displays
from scenrun.program.compiler.effects import DYNAMIC, Effects
from scenrun.program.compiler.scope import (
    Alias,
    Binding,
    Constant,
    InScope,
    Nothing,
    Object,
    Register,
    Scope,
    Shared,
    Span,
    Time,
    Unknown,
    VariableAlias,
)
from scenrun.program.compiler.syntax import bounded, call, kept, literal, name
from scenrun.program.compiler.wording import a, describe, example, wrong_index
from scenrun.program.ir import Cell, CellRef
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.registry import KINDS

_CAREFUL = {ast.Mult: "__mul", ast.Pow: "__pow", ast.LShift: "__shl", ast.Mod: "__mod"}
"""Operators whose result can be huge though their operands are small, with the bounded functions that replace them."""


class Expressions(Displays):
    """Lowers the expressions of one code."""

    def __init__(self, assembler: Assembler, complaints: Complaints) -> None:
        self.code = assembler
        self.complaints = complaints
        self.effects = Effects(assembler)
        self._depth = 0

    # --- values, texts and elements of arrays

    def value(self, expression: Expression, scope: Scope) -> str:
        """The value of an expression as Python over registers, bounded, so that it can be stored."""
        return kept(self.tree(expression, scope))

    def sequence(self, expression: Expression, scope: Scope) -> str:
        """The items of a loop as Python over registers; a range stays a range."""
        return bounded(self.tree(expression, scope))

    def tree(self, expression: Expression, scope: Scope) -> ast.expr:
        """Emit the reads of an expression; returns the pure rest as a syntax tree."""
        return self._lower(expression.tree, InScope(expression, scope))

    def store(self, expression: Expression, scope: Scope, into: str) -> None:
        """Emit an expression's value into a register."""
        before = len(self.code.drafts)
        text = self.value(expression, scope)
        drafts = self.code.drafts
        if len(drafts) > before and drafts[-1].into == text and text.startswith("__t"):
            drafts[-1].into = into  # a single read needs no temporary register
        elif text != into:
            self.code.emit("let", arguments=(text,), into=into)

    def test(self, expression: Expression, scope: Scope) -> bool | str:
        """The value of a condition: a constant where it is known at compile time, otherwise Python over registers."""
        tree = self.tree(expression, scope)
        return bool(tree.value) if isinstance(tree, ast.Constant) else ast.unparse(tree)

    def text(self, template: Template, scope: Scope) -> str:
        """A template's text, as Python over registers."""
        plain: list[str] = []
        holes: list[ast.expr] = []
        for part in template.parts:
            if isinstance(part, str):
                plain.append(part.replace("%", "%%"))
                continue
            at = InScope(part.expression, scope)
            if self.effects.may_fail(part.expression.tree, at):
                holes = list(map(self._settled, holes))
            tree = self._lower(part.expression.tree, at)
            if part.format:
                tree = call("__format", tree, ast.Constant(part.format))
            plain.append("%s")
            holes.append(tree)
        if not holes:
            return repr("".join(p for p in template.parts if isinstance(p, str)))
        return ast.unparse(ast.BinOp(ast.Constant("".join(plain)), ast.Mod(), ast.Tuple(holes, ast.Load())))

    def element(self, reference: Reference, found: Object, scope: Scope) -> CellRef | None:
        """The operand for an object of which the element is known or needs an index; None where it is refused."""
        cell = found.cell
        if found.index is not None:
            if reference.index:
                self.complaints.refuse(
                    reference.place, f"`{reference.name}` is one object, which has no index", about=reference.name
                )
            return CellRef(cell.number, self.value(found.index.expression, found.index.scope))
        if cell.count is None:
            if reference.index:
                self.complaints.refuse(
                    reference.place, f"`{cell.name}` is a single {cell.kind}; remove the index", about=cell.name
                )
            return CellRef(cell.number)
        if reference.index is None:
            message = f"`{cell.name}` is an array of {cell.count}; say which: `{cell.name}[0]`"
            self.complaints.refuse(reference.place, message, about=cell.name)
            return None
        if wrong := wrong_index(reference.index.tree, cell):
            self.complaints.refuse(reference.index.at(reference.index.tree), wrong, about=cell.name)
        return CellRef(cell.number, self.value(reference.index, scope))

    # --- the walk

    def _lower(self, node: ast.expr, at: InScope) -> ast.expr:
        self.code.size.grow(1, self.code.place)
        if self._depth > MAX_EXPRESSION:
            message = f"with its parameters put in, more than {MAX_EXPRESSION} operations inside one another"
            self.complaints.refuse(at.place(node) or self.code.place, message)
            return ast.Constant(0)
        self._depth += 1
        method = getattr(self, f"_lower_{type(node).__name__}")
        lowered: ast.expr = method(node, at)
        self._depth -= 1
        return lowered

    def _in_order(self, nodes: Sequence[ast.expr], at: InScope) -> list[ast.expr]:
        """Lower operands in Python's order: before an operand whose code may fail, those to the left are evaluated."""
        # Without this, a fault or draw of the right operand's code would come before those of the left operand, which is
        # still a pure expression and would be evaluated only later, with the whole.
        out: list[ast.expr] = []
        for node in nodes:
            if self.effects.may_fail(node, at):
                out = list(map(self._settled, out))
            out.append(self._lower(node, at))
        return out

    def _settled(self, tree: ast.expr, *, always: bool = False) -> ast.expr:
        """The operand evaluated into a register at this point, unless it is a temporary register or a constant.

        always: a constant is evaluated as well.
        """
        if isinstance(tree, ast.Name) and tree.id.startswith("__"):
            return tree
        if isinstance(tree, ast.Constant) and not always:
            return tree
        into = self.code.temporary()
        self._assign(into, tree)
        return name(into)

    def _lower_Constant(self, node: ast.Constant, at: InScope) -> ast.expr:  # noqa: N802
        return node

    def _lower_Name(self, node: ast.Name, at: InScope) -> ast.expr:  # noqa: N802
        return self._use(at.scope.find(node.id), node, at)

    def _use(self, found: Binding | None, node: ast.Name, at: InScope) -> ast.expr:
        if isinstance(found, Register):
            return name(found.name)
        if isinstance(found, Constant):
            return ast.Constant(found.value) if not isinstance(found.value, list | dict) else literal(found.value)
        if isinstance(found, Shared):
            return self._read("variable.read", CellRef(found.cell.number))
        if isinstance(found, Alias):
            return self._lower(found.expression.tree, found)
        if isinstance(found, VariableAlias):
            tree = self._use(found.scope.find(found.target.name), node, at)
            for index in found.target.path:
                tree = ast.Subscript(tree, self._lower(index.tree, InScope(index, found.scope)), ast.Load())
            return tree
        if found is None:
            hint = self.complaints.hint(node.id, [*at.scope.known(), *FUNCTIONS])
            hint = hint or f"; if it is text, quote it twice: \"'{node.id}'\""
            self.complaints.refuse(at.place(node), f"there is no `{node.id}` here{hint}", about=node.id)
        elif not isinstance(found, Unknown):
            message = f"`{node.id}` is {describe(found)}, which has no value; {example(found)}"
            self.complaints.refuse(at.place(node), message, about=node.id)
        return ast.Constant(0)

    def _read(self, op: str, target: CellRef, **options: Any) -> ast.expr:
        into = self.code.temporary()
        self.code.emit(op, target=target, into=into, options=options)
        return name(into)

    def _lower_BinOp(self, node: ast.BinOp, at: InScope) -> ast.expr:  # noqa: N802
        left, right = self._in_order([node.left, node.right], at)
        careful = _CAREFUL.get(type(node.op))
        return call(careful, left, right) if careful else ast.BinOp(left, node.op, right)

    def _lower_UnaryOp(self, node: ast.UnaryOp, at: InScope) -> ast.expr:  # noqa: N802
        operand = self._lower(node.operand, at)
        if isinstance(node.op, ast.Not) and isinstance(operand, ast.Constant):
            return ast.Constant(not operand.value)
        return ast.UnaryOp(node.op, operand)

    def _lower_BoolOp(self, node: ast.BoolOp, at: InScope) -> ast.expr:  # noqa: N802
        first, *rest = node.values
        so_far = self._lower(first, at)
        for value in rest:
            so_far = self._and_or(node.op, so_far, value, at)
        return so_far

    def _and_or(self, op: ast.boolop, left: ast.expr, right: ast.expr, at: InScope) -> ast.expr:
        """`left and right` or `left or right`, lowered so that `right` is read only if Python would evaluate it."""
        is_and = isinstance(op, ast.And)
        if isinstance(left, ast.Constant):
            return self._lower(right, at) if bool(left.value) == is_and else left
        if not self.effects.writes_code(right, at):
            return ast.BoolOp(op, [left, self._lower(right, at)])
        result, end = self.code.temporary("b"), Label()
        self.code.emit("let", arguments=(ast.unparse(left),), into=result)
        self.code.emit("branch", arguments=(result if is_and else f"not {result}",), to=end)
        self._assign(result, self._lower(right, at))
        self.code.mark(end)
        return name(result)

    def _assign(self, into: str, tree: ast.expr) -> None:
        """Emit a part of an expression, bounded, into a register."""
        self.code.emit("let", arguments=(kept(tree),), into=into)

    def _lower_IfExp(self, node: ast.IfExp, at: InScope) -> ast.expr:  # noqa: N802
        condition = self._lower(node.test, at)
        if isinstance(condition, ast.Constant):
            return self._lower(node.body if condition.value else node.orelse, at)
        if not self.effects.writes_code(node.body, at) and not self.effects.writes_code(node.orelse, at):
            return ast.IfExp(condition, self._lower(node.body, at), self._lower(node.orelse, at))
        result, otherwise, end = self.code.temporary("b"), Label(), Label()
        self.code.emit("branch", arguments=(ast.unparse(condition),), to=otherwise)
        self._assign(result, self._lower(node.body, at))
        self.code.emit("jump", to=end)
        self.code.mark(otherwise)
        self._assign(result, self._lower(node.orelse, at))
        self.code.mark(end)
        return name(result)

    def _lower_Compare(self, node: ast.Compare, at: InScope) -> ast.expr:  # noqa: N802
        folded = self._is_none(node, at)
        if folded is not None:
            return ast.Constant(folded)
        if len(node.ops) == 1 or not any(self.effects.writes_code(c, at) for c in node.comparators[1:]):
            left, *others = self._in_order([node.left, *node.comparators], at)
            return ast.Compare(left, node.ops, others)
        return self._chain(node, at)

    def _chain(self, node: ast.Compare, at: InScope) -> ast.expr:
        """`a < b < c` with shared variables, lowered so that `c` is read only if `a < b`, as in Python."""
        result, end = self.code.temporary("b"), Label()
        left = self._settled(self._lower(node.left, at))
        for position, (op, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if position:
                self.code.emit("branch", arguments=(result,), to=end)
            right = self.code.temporary()
            self._assign(right, self._lower(comparator, at))
            self._assign(result, ast.Compare(left, [op], [name(right)]))
            left = name(right)
        self.code.mark(end)
        return name(result)

    def _is_none(self, node: ast.Compare, at: InScope) -> bool | None:
        """The value of `guard is None`, known at compile time where `guard` is an object, duration, constant or nothing.

        None for all other comparisons.
        """
        if not (isinstance(node.left, ast.Name) and len(node.ops) == 1):
            return None
        found = at.scope.find(node.left.id)
        right = node.comparators[0]
        is_none = isinstance(right, ast.Constant) and right.value is None
        if not is_none or not isinstance(found, Nothing | Object | Time | Span | Constant):
            return None
        nothing = isinstance(found, Nothing) or (isinstance(found, Constant) and found.value is None)
        return nothing == isinstance(node.ops[0], ast.Is | ast.Eq)

    def _lower_Attribute(self, node: ast.Attribute, at: InScope) -> ast.expr:  # noqa: N802
        return self._question(node.value, node.attr, node, at)

    def _lower_Call(self, node: ast.Call, at: InScope) -> ast.expr:  # noqa: N802
        function = node.func
        if isinstance(function, ast.Name):
            if function.id == "inside":
                return self._inside(node, at)
            if function.id == NOW:
                return self._now(node, at)
            safe = f"__{function.id}" if function.id in ("range", *CONVERSIONS) else function.id
            return ast.Call(name(safe), self._in_order(node.args, at), [])
        assert isinstance(function, ast.Attribute)
        if function.attr in VALUE_METHODS and not self._is_object(function.value, at):
            return self._method(node, function, at)
        if isinstance(function.value, ast.Name) and function.value.id == "random":
            return ast.Call(function, self._in_order(node.args, at), [])
        return self._question(function.value, function.attr, node, at)

    def _now(self, node: ast.Call, at: InScope) -> ast.expr:
        """A reading of the clock, which is a step."""
        if self.code.atomic:
            self.complaints.refuse(at.place(node), "inside `atomic` only variables are read; read the clock before it")
            return ast.Constant(0)
        return self._read(READ, CellRef(self.names.clock().number))

    def _inside(self, node: ast.Call, at: InScope) -> ast.expr:
        argument = node.args[0]
        assert isinstance(argument, ast.Constant)
        assert self.names is not None
        self.names.asked.setdefault(str(argument.value), at.place(argument))
        cell = self.names.section(str(argument.value))
        return self._read("section.inside", CellRef(cell.number))

    names: Any = None
    """The file's names, which number the sections."""

    def _question(self, owner: ast.expr, asked: str, node: ast.expr, at: InScope) -> ast.expr:
        base = owner.value if isinstance(owner, ast.Subscript) else owner
        assert isinstance(base, ast.Name)
        found = at.scope.find(base.id)
        index = (
            Expression(owner.slice, at.expression.text, at.expression.place)
            if isinstance(owner, ast.Subscript)
            else None
        )
        if isinstance(found, Object):
            return self._ask(Reference(base.id, index, at.place(node)), found, asked, at)
        if isinstance(found, Unknown):
            return ast.Constant(0)
        if isinstance(found, Nothing):
            self.complaints.refuse(at.place(node), f"`{base.id}` is none here; ask `{base.id} is None` first")
        elif found is None:
            hint = self.complaints.hint(base.id, at.scope.known())
            self.complaints.refuse(at.place(node), f"there is no `{base.id}` here{hint}", about=base.id)
        elif asked in DYNAMIC and self.code.atomic:
            self.complaints.refuse(at.place(node), "inside `atomic` only variables are read; ask before it")
        elif asked in DYNAMIC:
            into = self.code.temporary()
            held = ast.unparse(self._lower(owner, at))
            self.code.emit(f"future.{asked}", arguments=(held,), into=into)
            return name(into)
        else:
            self.complaints.refuse(
                at.place(node), f"`{base.id}` is {describe(found)}, which has no `{asked}`", about=base.id
            )
        return ast.Constant(0)

    def _count(self, reference: Reference, cell: Cell) -> ast.expr:
        """How many threads a group has, or objects an array."""
        if self.names is not None and self.names.is_any_number(cell.name):
            message = f"`{cell.name}` is any number of threads; say a `count` to use it"
            self.complaints.refuse(reference.place, message, about=cell.name)
        return ast.Constant(cell.count or 1)

    def _ask(self, reference: Reference, found: Object, asked: str, at: InScope) -> ast.expr:
        kind = KINDS[found.cell.kind]
        if asked == COUNT and reference.index is None and found.index is None:
            return self._count(reference, found.cell)
        if self.code.atomic:
            self.complaints.refuse(reference.place, "inside `atomic` only variables are read; ask before it")
            return ast.Constant(0)
        if asked not in (*kind.questions, *kind.attributes):
            known = [*(f"{q}()" for q in kind.questions), *kind.attributes]
            what = f"{a(kind.name)} answers {', '.join(known)}" if known else f"{a(kind.name)} answers no questions"
            self.complaints.refuse(
                reference.place,
                f"`{reference.name}` is {a(kind.name)}, which has no `{asked}`; {what}",
                about=reference.name,
            )
            return ast.Constant(0)
        target = self.element(reference, found, at.scope)
        return self._read(f"{kind.name}.{asked}", target) if target else ast.Constant(0)
