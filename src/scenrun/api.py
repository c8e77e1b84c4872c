"""The public verbs, as functions: they touch no signal handler, no stdout and no global state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scenrun.errors import Problem, ScenarioError, Source, UsageError
from scenrun.lowering import compile_scenario
from scenrun.program import Program
from scenrun.results import RunResult
from scenrun.scenario.durations import DurationError
from scenrun.scenario.durations import parse as parse_duration
from scenrun.scenario.model import Scenario
from scenrun.scenario.reading import read_scenario
from scenrun.scenario.source import MAX_BYTES, decode


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario that was read, checked and compiled."""

    scenario: Scenario
    program: Program

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.program.name


def load(scenario: str | Path | Mapping[str, Any], *, overrides: Mapping[str, Any] | None = None) -> Loaded:
    """Read, check and compile a scenario.

    `scenario` is a path, or the scenario itself as a mapping. `overrides` maps dotted paths to values, such as
    `{"threads.consumer.count": 3}`. Raises ScenarioError with everything that is wrong, each with its place.
    """
    if isinstance(scenario, Mapping):
        text = yaml.safe_dump(dict(scenario), sort_keys=False, allow_unicode=True)
        return load_source(decode("<mapping>", text.encode()), overrides)
    return load_source(read_file(Path(scenario)), overrides)


def load_source(source: Source, overrides: Mapping[str, Any] | None = None) -> Loaded:
    """Read, check and compile the scenario of a text."""
    given = dict(overrides or {})
    read, problems = read_scenario(source, given)
    if read is None:
        raise ScenarioError(problems)
    return Loaded(read, compile_scenario(read, problems, given))


def read_file(path: Path) -> Source:
    """The text of a file, up to the size that a scenario may have."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError([Problem(None, f"{path}: cannot be read: {error.strerror}")]) from None
    return decode(str(path), data)


def run(
    scenario: str | Path | Mapping[str, Any] | Loaded,
    *,
    seed: int | None = None,
    level: str = "info",
    log: str | Path | Callable[[dict[str, Any]], object] | None = None,
    time_limit: str | float | None = None,
    overrides: Mapping[str, Any] | None = None,
    allow_python: bool = False,
) -> RunResult:
    """Run a scenario on real threads and give its result when all of them have ended or were freed.

    seed: replaces the file's. level: `debug`, `info`, `warning`, `error` or `critical`. log: a file for JSON lines, or a
    function that is called with each event (on the calling thread). time_limit: wall time, in seconds or as `5s`;
    past it the verdict is `incomplete`. allow_python: lets `call` steps call the scenario's Python functions.
    Raises ScenarioError (the file is wrong), UsageError (the arguments are) and OutputError (the log cannot be written).
    """
    from scenrun.events import LEVELS
    from scenrun.executors.threads import run_program
    from scenrun.log import Collector, FileOutput, Recorder, open_output

    if level not in LEVELS:
        raise UsageError(f"there is no level `{level}`; levels are {', '.join(LEVELS)}")
    loaded = scenario if isinstance(scenario, Loaded) else load(scenario, overrides=overrides)
    if isinstance(scenario, Loaded) and overrides:
        raise UsageError("overrides go to `load`; this scenario has been compiled already")
    check_calls(loaded.program, allow_python)
    limit = time_limit_ns(time_limit)
    output: Any = None
    if callable(log):
        output = Collector(log)
    elif log == "-":
        raise UsageError("as a function, scenrun writes nothing to stdout; pass a file or a function as `log`")
    elif log is not None:
        output = open_output(str(log))

    def recorder(run_id: str) -> Recorder:
        return Recorder(run_id, output, level=level, fields=loaded.program.log_fields)

    try:
        return run_program(loaded.program, recorder, seed=seed, level=level, time_limit_ns=limit)
    finally:
        if isinstance(output, FileOutput):
            output.leave()


def time_limit_ns(limit: str | float | None, option: str = "time_limit") -> int | None:
    """A limit of time in nanoseconds, from seconds or a duration's text; errors name the option."""
    if limit is None:
        return None
    if isinstance(limit, int | float) and not isinstance(limit, bool):
        if not 0 < limit < 1e9:
            raise UsageError(f"{option} is a positive number of seconds, not {limit}")
        return int(limit * 1e9)
    try:
        nanoseconds = parse_duration(limit)
    except DurationError as error:
        raise UsageError(f"{option}: {error}") from None
    if nanoseconds == 0:
        raise UsageError(f"{option}: longer than nothing, please")
    return nanoseconds


def check_calls(program: Program, allow_python: bool) -> None:
    """Refuse a program with `call` steps unless the user allows them; and what cannot be imported."""
    from scenrun.errors import Fault, Place

    calls = [i for code in program.codes for i in code.instructions if i.op == "call"]
    if calls and not allow_python:
        problems = [
            Problem(Place(program.source, i.line, 1), "`call` runs Python of yours; allow it with --allow-python")
            for i in calls
        ]
        raise ScenarioError(problems)
    if not calls:
        return
    from scenrun.executors.calls import import_function

    for instruction in calls:
        try:
            import_function(str(instruction.option("function")))
        except Fault as fault:
            raise ScenarioError([Problem(Place(program.source, instruction.line, 1), fault.text)]) from None
