"""What several tests of reports share: logs of the shipped scenarios, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, chromium
from timelines import FILES
from traces import ROOT, SCENARIOS, log_of, read

from scenrun.api import simulate as simulate_scenario
from scenrun.program.loaded import load


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The events of a shipped scenario, simulated once."""
    folder = tmp_path_factory.mktemp("logs")

    @cache
    def events(name: str) -> list[dict[str, Any]]:
        (scenario,) = [path for path in SCENARIOS if path.stem == name]
        return read(log_of(scenario, folder))

    return events


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The debug logs of some scenarios, in virtual time."""
    folder = tmp_path_factory.mktemp("logs")
    for file in FILES:
        if not file.stem.startswith("queue_pipeline") or file.stem == "queue_pipeline":
            simulate_scenario(load(file), level="debug", log=str(folder / f"{file.stem}.jsonl"))
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a file."""
    with chromium(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the logs of some scenarios, simulated."""
    folder = tmp_path_factory.mktemp("logs")
    for name in ("dining_philosophers", "queue_pipeline", "semaphore_pool", "locked_update"):
        simulate_scenario(ROOT / "scenarios" / f"{name}.yaml", level="debug", log=str(folder / f"{name}.jsonl"))
    return folder
