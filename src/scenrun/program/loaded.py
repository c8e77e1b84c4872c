"""A scenario that was read, checked and compiled: from a file, a text or a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from scenrun.errors import ScenarioError, Source
from scenrun.language.model import Scenario
from scenrun.language.reader import read_scenario
from scenrun.language.source import decode, read_file
from scenrun.program.compiler.compiler import compile_scenario
from scenrun.program.ir import Program


class Loaded(Struct, frozen=True):
    """A scenario that was read, checked and compiled."""

    scenario: Scenario
    program: Program

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.program.name

    def with_counts(self, counts: Mapping[str, int]) -> Loaded:
        """The same scenario with so many replicas of these groups, as overrides of their `count` give it."""
        groups = self.scenario.threads
        given = {name: groups[name].model_copy(update={"count": count}) for name, count in counts.items()}
        scenario = self.scenario.model_copy(update={"threads": {**groups, **given}})
        overrides = {**self.program.overrides, **{f"threads.{name}.count": count for name, count in counts.items()}}
        return Loaded(scenario, compile_scenario(scenario, [], overrides))


def load(
    scenario: str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    expect: str | Path | Mapping[str, Any] | None = None,
    strict: bool = False,
) -> Loaded:
    """Read, check and compile a scenario.

    - scenario: the path of a file, or the scenario itself as a mapping.
    - overrides: values by dotted path, such as `{"threads.consumer.count": 3}`; by default none.
    - expect: the path of another file, or a mapping, whose `expect` and `limits` replace the scenario's own; by default none.
    - strict: whether to refuse what is only warned of otherwise (`program.warnings`), such as an object that nobody uses; by
      default false.

    Raises ScenarioError with every problem of the file, each with its place.
    """
    teacher = None if expect is None else source_of(expect, "<expect>")
    return load_source(source_of(scenario), overrides, teacher, strict=strict)


def source_of(given: str | Path | Mapping[str, Any], name: str = "<mapping>") -> Source:
    """The source of a file or, under the name `name`, of a mapping written as YAML."""
    if isinstance(given, Mapping):
        text = yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True)
        return decode(name, text.encode())
    return read_file(Path(given))


def load_source(
    source: Source,
    overrides: Mapping[str, Any] | None = None,
    teacher: Source | None = None,
    *,
    strict: bool = False,
) -> Loaded:
    """Read, check and compile the scenario of a source; `expect` and `limits` of a `teacher` replace its own.

    strict: whether to refuse what is only warned of otherwise.
    """
    given = dict(overrides or {})
    read, problems = read_scenario(source, given, teacher)
    if read is None:
        raise ScenarioError(problems)
    loaded = Loaded(read, compile_scenario(read, problems, given))
    if strict and loaded.program.warnings:
        raise ScenarioError(loaded.program.warnings)
    if loaded.program.any_number:
        _check_many(loaded)
    return loaded


def _check_many(loaded: Loaded) -> None:
    """Raises ScenarioError where groups of any number of threads have a meaning only with one thread each."""
    try:
        loaded.with_counts(dict.fromkeys(loaded.program.any_number, 2))
    except ScenarioError as error:
        why = "a group with `count: any` is started and joined as a whole, and nobody can ask about one of it; with two threads, "
        raise ScenarioError([replace(one, message=f"{why}{one.message}") for one in error.problems]) from None
