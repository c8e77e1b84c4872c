"""`benchmarks/all.py` runs every measurement, or says of a file why it does not."""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"
TREE = ast.parse((FOLDER / "all.py").read_text(encoding="utf-8"))


def left_out() -> dict[str, str]:
    """The files that it does not run, each with the reason."""
    found = next(n for n in TREE.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "LEFT_OUT")
    return dict(ast.literal_eval(found.value))


def measured() -> set[tuple[str, str]]:
    """The functions that it runs, each with its file."""
    return {
        (node.value.id, node.attr)
        for node in ast.walk(TREE)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id not in ("sys", "measuring", "LEFT_OUT")
    }


def measuring_functions(path: Path) -> set[tuple[str, str]]:
    """The functions of a file that give a table."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    tables = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.returns and ast.unparse(n.returns) == "Table"]
    return {(path.stem, node.name) for node in tables if [one.arg for one in node.args.args] == ["quick"]}


def test_every_file_is_run_or_left_out_for_a_reason() -> None:
    """A new benchmark is added to the list, or says why not."""
    files = {path.stem for path in FOLDER.glob("*.py")} - {"all"}
    assert {name for name, _ in measured()} | set(left_out()) == files
    assert all(left_out().values())


def test_every_measurement_of_a_file_is_run() -> None:
    """Whatever gives a table is one of those that are run."""
    tables = {one for path in FOLDER.glob("*.py") if path.stem not in left_out() for one in measuring_functions(path)}
    assert tables <= measured()
