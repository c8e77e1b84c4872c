"""Which variables of functions several threads can see, and which statements touch them where no hook can stand."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_OF_ITSELF = frozenset(
    ("bool", "bytearray", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple")
)
"""Types whose patterns in `match` may have one part, which is the object itself."""


def own_names(node: Function) -> set[str]:
    """The parameters and local variables of a function, without those of inner ones."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    names = {one.arg for one in every if one is not None}
    declared: set[str] = set()
    waiting: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Global | ast.Nonlocal):
            declared.update(one.names)
        elif isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            names.add(one.id)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(one.name)
        elif isinstance(one, ast.comprehension):  # its variables are those of a scope of its own
            waiting += [one.iter, *one.ifs]
        elif not isinstance(one, ast.Lambda):
            waiting += ast.iter_child_nodes(one)
    return names - declared


def declared_global(node: Function) -> set[str]:
    """The names that a function, without inner ones, declares to be global."""
    found: set[str] = set()
    waiting: list[ast.AST] = [] if isinstance(node, ast.Lambda) else list(node.body)
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Global):
            found.update(one.names)
        if not isinstance(one, (*_FUNCTIONS, ast.ClassDef)):
            waiting += ast.iter_child_nodes(one)
    return found


def closure_variables(tree: ast.Module) -> set[str]:
    """The names of variables of functions that an inner function uses, but those that have one value before it is made."""
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Nonlocal) for name in node.names}
    for outer in ast.walk(tree):
        if isinstance(outer, _FUNCTIONS):
            own = own_names(outer)
            stores = list(_stores(outer))
            for inner in ast.walk(outer):
                if inner is not outer and isinstance(inner, (*_FUNCTIONS, ast.GeneratorExp)):
                    names = (_used(inner) & own) - found
                    found.update(name for name in names if not _is_set_before(name, stores, inner.lineno))
    return found


def _used(inner: ast.AST) -> set[str]:
    own = own_names(inner) if isinstance(inner, _FUNCTIONS) else set()
    return {node.id for node in ast.walk(inner) if isinstance(node, ast.Name)} - own


def _stores(outer: Function) -> Iterator[tuple[str, int, bool]]:
    """The variables that a function stores in, each with the line and whether that is in a loop; without inner functions."""
    waiting: list[tuple[ast.AST, bool]] = [(one, False) for one in ast.iter_child_nodes(outer)]
    while waiting:
        node, is_repeated = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, node.lineno, is_repeated
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node.lineno, is_repeated
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0], node.lineno, is_repeated
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            is_repeated = is_repeated or isinstance(node, _LOOPS)
            waiting += [(one, is_repeated) for one in ast.iter_child_nodes(node)]


def _is_set_before(name: str, stores: list[tuple[str, int, bool]], line: int) -> bool:
    """Whether a variable is stored at most once, before a line; an argument or an inner function is not stored at all."""
    found = [(at, is_repeated) for stored, at, is_repeated in stores if stored == name]
    return not found or (len(found) == 1 and found[0][0] < line and not found[0][1])


def unannounced(node: ast.stmt, is_shared: Callable[[str], bool]) -> str:
    """What a statement does to variables that others see, or to objects, at places where no hook can stand; empty if nothing."""
    if any(is_shared(name) for name in _hidden_stores(node)):
        return "a shared variable that is set otherwise than alone, by an assignment"
    if isinstance(node, ast.Match) and any(
        _reads_attributes(part) for case in node.cases for part in ast.walk(case.pattern)
    ):
        return "attributes that a pattern reads"
    if isinstance(node, ast.With) and any(isinstance(one.optional_vars, ast.Tuple | ast.List) for one in node.items):
        return "what `with` gives, taken apart"
    if isinstance(node, ast.Raise) and node.exc is None:
        return "an exception that is raised again"
    return ""


def _hidden_stores(node: ast.stmt) -> Iterator[str]:
    places: list[ast.AST | None] = []
    if isinstance(node, ast.Assign) and (len(node.targets) > 1 or isinstance(node.targets[0], ast.Tuple | ast.List)):
        places = list(node.targets)  # each is set after the one before
    elif isinstance(node, ast.For | ast.AsyncFor):
        places = [node.target]
    elif isinstance(node, ast.With | ast.AsyncWith):
        places = [one.optional_vars for one in node.items]
    elif isinstance(node, ast.Delete):
        places = list(node.targets)
    elif isinstance(node, ast.Match):
        places = [case.pattern for case in node.cases]
    elif isinstance(node, ast.Try | ast.TryStar):
        yield from (one.name for one in node.handlers if one.name)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
    for place in places:
        for part in ast.walk(place) if place is not None else ():
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
                yield part.id
            elif isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                yield part.name
            elif isinstance(part, ast.MatchMapping) and part.rest:
                yield part.rest


def _reads_attributes(part: ast.AST) -> bool:
    if not isinstance(part, ast.MatchClass):
        return False
    of_itself = isinstance(part.cls, ast.Name) and part.cls.id in _OF_ITSELF
    return bool(part.kwd_patterns) or (bool(part.patterns) and not of_itself)


def goes_on_later(function: Function) -> bool:
    """Whether a function is a generator or coroutine: others go on in the midst of it."""
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return isinstance(function, ast.AsyncFunctionDef)
