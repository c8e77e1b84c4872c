"""The pytest collector for scenario files and the test item for each way, with failures in plain sentences."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

from scenrun.batch.suite.verdict import SuiteOptions, SuiteResult, judged, load, planned
from scenrun.batch.suite.ways import ways_among
from scenrun.errors import ScenarioError, UsageError
from scenrun.language.time_limit import time_limit_ns
from scenrun.program.loaded import Loaded


class NotAsExpected(Exception):
    """Raised when a scenario's verdict is not the expected one."""

    def __init__(self, found: SuiteResult) -> None:
        self.found = found
        super().__init__(found.text)


class ScenarioFile(pytest.File):
    """The collector of a file that looks like a scenario."""

    def collect(self) -> Iterable[ScenarioItem]:
        """An item for each way; an invalid file is an error of the collection."""
        how = how_of(self.config)
        loaded = load(_as_given(self), how)
        asked = ways_among(self.config.getoption("scenrun") or self.config.getini("scenrun_ways"), "--scenrun")
        for way in planned(loaded, asked):
            item: ScenarioItem = ScenarioItem.from_parent(self, name=way, loaded=loaded, how=how)
            yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The problems of the file, without a traceback."""
        if isinstance(excinfo.value, ScenarioError | UsageError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)  # pytest's collectors take no style


class ScenarioItem(pytest.Item):
    """The test of a scenario in one way."""

    def __init__(self, *, loaded: Loaded, how: SuiteOptions, **rest: Any) -> None:
        super().__init__(**rest)
        self.loaded = loaded
        self.how = how
        self.add_marker("scenrun")

    def runtest(self) -> None:
        """Runs the scenario; raises NotAsExpected."""
        found = judged(_as_given(self), self.loaded, self.name, self.how)
        self.user_properties += [("verdict", found.verdict), ("expected", " or ".join(found.expected))]
        if not found.ok:
            raise NotAsExpected(found)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings, and the command that shows more; a traceback only for faults of scenrun itself."""
        if isinstance(excinfo.value, NotAsExpected | ScenarioError | UsageError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The path, line and name of the item."""
        return self.path, None, f"{_as_given(self)}::{self.name}"


def how_of(config: pytest.Config) -> SuiteOptions:
    """The options for all scenarios, from the command line and the configuration; raises UsageError."""
    limit = config.getoption("scenrun_time_limit") or config.getini("scenrun_time_limit") or None
    time_limit_ns(limit, "--scenrun-time-limit")
    allows = config.getoption("scenrun_allow_python") or config.getini("scenrun_allow_python")
    return SuiteOptions(config.getoption("scenrun_expect"), limit, bool(allows))


def _as_given(node: pytest.Item | pytest.Collector) -> str:
    """The path relative to the folder in which pytest was called, so that the commands shown can be used."""
    return os.path.relpath(node.path, node.config.invocation_params.dir)
