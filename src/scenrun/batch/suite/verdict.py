"""Tests one scenario in one way: its verdict, whether the file expects it, a summary, and the command that shows more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scenrun.api import explore, run, simulate
from scenrun.batch.suite.ways import ways_of
from scenrun.errors import ScenarioError
from scenrun.language.expect import SEARCHES
from scenrun.language.source import read_file
from scenrun.printable import clean
from scenrun.program.loaded import Loaded, load_source
from scenrun.program.results import RunRecord
from scenrun.program.user_python import check_calls, import_from_here
from scenrun.report.outcome import describe as describe_run
from scenrun.report.rerun_command import Command
from scenrun.report.width import cut
from scenrun.search.counterexample.summary import describe as describe_search

WRONG, FAILED = "wrong file", "error"
"""The entries in place of a verdict: the file is invalid, or the test itself failed."""
WIDTH = 100
"""Columns of a result's text."""
MOST_TEXT = 20_000
"""The most characters of a result's text."""
MOST_COLUMNS = 1_000
"""The most columns of a line of it."""
_LEVEL = "error"
"""The log level of tests, whose log is not used."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """The options for all scenarios of a test."""

    expect: str | None = None
    """A teacher's file, whose expectations replace those of all scenarios."""
    time_limit: str | None = None
    """The limit of each test in wall time, of simulations in virtual time; replaces the files' limits."""
    allow_python: bool = False

    def again(self, way: str, file: str, **options: Any) -> Command:
        """The command that tests a scenario again; options: further ones, before these."""
        own = {"expect": self.expect or None, "time_limit": self.time_limit or None, "allow_python": self.allow_python}
        return Command(way, file, {**options, **own})


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The result of a scenario in one way."""

    file: str
    way: str
    verdict: str
    expected: tuple[str, ...]
    ok: bool
    took_s: float
    summary: str
    """The result in one line."""
    text: str = ""
    """The whole result, with the command that shows more."""
    again: str = ""
    """The command that shows more."""
    is_stuck: bool = False
    """Whether threads of the run are left in the process."""

    @property
    def status(self) -> int:
        """The exit status: 0 as expected, 1 not, 2 invalid file, 3 incomplete, 4 the test itself failed."""
        known = {WRONG: 2, "incomplete": 3, FAILED: 4}
        return 0 if self.ok else known.get(self.verdict, 1)


def load(file: str, how: SuiteOptions) -> Loaded:
    """Loads a scenario for a test; raises ScenarioError."""
    teacher = None if how.expect is None else read_file(Path(how.expect))
    loaded = load_source(read_file(Path(file)), None, teacher)
    import_from_here(how.allow_python)
    check_calls(loaded.program, how.allow_python)
    return loaded


def planned(loaded: Loaded, asked: Sequence[str]) -> tuple[str, ...]:
    """The ways of testing a scenario: the requested ones, or its own."""
    return tuple(asked) or ways_of(loaded.scenario)


def judged(file: str, loaded: Loaded, way: str, how: SuiteOptions) -> SuiteResult:
    """Runs a scenario in one way and compares with its file. Faults of scenrun itself are raised."""
    began = time.perf_counter()
    return (_searched if way in SEARCHES else _ran)(file, loaded, way, how, began)


def _ran(file: str, loaded: Loaded, way: str, how: SuiteOptions, began: float) -> SuiteResult:
    once = run if way == "run" else simulate
    result: RunRecord = once(loaded, level=_LEVEL, time_limit=how.time_limit, allow_python=how.allow_python)
    again = str(how.again(way, file, seed=result.seed).also(level="debug"))
    said = describe_run(replace(result, figures={}), again, "debug")  # without the note on lines that were not shown
    remark = " (threads may take other turns)" if way == "run" else ""
    left = result.notes.get("not_ended")
    said += f"\n  these threads would not leave: {', '.join(left)}" if left else ""
    text = harmless(f"{said}\n  look closer: {again}{remark}")
    return SuiteResult(
        file, way, result.verdict, result.expected, result.ok, time.perf_counter() - began, _summary(text), text, again,
        is_stuck=bool(left),
    )  # fmt: skip


def _searched(file: str, loaded: Loaded, way: str, how: SuiteOptions, began: float) -> SuiteResult:
    clock = "virtual" if way == "virtual" else None
    found = explore(loaded, time_limit=how.time_limit, allow_python=how.allow_python, time=clock)
    again = how.again("explore", file, time=clock)
    text = describe_search(found, {}, WIDTH)
    if any(one.moves for one in found.counterexamples):
        again = again.also(save="schedule.json")
        replay = replace(how, time_limit=None).again("replay", "schedule.json", on="threads")
        text += f"\n  keep it: {again}; then {replay}"
    else:
        text += f"\n  again: {again}"
    text = harmless(text)
    verdict = " and ".join(found.kinds) or found.verdict
    took_s = time.perf_counter() - began
    return SuiteResult(file, way, verdict, found.expected, found.ok, took_s, _summary(text), text, str(again))


def _summary(text: str) -> str:
    return text.partition("\n")[0]


def wrong(file: str, way: str, error: ScenarioError) -> SuiteResult:
    """The result of an invalid file."""
    count = len(error.problems)
    summary = f"{WRONG}: {count} problem{'s' * (count != 1)}"
    again = str(Command("validate", file))
    return SuiteResult(file, way, WRONG, (), False, 0.0, summary, harmless(str(error)), again)


def failed(file: str, again: Command, message: str) -> SuiteResult:
    """The result of a test without a verdict, whose file may be valid. again: the command that tests it again."""
    text = harmless(message)
    summary = text.splitlines()[0] if text else FAILED
    return SuiteResult(file, again.verb, FAILED, (), False, 0.0, summary, text, str(again))


def harmless(text: str) -> str:
    """A text that cannot move the cursor, turn the reading direction or break XML; long ones are cut."""
    kept = "\n".join(cut(clean(line), MOST_COLUMNS) for line in text[:MOST_TEXT].split("\n"))
    return kept if len(text) <= MOST_TEXT else f"{kept}\n… {len(text) - MOST_TEXT:,} more characters"
