"""What each command may import, seen in a process of its own, and in which direction imports inside the package go."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scenrun

ROOT = Path(scenrun.__file__).parent
READING = ("pydantic", "yaml")
WRITING = ("structlog", "msgspec")
READERS = ("analysis", "report")
RUNNING = ("scenrun.execution", "scenrun.trace.recorder", "asyncio")
LAYERS = (
    ("version", "errors"),
    ("scenario", "primitives", "events"),
    ("program",),
    ("lowering", "machine", "schedulers"),
    ("executors",),
    ("explorer",),
    ("api",),
    ("sweeping",),
    ("suite",),
    ("cli",),
)
"""From below to above. A module imports from its own layer or from those before it."""
BESIDE = {
    "__init__": 8, "__main__": 9, "pytest_plugin": 9,
    "calls": 2, "cluster": 1, "draws": 1, "faults": 1, "values": 1,
    "behaviours": 3, "catalogue": 3, "findings": 2, "footprints": 2, "components": 0, "jsontext": 0, "memory": 0, "processes": 0, "results": 2, "tally": 2,
    "analysis": 2, "log": 4, "reference": 4, "report": 2, "samples": 1,
}  # fmt: skip
"""The layer that each of the other modules belongs to, as a position in `LAYERS`."""
LAYER_OF = {**{name: at for at, layer in enumerate(LAYERS) for name in layer}, **BESIDE}
PROBE = """
import json, sys
from scenrun.interface.cli.main import run_cli
sys.stdout = sys.stderr
try:
    status = run_cli(sys.argv[1:])
except SystemExit as error:
    status = error.code
print(json.dumps([status or 0, sorted(sys.modules)]), file=sys.__stdout__)
"""


def imported_by(*arguments: str) -> set[str]:
    """The modules in a process of its own after a command line that succeeds."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    status, modules = json.loads(done.stdout)
    assert status == 0, done.stderr
    return set(modules)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A small scenario file."""
    path = tmp_path / "small.yaml"
    path.write_text("scenario: small\nthreads: {worker: {do: [{log: hello}]}}\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["schema", "--help"], ["schema", "event"]])
def test_a_command_that_reads_no_scenario_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help, the version and the log's schema come without pydantic, yaml, structlog, msgspec or an executor."""
    assert not imported_by(*arguments) & {*READING, *WRITING, *RUNNING, "scenrun.program.compiler"}


@pytest.mark.parametrize("command", ["validate", "explain"])
def test_a_command_that_starts_nothing_imports_neither_log_nor_executor(command: str, file: str) -> None:
    """Checking a file needs what reads it and nothing of what runs it."""
    imported = imported_by(command, file)
    assert set(READING) <= imported
    assert not imported & {*WRITING, *RUNNING}


@pytest.mark.parametrize("arguments", [["list"], ["behaviours"], ["behaviours", "worker"]])
def test_the_catalogue_imports_neither_log_nor_executor(arguments: list[str]) -> None:
    """Listing scenarios and behaviours reads files and runs none."""
    assert not imported_by(*arguments) & {*WRITING, *RUNNING}


def test_a_run_imports_what_it_needs_and_no_console_framework(file: str) -> None:
    """A run has the reader, the log and the executor; the probe would see them if another command had them."""
    imported = imported_by("run", file, "--log", file + ".log")
    assert {*READING, *WRITING, "scenrun.execution.threads.run_program", "scenrun.trace.recorder"} <= imported
    assert not imported & {"rich", "typer", "distributed"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import scenrun` alone brings in no dependency; its verbs come when they are first used."""
    code = "import json, sys, scenrun; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not set(json.loads(done.stdout)) & {*READING, *WRITING, *RUNNING, "click"}


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(ROOT.rglob("*.py"))


def part_of(module: str) -> str:
    """The first word of a module's name below the package."""
    return module.split(".")[1] if "." in module else "__init__"


def name_of(path: Path) -> str:
    """The name of a file's module."""
    words = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" and len(words) > 2 else words)


def imports_of(path: Path, *, top: bool) -> Iterator[str]:
    """The modules of the package that a file imports: at its top level, or anywhere but for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top else _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "scenrun")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scenrun":
            if node.module == "scenrun":
                yield from (f"scenrun.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        is_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if not is_for_types:
            yield node
            yield from _statements(node)


def test_every_module_has_a_layer() -> None:
    """A new part of the package is given its place in the order of imports, above."""
    assert {part_of(name_of(path)) for path in modules()} == set(LAYER_OF)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    """A module imports at its top only from its own layer or from one below: errors < scenario < .. < cli."""
    mine = LAYER_OF[part_of(name_of(path))]
    above = [name for name in imports_of(path, top=True) if LAYER_OF[part_of(name)] > mine]
    assert not above, f"{name_of(path)} imports {above}"


@pytest.mark.parametrize("path", [p for p in modules() if part_of(name_of(p)) in READERS], ids=name_of)
def test_who_reads_logs_knows_no_executor(path: Path) -> None:
    """Analysis and reports import nothing that runs or searches a program, anywhere in their files."""
    assert not {part_of(name) for name in imports_of(path, top=False)} & {"executors", "machine", "explorer", "api"}


@pytest.mark.parametrize("path", [p for p in modules() if part_of(name_of(p)) in LAYERS[0] + LAYERS[1]], ids=name_of)
def test_the_lower_layers_never_reach_up(path: Path) -> None:
    """Errors, scenarios, primitives and events import nothing from above, not even inside a function."""
    names = imports_of(path, top=False)
    assert not [name for name in names if LAYER_OF[part_of(name)] > LAYER_OF[part_of(name_of(path))]]


def test_relative_imports_are_not_used() -> None:
    """Every import inside the package is written out, so that the tests above see it."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules()}
    relative = [
        str(p) for p, tree in trees.items() for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level
    ]
    assert not relative
