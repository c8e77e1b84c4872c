"""What each command may import, seen in a process of its own, and in which direction imports inside the package go."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from rooms import ROOMS

import scenrun
from scenrun.model.scc import components

ROOT = Path(scenrun.__file__).parent
READING = ("pydantic", "yaml")
WRITING = ("structlog", "scenrun.trace.json_text")
RUNNING = ("scenrun.execution", "scenrun.trace.recorder", "asyncio")
FACADE = ("scenrun", "scenrun.__main__")
"""What stands above all rooms: the public names, and the program's entry."""
ONLY_IN = {
    "duckdb": ("scenrun.report.database",),
    "distributed": ("scenrun.workers.cluster",),
    "numpy": ("scenrun.search.arrays",),
    "starlette": ("scenrun.interface.studio.server", "scenrun.interface.studio.tab"),
    "uvicorn": ("scenrun.interface.cli.studio",),
    "pytest": ("scenrun.interface.pytest_plugin",),
    "click": ("scenrun.interface.cli",),
    "structlog": ("scenrun.trace.recorder",),
    "msgspec": (
        "scenrun.trace.json_text", "scenrun.language", "scenrun.program", "scenrun.model", "scenrun.execution", "scenrun.search",
        "scenrun.plain_python",
        "scenrun.own_code", "scenrun.interface.cli.explore",
    ),
    "pydantic": ("scenrun.language",),
    "pydantic_core": ("scenrun.language", "scenrun.program.compiler.arguments", "scenrun.interface.cli.catalogue"),
    "yaml": (
        "scenrun.language.source", "scenrun.language.comments", "scenrun.program.loaded", "scenrun.execution.simulator.costs",
        "scenrun.interface.pytest_plugin.fixture", "scenrun.own_code.checking.as_scenario",
    ),
}  # fmt: skip
"""The packages of others that are not everywhere: the modules, or rooms, that import them."""
KNOW_LAYOUT = (
    "arrays",
    "space.layout",
    "space.packed",
    "space.breadth_first",
    "space.rehearsal",
    "reduction.persistent_sets",
)
"""The modules of the search that may read how states are packed; others have only made a `Packed`, and ask `StateSpace`."""
MAKE_PACKED = (
    "portfolio",
    "state_search",
    "explore",
    "reached",
    "eventually",
    "sampled_races",
    "strategies.model_executions",
)
START_UP = "a command, or a verb, imports only what it needs to start"
ARRAYS = "numpy is imported only where arrays pay: where there are many states"
EXTRA = "an extra, which need not be installed"
IN_FUNCTIONS = {
    "scenrun.interface.cli.help": START_UP,
    "scenrun.api": START_UP,
    "scenrun.batch.suite.ways": START_UP,
    "scenrun.batch.sweep.options": START_UP,
    "scenrun.batch.sweep.run": START_UP,
    "scenrun.interface.cli.calibrate": START_UP,
    "scenrun.interface.cli.check": START_UP,
    "scenrun.interface.cli.conform": START_UP,
    "scenrun.interface.cli.coverage": START_UP,
    "scenrun.interface.cli.explore": START_UP,
    "scenrun.interface.cli.explore_main": START_UP,
    "scenrun.interface.cli.logs": START_UP,
    "scenrun.interface.cli.main": START_UP,
    "scenrun.interface.cli.play": START_UP,
    "scenrun.interface.cli.python": START_UP,
    "scenrun.interface.cli.repeated_run": START_UP,
    "scenrun.interface.cli.replay": START_UP,
    "scenrun.interface.cli.schema": START_UP,
    "scenrun.interface.cli.studio": EXTRA,
    "scenrun.interface.cli.sweep": START_UP,
    "scenrun.interface.cli.trace": START_UP,
    "scenrun.interface.pytest_plugin.plugin": "pytest loads the plugin in every session, also where no scenario is tested",
    "scenrun.report.database": EXTRA,
    "scenrun.report.results": "what draws a result is imported where one is drawn; most are only asked for their verdict",
    "scenrun.search.explore": START_UP,
    "scenrun.search.hunt": START_UP,
    "scenrun.search.portfolio": ARRAYS,
    "scenrun.search.result": "what draws a result is imported where one is drawn; most are only asked for their verdict",
    "scenrun.search.state_search": ARRAYS,
    "scenrun.workers.cluster": EXTRA,
}
"""The modules that import ours or an extra inside a function, each with the reason."""
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
    """Help, the version and the log's schema come without pydantic, yaml, structlog or an executor."""
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


