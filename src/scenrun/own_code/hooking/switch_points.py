"""Where a Python with the GIL may change threads: at the entry of a function, after a call of C, and at a backward jump.

CPython looks whether another thread wants to run (`CHECK_EVAL_BREAKER` in `Python/ceval.c`) nowhere else, since 3.10. So between
two accesses with none of these in between, no other thread comes: `s.n += 1` is one step. Code that is searched for such a Python
has more hooks, which note that the thread has been at such a place. `benchmarks/gil_switches.py` holds this to real threads.
"""

from __future__ import annotations

import ast
import dis
import sys
from functools import cache

from scenrun.own_code.hooking.instrument import Instrumenter
from scenrun.own_code.hooking.scopes import Function


@cache
def tests_twice() -> bool:
    """Whether this Python compiles the condition of a `while` loop a second time at its end, and jumps back after it."""
    made: dict[str, object] = {}
    exec("def looks(s):\n    while s.n:\n        s.k\n", made)
    return sum(one.argval == "n" for one in dis.get_instructions(made["looks"])) > 1  # type: ignore[arg-type]


class SwitchPoints(Instrumenter):
    """Puts hooks at accesses, and at the places where a Python with the GIL may change threads, into one module."""

    def __init__(self, tree: ast.Module, file: str) -> None:
        super().__init__(tree, file)
        self._around: list[int | None] = []
        """The loops around in the same function: the number of a `while`; None for others, whose turns the iterator notes."""
        self._calls = 0
        """The number of calls so far."""
        self._numbers: dict[ast.While, int] = {}

    def _function(self, node: Function, name: str) -> ast.AST:
        around, self._around = self._around, []
        found = super()._function(node, name)
        self._around = around
        entered = self._call("_scenrun_jump_", node)
        if isinstance(node, ast.Lambda):
            node.body = ast.copy_location(ast.BoolOp(ast.Or(), [entered, node.body]), node.body)
        else:
            documented = ast.get_docstring(node, clean=False) is not None
            node.body.insert(documented, _statement(entered))
        return found

    def visit_Call(self, node: ast.Call) -> ast.AST:
        found = super().visit_Call(node)
        if found is not node:
            return found
        number = ast.copy_location(ast.Constant(self._calls), node)
        self._calls += 1
        node.func = self._call("_scenrun_about_", node, node.func, number)
        return self._call("_scenrun_returned_", node, node, number)

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        node.value = None if node.value is None else self.visit(node.value)
        return self._call("_scenrun_resumed_", node, node)

    # --- loops

    def _warned(self, node: ast.stmt) -> list[ast.stmt]:
        warned = super()._warned(node)
        if isinstance(node, ast.While) and self._functions:
            self._numbers[node] = len(self._numbers)
            return [*warned, self._loop("_scenrun_begin_", node, self._numbers[node])]
        if isinstance(node, ast.Continue) and self._around and self._around[-1] is not None:
            return [*warned, self._loop("_scenrun_continue_", node, self._around[-1])]
        return warned

    def visit_For(self, node: ast.For) -> ast.AST:
        self._around.append(None)
        found = super().visit_For(node)
        self._around.pop()
        return found

    def visit_While(self, node: ast.While) -> ast.AST:
        number = self._numbers.get(node)
        self._around.append(number)
        found = super().visit_While(node)
        self._around.pop()
        if number is not None and tests_twice():
            node.body.insert(0, self._loop("_scenrun_again_", node, number))
        elif number is not None:
            node.body.append(_statement(self._call("_scenrun_jump_", node)))
        return found

    def _loop(self, hook: str, node: ast.AST, number: int) -> ast.stmt:
        return _statement(self._call(hook, node, ast.copy_location(ast.Constant(number), node)))

    # --- comprehensions

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehended(node, is_called=sys.version_info < (3, 12))

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._comprehended(node, is_called=sys.version_info < (3, 12))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehended(node, is_called=sys.version_info < (3, 12))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehended(node, is_called=True)

    def _comprehended(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, *, is_called: bool
    ) -> ast.AST:
        """is_called: whether it is a function of its own, which is entered once the first iterator is there."""
        self.generic_visit(node)
        if is_called:
            first = node.generators[0]
            first.iter = self._call("_scenrun_entered_", first.iter, first.iter)
        return node


def _statement(call: ast.Call) -> ast.stmt:
    return ast.copy_location(ast.Expr(call), call)
