"""The fixture `scenario` of the pytest plugin: loads, changes, runs and searches scenarios, and queries their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from scenrun.api import explore, replay, run, simulate
from scenrun.errors import Source, UsageError
from scenrun.language.source import decode, read_file
from scenrun.language.suggestions import did_you_mean
from scenrun.program.loaded import Loaded, load_source
from scenrun.program.user_python import import_from_here
from scenrun.report.results import RunResult
from scenrun.search.result import Explored
from scenrun.trace.events import COMMON, EVENTS, LEVELS, OF_THREAD

Given = str | Path | Mapping[str, Any]
"""A scenario: a path, its text (of more than one line), or a mapping."""
_FIELDS = {*COMMON, *OF_THREAD, *(name for event in EVENTS.values() for name in event.fields)}


class Scenarios:
    """Loads scenarios; relative paths start at the folder of the test's file."""

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
        """A scenario, parsed and checked; `overrides` by dotted path, `expect` a teacher's file. Raises ScenarioError."""
        allows = self._allow_python if allow_python is None else allow_python
        import_from_here(allows)
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
    """A scenario under test. It is compiled once, and can be run any number of times."""

    source: Source
    overrides: dict[str, Any] = field(default_factory=dict)
    teacher: Source | None = None
    allow_python: bool = False

    def __post_init__(self) -> None:
        assert self.loaded  # loads it now, so that errors point to the line of the test that loads it

    @cached_property
    def loaded(self) -> Loaded:
        """The compiled scenario, as `scenrun.load` returns it."""
        return load_source(self.source, self.overrides, self.teacher)

    def changed(self, overrides: Mapping[str, Any]) -> Scenario:
        """The scenario with other values, by dotted path: `{"threads.consumer.count": 3}`."""
        return Scenario(self.source, {**self.overrides, **overrides}, self.teacher, self.allow_python)

    def run(self, **options: Any) -> Ran:
        """Runs it on real threads; the options are those of `scenrun.run`."""
        return self._told(run, options)

    def simulate(self, **options: Any) -> Ran:
        """Runs it in virtual time, with the same result for the same seed; the options are those of `scenrun.simulate`."""
        return self._told(simulate, options)

    def explore(self, **options: Any) -> Explored:
        """Searches its schedules; the options are those of `scenrun.explore`."""
        return explore(self.loaded, allow_python=self.allow_python, **options)

    def replay(self, found: Explored, number: int = 0, **options: Any) -> Ran:
        """Replays a search's counterexample, `on="simulator"` or `on="threads"`; `notes["shown"]` is whether it was shown."""
        if number >= len(found.counterexamples):
            raise UsageError(f"the search found {len(found.counterexamples)} counterexamples; there is no {number}")
        schedule = found.schedule_of(found.counterexamples[number])
        return self._told(lambda loaded, **rest: replay(schedule, scenario=loaded, **rest), options)

    def _told(self, once: Any, options: dict[str, Any]) -> Ran:
        """Runs it and keeps the events of its log, from the level on."""
        lines: list[dict[str, Any]] = []
        level = options.pop("level", "debug")
        if "log" in options:
            raise UsageError("the events of this run are kept for you: ask `events`, and leave `log` out")
        result = once(self.loaded, level=level, log=lines.append, allow_python=self.allow_python, **options)
        values = {one.name: getattr(result, one.name) for one in fields(result)}
        return Ran(**{**values, "lines": tuple(lines)}, level=level)


@dataclass(frozen=True, slots=True, repr=False)
class Ran(RunResult):
    """The result of a run, with the events of its log."""

    lines: tuple[dict[str, Any], ...] = ()
    """Every line of the log."""
    level: str = "debug"
    """The log level; lines below it were not kept."""

    def events(self, event: str | None = None, /, **wanted: Any) -> list[dict[str, Any]]:
        """The lines of an event, in their order, whose fields have these values; a function tests a value.

        `result.events("queue.put", thread="producer")`, `result.events("lock.acquired", waited_s=lambda s: s > 0.1)`.
        """
        self._check(event, wanted)
        return [line for line in self.lines if event in (None, line["event"]) and _has(line, wanted)]

    def count(self, event: str | None = None, /, **wanted: Any) -> int:
        """The number of these lines."""
        return len(self.events(event, **wanted))

    def one(self, event: str | None = None, /, **wanted: Any) -> dict[str, Any]:
        """The only such line; raises AssertionError if there is none, or more than one."""
        found = self.events(event, **wanted)
        assert len(found) == 1, f"{len(found)} lines of {event or 'any event'} with {wanted}, not 1"
        return found[0]

    @property
    def messages(self) -> list[str]:
        """The texts that the scenario's `log` steps wrote."""
        return [line["message"] for line in self.events("message")]

    def _check(self, event: str | None, wanted: dict[str, Any]) -> None:
        """Raises UsageError for a query that no line can match, as this is a mistake of the test."""
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