def test_a_search_of_few_states_imports_no_numpy(file: str) -> None:
    """Arrays pay from thousands of states on."""
    imported = imported_by("explore", file)
    assert "scenrun.search.state_search" in imported
    assert "numpy" not in imported


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import scenrun` alone brings in no dependency; its verbs come when they are first used."""
    code = "import json, sys, scenrun; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not set(json.loads(done.stdout)) & {*READING, *WRITING, *RUNNING, "msgspec", "click"}


class Imported(NamedTuple):
    """An import of a module, and where it stands."""

    module: str
    is_at_top: bool


def name_of(path: Path) -> str:
    """The name of a file's module."""
    words = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room_of(module: str) -> str:
    """The room that a module is in."""
    return module.split(".")[1]


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax, read once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> tuple[Imported, ...]:
    """Every import of a file: at its top, inside functions, for type checkers alone."""
    return tuple(_imports_of(tree_of(path)))


def _imports_of(tree: ast.Module) -> Iterator[Imported]:
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Imported(alias.name, id(node) in at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Imported(whole if whole in MODULES else str(node.module), id(node) in at_top)


@cache
def own_imports_of(module: str) -> set[str]:
    """The modules of the package that one imports anywhere, with the packages that come with them."""
    found = {one.module for one in imports_of(MODULES[module]) if one.module in MODULES}
    parents = {".".join(name.split(".")[:n]) for name in found for n in range(2, name.count(".") + 1)}
    return (found | parents) - {module}


def test_every_module_is_in_a_room() -> None:
    """A new folder at the top is given its place in the order of imports, above."""
    assert {room_of(name) for name in MODULES if name not in FACADE} == set(ROOMS)


@pytest.mark.parametrize("module", [name for name in MODULES if name not in FACADE])
def test_imports_go_one_way(module: str) -> None:
    """A module imports, also inside functions and for type checkers, from its own room or from those before it."""
    mine = ROOMS.index(room_of(module))
    above = [name for name in own_imports_of(module) - {"scenrun"} if ROOMS.index(room_of(name)) > mine]
    assert not above, f"{module} imports {above}"


def test_there_is_no_circle_of_imports() -> None:
    """No module reaches itself again, not even through imports inside functions or for type checkers alone."""
    graph = {module: own_imports_of(module) for module in MODULES if module not in FACADE}
    circles = [part for part in components(graph, lambda name: sorted(graph[name])) if len(part) > 1]
    assert not circles


def test_imports_inside_functions_have_a_reason() -> None:
    """Whoever imports one of our modules, or an extra, inside a function is listed above with the reason."""
    within = {
        module
        for module, path in MODULES.items()
        for one in imports_of(path)
        if module not in FACADE and not one.is_at_top and (one.module in MODULES or one.module.split(".")[0] in ONLY_IN)
    }
    assert within == set(IN_FUNCTIONS)


@pytest.mark.parametrize("package", ONLY_IN)
def test_packages_of_others_stay_where_they_belong(package: str) -> None:
    """Each is imported only by the modules, or rooms, that are listed above."""
    users = {m for m, path in MODULES.items() for one in imports_of(path) if one.module.split(".")[0] == package}
    strangers = {user for user in users if not any(f"{user}.".startswith(f"{home}.") for home in ONLY_IN[package])}
    assert not strangers


def test_only_two_searches_know_how_states_are_packed() -> None:
    """Properties, symmetry, counterexamples and strategies ask the interfaces; a space is made where a search begins."""
    users = {
        part: {
            m.removeprefix("scenrun.search.").replace("arrays.", "arrays/").partition("/")[0]
            for m in MODULES
            if f"scenrun.search.space.{part}" in own_imports_of(m)
        }
        for part in ("layout", "packed")
    }
    assert users["layout"] <= set(KNOW_LAYOUT)
    assert users["packed"] <= {*KNOW_LAYOUT, *MAKE_PACKED}


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(("scenrun.report", "scenrun.trace.analysis"))])
def test_who_reads_logs_knows_no_executor(module: str) -> None:
    """Analysis and reports import nothing that runs or searches a program, anywhere in their files."""
    rooms = {room_of(name) for name in own_imports_of(module) - {"scenrun"}}
    assert not rooms & {"execution", "model", "search", "api"}


def test_relative_imports_are_not_used() -> None:
    """Every import inside the package is written out, so that the tests above see it."""
    trees = {path: tree_of(path) for path in MODULES.values()}
    relative = [
        str(p) for p, tree in trees.items() for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level
    ]
    assert not relative
