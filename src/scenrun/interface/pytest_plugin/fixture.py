"""What the fixture `scenario` gives a Python test: a scenario to change, run and search, and its events to ask about."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from scenrun.api import Loaded, explore, load_source, read_file, replay, run, simulate
from scenrun.errors import Source, UsageError
from scenrun.language.source import decode
from scenrun.language.suggestions import did_you_mean
from scenrun.report.results import RunResult
from scenrun.search.result import Explored
from scenrun.trace.events import COMMON, EVENTS, LEVELS, OF_THREAD

Given = str | Path | Mapping[str, Any]
"""A scenario: a path, its text (of more than one line), or a mapping."""
_FIELDS = {*COMMON, *OF_THREAD, *(name for event in EVENTS.values() for name in event.fields)}


class Scenarios:
    """Loads scenarios; relative paths begin at the folder of the test's file."""

    def __init__(self, folder: Path, allow_python: bool) -> None:
        self._folder = folder
        self._allow_python = allow_python

    def __call__(
        self,
        given: Given,
        overrides: Mapping[str, Any] | None = None,
        *,
        expect: Given | None = None,
        allow_python: bool | None = None,
    ) -> Scenario:
        """A scenario, read and checked; `overrides` by dotted path, `expect` a teacher's file. Raises ScenarioError."""
        allows = self._allow_python if allow_python is None else allow_python
        if allows and os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        teacher = None if expect is None else self._source(expect, "<expect>")
        return Scenario(self._source(given, "<scenario>"), dict(overrides or {}), teacher, allows)

    def _source(self, given: Given, name: str) -> Source:
        if isinstance(given, Mapping):
            return decode(name, yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True).encode())
        if isinstance(given, str) and "\n" in given:
            return decode(name, given.encode())
        return read_file(self._folder / given)


@dataclass(frozen=True)
class Scenario:
    """A scenario under test. It is compiled once, and run as often as you like."""

    source: Source
    overrides: dict[str, Any] = field(default_factory=dict)
    teacher: Source | None = None
    allow_python: bool = False

    def __post_init__(self) -> None:
        assert self.loaded  # what is wrong with it is said where it is loaded

    @cached_property
    def loaded(self) -> Loaded:
        """What `scenrun.load` gives."""
        return load_source(self.source, self.overrides, self.teacher)

    def changed(self, overrides: Mapping[str, Any]) -> Scenario:
        """The same with other values, by dotted path: `{"threads.consumer.count": 3}`."""
        return Scenario(self.source, {**self.overrides, **overrides}, self.teacher, self.allow_python)

    def run(self, **options: Any) -> Ran:
        """A run on real threads; the options are those of `scenrun.run`."""
        return self._told(run, options)

    def simulate(self, **options: Any) -> Ran:
        """A run in virtual time, the same for the same seed; the options are those of `scenrun.simulate`."""
        return self._told(simulate, options)

    def explore(self, **options: Any) -> Explored:
        """A search of its schedules; the options are those of `scenrun.explore`."""
        return explore(self.loaded, allow_python=self.allow_python, **options)

    def replay(self, found: Explored, number: int = 0, **options: Any) -> Ran:
        """A search's counterexample again, `on="simulator"` or `on="threads"`: `notes["shown"]` says whether it came."""
        if number >= len(found.counterexamples):
            raise UsageError(f"the search found {len(found.counterexamples)} counterexamples; there is no {number}")
        schedule = found.schedule_of(found.counterexamples[number])
        return self._told(lambda loaded, **rest: replay(schedule, scenario=loaded, **rest), options)

    def _told(self, once: Any, options: dict[str, Any]) -> Ran:
        """A run with all that its log says, from the level on."""
        lines: list[dict[str, Any]] = []
        level = options.pop("level", "debug")
        if "log" in options:
            raise UsageError("the events of this run are kept for you: ask `events`, and leave `log` out")
        result = once(self.loaded, level=level, log=lines.append, allow_python=self.allow_python, **options)
        values = {one.name: getattr(result, one.name) for one in fields(result)}
        return Ran(**{**values, "lines": tuple(lines)}, level=level)


@dataclass(frozen=True, slots=True, repr=False)
class Ran(RunResult):
    """The result of a run, and the events of its log."""

    lines: tuple[dict[str, Any], ...] = ()
    """Every line of the log."""
    level: str = "debug"
    """Lines below this level were not kept."""

    def events(self, event: str | None = None, /, **wanted: Any) -> list[dict[str, Any]]:
        """The lines of an event, in their order, whose fields have these values; a function says whether a value will do.

        `result.events("queue.put", thread="producer")`, `result.events("lock.acquired", waited_s=lambda s: s > 0.1)`.
        """
        self._check(event, wanted)
        return [line for line in self.lines if event in (None, line["event"]) and _has(line, wanted)]

    def count(self, event: str | None = None, /, **wanted: Any) -> int:
        """How many such lines there are."""
        return len(self.events(event, **wanted))

    def one(self, event: str | None = None, /, **wanted: Any) -> dict[str, Any]:
        """The only such line; raises AssertionError if there is none, or another."""
        found = self.events(event, **wanted)
        assert len(found) == 1, f"{len(found)} lines of {event or 'any event'} with {wanted}, not 1"
        return found[0]

    @property
    def messages(self) -> list[str]:
        """The texts that the scenario's `log` steps wrote."""
        return [line["message"] for line in self.events("message")]

    def _check(self, event: str | None, wanted: dict[str, Any]) -> None:
        """A question that no line could ever answer is a mistake of the test."""
        if event is not None and event not in EVENTS:
            raise UsageError(f"there is no event `{event}`{did_you_mean(event, EVENTS)}")
        if event is not None and LEVELS[EVENTS[event].level] < LEVELS[self.level]:
            raise UsageError(
                f"`{event}` is told at level `{EVENTS[event].level}`; this run kept `{self.level}` and above"
            )
        for name in wanted:
            known = _FIELDS if event is None else {*COMMON, *OF_THREAD, *EVENTS[event].fields}
            if name not in known:
                where = f" of `{event}`" if event else ""
                raise UsageError(f"no line{where} has a field `{name}`{did_you_mean(name, known)}")

    def __repr__(self) -> str:
        found = "; ".join(finding.message for finding in self.findings)
        return f"<{self.way} of {self.scenario}, seed {self.seed}: {self.verdict}{f' ({found})' if found else ''}>"


def _has(line: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(name in line and _suits(line[name], value) for name, value in wanted.items())


def _suits(value: Any, wanted: Any) -> bool:
    return bool(wanted(value)) if callable(wanted) else bool(value == wanted)
