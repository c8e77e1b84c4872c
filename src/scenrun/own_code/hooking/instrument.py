"""Compiles source with hooks: before each access that threads can share, the code announces it.

A hook announces and gives its operand back, `_scenrun_get_(o, 'x', 7).x`, so that the interpreter itself makes the access:
descriptors, name mangling, error texts and the order of evaluation stay what they are. Where one expression reads and writes
(`o.x += 1`), the target becomes an attribute of a small proxy that announces both.
"""

from __future__ import annotations

import ast
from typing import Any

from scenrun.own_code.hooking.operator_names import COMPARED, OPERATORS
from scenrun.own_code.hooking.scopes import (
    Function,
    closure_variables,
    declared_global,
    goes_on_later,
    own_names,
    unannounced,
)
from scenrun.own_code.hooking.sites import Site, number_of

FRAME_READERS = frozenset({"super", "locals", "globals", "vars", "dir", "eval", "exec"})
"""Built-in functions that look at the frame of their caller, which must call them itself."""


class Instrumenter(ast.NodeTransformer):
    """Puts hooks into one module."""

    def __init__(self, tree: ast.Module, file: str) -> None:
        self.file = file
        self._functions: list[str] = []
        self._classes: list[str] = []
        self._globals = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
        """The globals that some function writes."""
        self._nonlocals = closure_variables(tree)
        """The variables of functions that some inner function uses, and that are written more than once or by it."""
        self._waits = [False]
        """For the module and each function around, whether a loop there may wait for another thread."""
        self._loops: dict[ast.While, ast.Constant] = {}
        """The sites of these loops."""
        self._own: list[tuple[set[str], set[str]]] = []
        """For each function around, the names that are its own and so hide globals, and those that it declares to be global."""

    # --- scopes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node, node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        found = self._function(node, node.name)
        node.body.insert(ast.get_docstring(node, clean=False) is not None, self._warning(node, "a coroutine"))
        return found

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._function(node, "<lambda>")

    def _function(self, node: Function, name: str) -> ast.AST:
        if not isinstance(node, ast.Lambda):
            node.decorator_list = [self._decorator(one) for one in node.decorator_list]
        node.args.defaults = [self.visit(one) for one in node.args.defaults]
        node.args.kw_defaults = [None if one is None else self.visit(one) for one in node.args.kw_defaults]
        self._functions.append(name)
        self._own.append((own_names(node), declared_global(node)))
        classes, self._classes = self._classes, [*self._classes]
        self._waits.append(not goes_on_later(node))
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = self._block(node.body)
        self._classes = classes
        self._waits.pop()
        self._own.pop()
        self._functions.pop()
        return node  # annotations stay as they are: nobody runs them when threads do

    def _decorator(self, node: ast.expr) -> ast.expr:
        """A decorator, which is called where a function inside of another is made."""
        found: ast.expr = self.visit(node)
        return self._call("_scenrun_function_", node, found, self._site(node, "call")) if self._functions else found

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [self._decorator(one) for one in node.decorator_list]
        node.bases = [self.visit(one) for one in node.bases]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        self._functions.append(node.name)
        self._classes.append(node.name)
        node.body = self._block(node.body)
        self._classes.pop()
        self._functions.pop()
        return node

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for one in body:
            out += [*self._warned(one), self.visit(one)]
        return out

    def _warned(self, node: ast.stmt) -> list[ast.stmt]:
        """What is to be said before a statement: that it does what no hook can announce, or that a loop begins."""
        found = unannounced(node, lambda name: self._shared_name(name) is not None)
        warned = [] if not found or not self._functions else [self._warning(node, found)]
        if isinstance(node, ast.While) and self._waits[-1]:
            self._loops[node] = self._site(node, "while")
            call = self._call("_scenrun_enter_", node, self._loops[node])
            return [*warned, ast.copy_location(ast.Expr(call), node)]
        return warned

    def _warning(self, node: ast.AST, what: str) -> ast.stmt:
        call = self._call("_scenrun_unknown_", node, ast.Constant(what), self._site(node, what))
        return ast.copy_location(ast.Expr(call), node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Whatever has statements in it: `try`, `with`, `except` and all others for which there is no method of their own."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, field, self._block(value))
            elif isinstance(value, list):
                setattr(node, field, [self.visit(one) if isinstance(one, ast.AST) else one for one in value])
            elif isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        node.cause = None if node.cause is None else self.visit(node.cause)
        if node.exc is not None:
            node.exc = self._call("_scenrun_raised_", node, self.visit(node.exc), self._site(node, "raise"))
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.target = self.visit(node.target)
        node.value = None if node.value is None else self.visit(node.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        node.guard = None if node.guard is None else self._looked_at(node.guard)
        node.body = self._block(node.body)
        return node  # a pattern can hold no hook

    # --- attributes and items

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        hook = "_scenrun_get_" if isinstance(node.ctx, ast.Load) else "_scenrun_set_"
        value = self.visit(node.value)
        node.value = self._call(hook, node, value, ast.Constant(self._mangled(node.attr)), self._site(node, node.attr))
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            value, key = self.visit(node.value), self._key(node.slice)
            return self._call("_scenrun_item_", node, value, key, self._site(node, "[]"))
        return self._proxied("_scenrun_cell_", node, node.value, self._key(node.slice), "[]", node.ctx)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        target = node.target
        if isinstance(target, ast.Name):
            return self._updated_name(node, target)
        if isinstance(target, ast.Attribute):
            name = ast.Constant(self._mangled(target.attr))
            site = self._site(target, target.attr)
            read = self._call("_scenrun_field_", target, self.visit(target.value), name, site)
        else:
            assert isinstance(target, ast.Subscript)
            site = self._site(target, "[]")
            read = self._call("_scenrun_both_", target, self.visit(target.value), self._key(target.slice), site)
        by = ast.copy_location(ast.Attribute(read, "by", ast.Load()), target)
        made = ast.Call(by, [ast.Constant(f"{OPERATORS[type(node.op)]}="), self.visit(node.value)], [])
        return ast.copy_location(ast.Expr(ast.copy_location(made, node)), node)

    def _proxied(
        self, hook: str, node: ast.expr, owner: ast.expr, key: ast.expr, what: str, context: ast.expr_context
    ) -> ast.Attribute:
        made = self._call(hook, node, self.visit(owner), key, self._site(node, what))
        return ast.copy_location(ast.Attribute(made, "value", context), node)

    def _key(self, node: ast.expr) -> ast.expr:
        """What stands in brackets, as an expression that can be an argument."""
        if isinstance(node, ast.Slice):
            parts = [
                ast.Constant(None) if one is None else self.visit(one) for one in (node.lower, node.upper, node.step)
            ]
            return self._call("_scenrun_slice_", node, *parts)
        if isinstance(node, ast.Tuple):
            node.elts = [self._key(one) for one in node.elts]
            return node
        found: ast.expr = self.visit(node)
        return found

    # --- names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        about = self._shared_name(node.id)
        if about is None or not isinstance(node.ctx, ast.Load):
            return node
        announced = self._call(
            "_scenrun_name_", node, ast.Constant(about), ast.Constant(node.id), self._site(node, node.id)
        )
        return ast.copy_location(ast.BoolOp(ast.Or(), [announced, node]), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        takes_apart = any(isinstance(one, ast.Tuple | ast.List) for one in node.targets)
        node.value = self._taken(node.value) if takes_apart else self.visit(node.value)
        for target in node.targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    node.value = self._stored(node.value, name)
        node.targets = [self.visit(one) for one in node.targets]
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        node.value = self._stored(self.visit(node.value), node.target)
        return node

    def _updated_name(self, node: ast.AugAssign, target: ast.Name) -> ast.AST:
        value = self.visit(node.value)
        if self._shared_name(target.id) is None:
            before = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            return ast.copy_location(ast.Assign([target], self._updated(node, before, value)), node)
        before = self.visit(ast.copy_location(ast.Name(target.id, ast.Load()), target))
        after = self._updated(node, before, value)
        return ast.copy_location(ast.Assign([target], self._stored(after, target)), node)

    def _updated(self, node: ast.AugAssign, before: ast.expr, value: ast.expr) -> ast.expr:
        what = f"{OPERATORS[type(node.op)]}="
        return self._call("_scenrun_update_", node, ast.Constant(what), before, value, self._site(node, what))

    def _stored(self, value: ast.expr, name: ast.Name) -> ast.expr:
        """A value that is about to be stored in a variable, announced if others can see that."""
        about = self._shared_name(name.id)
        if about is None:
            return value
        return self._call(
            "_scenrun_stored_", name, value, ast.Constant(about), ast.Constant(name.id), self._site(name, name.id)
        )

    def _shared_name(self, name: str) -> str | None:
        """What a name stands for if functions that write it can run in several threads: this module, or a closure."""
        if not self._functions:
            return None
        if name in self._nonlocals:
            return f"{self.file}: a closure"
        if name not in self._globals:
            return None
        for own, are_global in reversed(self._own):
            if name in are_global:
                return self.file
            if name in own:
                return None
        return self.file

    # --- calls, loops, tests

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Name) and function.id in FRAME_READERS:
            found: ast.expr = self.generic_visit(node)  # type: ignore[assignment]
            if function.id == "super":
                return found
            about = f"{function.id}()"
            said = self._call("_scenrun_unknown_", node, ast.Constant(about), self._site(node, about))
            return ast.copy_location(ast.BoolOp(ast.Or(), [said, found]), node)
        if isinstance(function, ast.Attribute):
            name = ast.Constant(self._mangled(function.attr))
            site = self._site(function, f"{function.attr}()")
            node.func = self._call("_scenrun_method_", function, self.visit(function.value), name, site)
        else:
            node.func = self._call("_scenrun_function_", function, self.visit(function), self._site(node, "call"))
        node.args = [self.visit(one) for one in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value) if keyword.arg else self._taken(keyword.value)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        node.value = self._taken(node.value) if isinstance(node.ctx, ast.Load) else self.visit(node.value)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        pairs = list(zip(node.keys, node.values, strict=True))
        node.keys = [None if key is None else self.visit(key) for key, _ in pairs]
        node.values = [self._taken(value) if key is None else self.visit(value) for key, value in pairs]
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        node.iter = self._iterated(node.iter, node.target)
        node.target = self.visit(node.target)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.iter = self._iterated(node.iter, node.target)
        node.target = self.visit(node.target)
        node.ifs = [self._looked_at(one) for one in node.ifs]
        return node

    def _iterated(self, node: ast.expr, target: ast.expr | None = None) -> ast.expr:
        hook = "_scenrun_unpacked_" if isinstance(target, ast.Tuple | ast.List) else "_scenrun_each_"
        return self._call(hook, node, self.visit(node), self._site(node, "for"))

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        node.value = self._whole(node.value, "_scenrun_delegated_")
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        node.value = self._whole(node.value)
        node.format_spec = None if node.format_spec is None else self.visit(node.format_spec)
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self._whole(node.subject)
        node.cases = [self.visit(one) for one in node.cases]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            node.left, node.right = left, right
            return node
        return self._operated(node, OPERATORS[type(node.op)], left, right)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        what = COMPARED.get(type(node.ops[0])) if len(node.ops) == 1 else None
        if what is not None:
            return self._operated(node, what, self.visit(node.left), self.visit(node.comparators[0]))
        if all(isinstance(one, ast.Is | ast.IsNot) for one in node.ops):
            node.left, node.comparators = self.visit(node.left), [self.visit(one) for one in node.comparators]
            return node
        node.left, node.comparators = self._whole(node.left), [self._whole(one) for one in node.comparators]
        return node

    def _operated(self, node: ast.expr, what: str, left: ast.expr, right: ast.expr) -> ast.expr:
        return self._call("_scenrun_operate_", node, ast.Constant(what), left, right, self._site(node, what))

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._looked_at(node.test)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        node.test = self._looked_at(node.test)
        if node in self._loops:
            turn = self._call("_scenrun_turn_", node.test, self._loops[node])
            node.test = ast.copy_location(ast.BoolOp(ast.And(), [turn, node.test]), node.test)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node.test, node.body, node.orelse = self._looked_at(node.test), self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        node.values = [self._looked_at(one) for one in node.values]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        node.operand = self._looked_at(node.operand) if isinstance(node.op, ast.Not) else self.visit(node.operand)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.test = self._looked_at(node.test)
        node.msg = None if node.msg is None else self.visit(node.msg)
        return node

    def _looked_at(self, node: ast.expr) -> ast.expr:
        """An operand whose truth, size or items are asked: of a container, that is an access."""
        found: ast.expr = self.visit(node)
        if isinstance(node, ast.Constant | ast.Compare | ast.BoolOp | ast.Lambda):
            return found
        return self._call("_scenrun_look_", node, found, self._site(node, "look"))

    def _whole(self, node: ast.expr, hook: str = "_scenrun_whole_") -> ast.expr:
        """An operand of which all is looked at: of its items, too."""
        found: ast.expr = self.visit(node)
        if isinstance(node, ast.Constant | ast.Lambda | ast.JoinedStr):
            return found
        return self._call(hook, node, found, self._site(node, "look"))

    def _taken(self, node: ast.expr) -> ast.expr:
        """An operand whose items are taken one after another, in one step."""
        return self._whole(node, "_scenrun_taken_")

    # --- parts

    def _call(self, hook: str, node: ast.AST, *arguments: ast.expr) -> ast.Call:
        name = ast.copy_location(ast.Name(hook, ast.Load()), node)
        return ast.copy_location(ast.Call(name, list(arguments), []), node)

    def _site(self, node: Any, what: str) -> ast.Constant:
        function = ".".join(self._functions) or "<module>"
        return ast.copy_location(ast.Constant(number_of(Site(self.file, node.lineno, function, what))), node)

    def _mangled(self, name: str) -> str:
        """An attribute's name as a class body means it: `__x` is private to the class."""
        is_private = name.startswith("__") and not name.endswith("__")
        owner = self._classes[-1].lstrip("_") if self._classes else ""
        return f"_{owner}{name}" if is_private and owner else name
