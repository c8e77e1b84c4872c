"""Lowers lists, mappings, comprehensions, parts of values and their methods; what is around them is `expressions.py`."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence

from scenrun.program.compiler.assembler import Assembler
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.effects import Effects
from scenrun.program.compiler.scope import Binding, InScope, Object, Register
from scenrun.program.compiler.syntax import call

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Displays(ABC):
    """The part of an expression that makes values of values."""

    code: Assembler
    complaints: Complaints
    effects: Effects

    @abstractmethod
    def _lower(self, node: ast.expr, at: InScope) -> ast.expr: ...

    @abstractmethod
    def _in_order(self, nodes: Sequence[ast.expr], at: InScope) -> list[ast.expr]: ...

    @abstractmethod
    def _settled(self, tree: ast.expr, *, always: bool = False) -> ast.expr: ...

    @abstractmethod
    def _use(self, found: Binding | None, node: ast.Name, at: InScope) -> ast.expr: ...

    @staticmethod
    def _is_object(node: ast.expr, at: InScope) -> bool:
        """Whether a node is the name of an object, or of one of an array."""
        base = node.value if isinstance(node, ast.Subscript) else node
        return isinstance(base, ast.Name) and isinstance(at.scope.find(base.id), Object)

    def _lower_Subscript(self, node: ast.Subscript, at: InScope) -> ast.expr:  # noqa: N802
        if isinstance(node.value, ast.Name) and isinstance(at.scope.find(node.value.id), Object):
            self._use(at.scope.find(node.value.id), node.value, at)
        if isinstance(node.slice, ast.Slice):
            return self._slice(node, node.slice, at)
        value, where = self._in_order([node.value, node.slice], at)
        return ast.Subscript(self._subscripted(value), where, ast.Load())

    def _subscripted(self, value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Name | ast.Subscript | ast.Call):
            return value
        return self._settled(value, always=True)  # Python warns of `1[0]` when it compiles that

    def _slice(self, node: ast.Subscript, where: ast.Slice, at: InScope) -> ast.expr:
        parts = [part for part in (where.lower, where.upper, where.step) if part is not None]
        value, *lowered = self._in_order([node.value, *parts], at)
        left = iter(lowered)
        given = [None if part is None else next(left) for part in (where.lower, where.upper, where.step)]
        return ast.Subscript(self._subscripted(value), ast.Slice(*given), ast.Load())

    def _lower_List(self, node: ast.List, at: InScope) -> ast.expr:  # noqa: N802
        return ast.List(self._in_order(node.elts, at), ast.Load())

    def _lower_Tuple(self, node: ast.Tuple, at: InScope) -> ast.expr:  # noqa: N802
        return ast.Tuple(self._in_order(node.elts, at), ast.Load())

    def _lower_Set(self, node: ast.Set, at: InScope) -> ast.expr:  # noqa: N802
        return call("__set", ast.List(self._in_order(node.elts, at), ast.Load()))

    def _lower_Dict(self, node: ast.Dict, at: InScope) -> ast.expr:  # noqa: N802
        pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k]
        lowered = self._in_order([part for pair in pairs for part in pair], at)
        return ast.Dict(list(lowered[::2]), lowered[1::2])

    def _method(self, node: ast.Call, function: ast.Attribute, at: InScope) -> ast.expr:
        """A method of a value: of a text, a list or a mapping."""
        owner, *arguments = self._in_order([function.value, *node.args], at)
        return call("__method", ast.Constant(function.attr), owner, *arguments)

    def _lower_ListComp(self, node: ast.ListComp, at: InScope) -> ast.expr:  # noqa: N802
        inner, clause = self._clause(node, at)
        return ast.ListComp(self._each(node.elt, inner), [clause])

    def _lower_SetComp(self, node: ast.SetComp, at: InScope) -> ast.expr:  # noqa: N802
        inner, clause = self._clause(node, at)
        return call("__set", ast.ListComp(self._each(node.elt, inner), [clause]))

    def _lower_GeneratorExp(self, node: ast.GeneratorExp, at: InScope) -> ast.expr:  # noqa: N802
        inner, clause = self._clause(node, at)
        return ast.GeneratorExp(self._each(node.elt, inner), [clause])

    def _lower_DictComp(self, node: ast.DictComp, at: InScope) -> ast.expr:  # noqa: N802
        inner, clause = self._clause(node, at)
        return ast.DictComp(self._each(node.key, inner), self._each(node.value, inner), [clause])

    def _clause(self, node: Comprehension, at: InScope) -> tuple[InScope, ast.comprehension]:
        """The scope inside a comprehension, and its `for` and `if`; the items are read first, as in Python."""
        (one,) = node.generators
        assert isinstance(one.target, ast.Name)
        if at.scope.find(one.target.id) is not None:
            message = f"`{one.target.id}` is taken; a comprehension's variable has a name of its own"
            self.complaints.refuse(at.place(one.target), message, about=one.target.id)
        items = call("__items", self._lower(one.iter, at))
        variable = self.code.temporary("each")
        inner = InScope(at.expression, at.scope.inner(**{one.target.id: Register(variable)}))
        conditions = [self._each(condition, inner) for condition in one.ifs]
        return inner, ast.comprehension(ast.Name(variable, ast.Store()), items, conditions, 0)

    def _each(self, node: ast.expr, inner: InScope) -> ast.expr:
        """A part that is evaluated for each item: it reads nothing shared, as each read is a step."""
        if self.effects.writes_code(node, inner):
            message = (
                "what is done with each item reads nothing shared, as each read is a step: read it into a local before"
            )
            self.complaints.refuse(inner.place(node), message)
            return ast.Constant(0)
        return self._lower(node, inner)
