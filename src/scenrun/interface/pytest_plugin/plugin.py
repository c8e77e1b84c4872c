"""The hooks of the pytest plugin: options, marker, collection, fixture. Heavy modules are imported only when used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenrun.batch.suite.discovery import SUFFIXES, is_scenario

if TYPE_CHECKING:
    from scenrun.interface.pytest_plugin.fixture import Scenarios
    from scenrun.own_code.telling.result import CodeExplored

MARKER = (
    "scenrun(strategy=.., schedules=.., time_limit=.., trace=[..], expect=..): the test starts threads, and is made in every "
    "schedule of them; also on each scenario that `scenrun` runs, simulates or explores"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the command-line options and the settings of pyproject.toml."""
    group = parser.getgroup("scenrun", "scenarios (scenrun)")
    group.addoption(
        "--scenrun", action="append", metavar="WAYS", default=[],
        help="test scenarios in these ways: run, simulate, explore, virtual, or several with commas between; otherwise in those "
             "that a file names under expect.verdict, or simulate",
    )  # fmt: skip
    group.addoption("--scenrun-time-limit", metavar="DURATION", help="end each after so much time, such as 10s")
    group.addoption("--scenrun-expect", metavar="FILE", help="judge all by the `expect` and `limits` of FILE")
    group.addoption(
        "--scenrun-allow-python", action="store_true", help="let `call` steps call the scenarios' Python functions"
    )
    parser.addini("scenrun_ways", "the ways in which scenarios are tested, if --scenrun says nothing", "args", [])
    parser.addini("scenrun_time_limit", "ends each scenario after so much time, such as 10s", "string", "")
    parser.addini("scenrun_allow_python", "lets `call` steps call Python functions", "bool", False)


def pytest_configure(config: pytest.Config) -> None:
    """Adds the marker for `-m scenrun`, and checks the ways in options and settings."""
    config.addinivalue_line("markers", MARKER)
    if config.getoption("scenrun") or config.getini("scenrun_ways"):
        from scenrun.batch.suite.ways import ways_among
        from scenrun.errors import UsageError

        try:
            ways_among(config.getoption("scenrun"), "--scenrun")
            ways_among(config.getini("scenrun_ways"), "scenrun_ways")
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collects scenario files; other YAML files are not even parsed."""
    if file_path.suffix not in SUFFIXES or not is_scenario(file_path):
        return None
    from scenrun.interface.pytest_plugin.items import ScenarioFile

    found: Any = ScenarioFile.from_parent(parent, path=file_path)
    return found  # type: ignore[no-any-return]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Makes a marked test in every schedule of its threads."""
    marker = pyfuncitem.get_closest_marker("scenrun")
    if marker is None:
        return None
    from scenrun.interface.pytest_plugin.marked import search_marked

    search_marked(pyfuncitem, marker)
    return True


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenarios:
    """Scenarios for a Python test: `scenario("pipeline.yaml").simulate()`; a path is relative to the test's file."""
    from scenrun.interface.pytest_plugin.fixture import Scenarios

    return Scenarios(request.path.parent, bool(_allows_python(request.config)))


@pytest.fixture
def every_schedule() -> Callable[..., CodeExplored]:
    """Searches the schedules of functions that run as threads, and fails unless what they promise holds in all of them.

    `every_schedule(setup, [adds, adds], check)`; the arguments are those of `scenrun.explore_code`.
    """
    from scenrun.own_code.searching.explore_code import explore_code

    def search(*arguments: Any, **options: Any) -> CodeExplored:
        found = explore_code(*arguments, **options)
        if found.verdict != "holds":
            pytest.fail(str(found), pytrace=False)
        return found

    return search


def _allows_python(config: pytest.Config) -> Any:
    return config.getoption("scenrun_allow_python") or config.getini("scenrun_allow_python")
