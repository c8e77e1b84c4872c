"""Files, functions and lists of parameters stay small; each exception is listed with its reason, and none that is not needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import scenrun

PACKAGE = Path(scenrun.__file__).parent
TESTS = Path(__file__).parents[1]
MOST_LINES = 400
"""Lines of a file of the package."""
MOST_LINES_OF_TESTS = 500
"""Lines of a file of the tests."""
MOST_LINES_OF_A_FUNCTION = 50
"""Lines of a function of the package, its documentation included."""
MOST_PARAMETERS = 6
"""Positional parameters of a function of the package, beside `self`."""
LONG_FUNCTIONS = {
    "execution/simulator/loop.py:Loop._on_one": "the loop through which each slice of a simulation passes: a call costs more than it does",
}
"""Functions that have more lines, each with the reason."""
WIDE_FUNCTIONS: dict[str, str] = {}
"""Functions that have more positional parameters, each with the reason."""
LONG_FILES: dict[str, str] = {}
"""Files that have more lines, each with the reason."""


class Function:
    """A function of the package, also one inside a class or another function."""

    def __init__(self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> None:
        self.name = name
        self.lines = (node.end_lineno or node.lineno) - node.lineno + 1
        names = [parameter.arg for parameter in (*node.args.posonlyargs, *node.args.args)]
        self.parameters = len(names[1:] if is_method and names[:1] in (["self"], ["cls"]) else names)


def functions_in(node: ast.AST, prefix: str) -> Iterator[Function]:
    """The functions below a node, by file and the names of what they stand in."""
    separator = ":" if prefix.endswith(".py") else "."
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{separator}{child.name}"
            yield Function(name, child, is_method=isinstance(node, ast.ClassDef))
            yield from functions_in(child, name)
        elif isinstance(child, ast.ClassDef):
            yield from functions_in(child, f"{prefix}{separator}{child.name}")
        else:
            yield from functions_in(child, prefix)


def functions() -> list[Function]:
    """Every function of the package."""
    files = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    return [
        function
        for name, path in files.items()
        for function in functions_in(ast.parse(path.read_text(encoding="utf-8")), name)
    ]


def longer_files(folder: Path, most: int) -> set[str]:
    """The files below a folder that have more lines."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > most
    }


def test_no_file_is_long() -> None:
    """A file beyond the limit has several subjects: each becomes a file that is named after it."""
    assert longer_files(PACKAGE, MOST_LINES) | longer_files(TESTS, MOST_LINES_OF_TESTS) == set(LONG_FILES)


def test_no_function_is_long() -> None:
    """Only the loops that are listed, in which calls would cost too much, are written out."""
    assert {one.name for one in functions() if one.lines > MOST_LINES_OF_A_FUNCTION} == set(LONG_FUNCTIONS)


def test_no_function_takes_many_positional_parameters() -> None:
    """What travels together is a record; what is optional is given by name."""
    assert {one.name for one in functions() if one.parameters > MOST_PARAMETERS} == set(WIDE_FUNCTIONS)
