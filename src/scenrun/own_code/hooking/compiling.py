"""Compiles modules, or some of their classes, with hooks."""

from __future__ import annotations

import ast
from types import CodeType

from scenrun.own_code.hooking.instrument import Instrumenter


def instrumented(source: str, file: str, kind: type[Instrumenter] | None = None) -> CodeType:
    """The code of a module, with hooks: those of `Instrumenter`, or of a class made of it."""
    tree = ast.parse(source, file)
    found = (kind or Instrumenter)(tree, file).visit(tree)
    return compile(ast.fix_missing_locations(found), file, "exec", dont_inherit=True)


def instrumented_classes(source: str, file: str, names: tuple[str, ...], kind: type[Instrumenter]) -> CodeType:
    """The code of some classes of a module, with hooks."""
    tree = ast.parse(source, file)
    tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in names]
    return compile(ast.fix_missing_locations(kind(tree, file).visit(tree)), file, "exec", dont_inherit=True)
