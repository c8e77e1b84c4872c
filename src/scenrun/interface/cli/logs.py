"""The input of commands that read logs: a log, or a scenario or schedule, which is simulated or replayed first."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.shared_options import together
from scenrun.interface.cli.streams import say
from scenrun.trace.analysis.reading import Reading, opened

_SNIFFED = 4_096
source_options = together(
    click.option("--set", "sets", multiple=True, metavar="PATH=VALUE",
                 help="For a scenario: override a value, such as threads.consumer.count=3."),
    click.option("--file", "file", metavar="FILE", type=click.Path(),
                 help="For a schedule: its scenario, if it is not where it was."),
)  # fmt: skip
"""The options for the scenario or schedule that is simulated or replayed."""
log_options = together(
    click.option("--run", metavar="N|ID", help="Which run of a log that has several; the first unless given."),
    source_options,
)
"""The options of commands that read one run of a log."""


def kind_of(argument: str) -> str:
    """The kind of file that an argument names: `scenario`, `schedule`, or else `log`."""
    if argument.endswith((".yaml", ".yml")):
        return "scenario"
    if argument == "-" or not _can_be_looked_at(argument):
        return "log"
    with opened(argument) as file:
        return "schedule" if _begins_like_a_schedule(file.read(_SNIFFED)) else "log"


def _can_be_looked_at(argument: str) -> bool:
    """Whether the beginning can be read twice: bytes read from a pipe are gone."""
    return os.path.isfile(argument) or not os.path.exists(argument)


def _begins_like_a_schedule(head: bytes) -> bool:
    compact = b"".join(head.split())
    return compact.startswith(b'{"schedule":')


@contextmanager
def log_of(
    argument: str, *, run: str | None = None, every: bool = False, sets: tuple[str, ...] = (), file: str | None = None
) -> Iterator[Reading]:
    """The events of a log, of standard input (`-`), or of a simulated scenario or replayed schedule.

    run: which run of a log that has several. every: all runs. sets: overrides of a scenario. file: the scenario of a
    schedule. Raises UsageError for options without effect, ScenarioError for an invalid scenario, and LogError for a
    file that is no log.
    """
    kind = kind_of(argument)
    _refuse_idle(argument, kind, run, sets, file)
    if kind == "log":
        if argument == "-" and sys.stdin.isatty():
            raise UsageError(
                "give a log, a scenario or a schedule, or pipe a log in: scenrun run FILE --level debug | .."
            )
        with opened(argument) as stream:
            yield Reading(stream, "standard input" if argument == "-" else argument, run=run, every=every)
        return
    with tempfile.TemporaryDirectory(prefix="scenrun-") as folder:
        path = os.path.join(folder, "log.jsonl")
        if kind == "scenario":
            _simulate(argument, sets, path)
        else:
            _replay(argument, file, path)
        with opened(path) as stream:
            yield Reading(stream, argument, every=every)


def _refuse_idle(argument: str, kind: str, run: str | None, sets: tuple[str, ...], file: str | None) -> None:
    if run is not None and kind != "log":
        raise UsageError(f"--run chooses among the runs of a log; {argument} is a {kind}, which is run once")
    if sets and kind != "scenario":
        raise UsageError(f"--set changes a scenario before it is simulated; {argument} is a {kind}")
    if file is not None and kind != "schedule":
        raise UsageError(f"--file names the scenario of a schedule; {argument} is a {kind}")


def _simulate(argument: str, sets: tuple[str, ...], path: str) -> None:
    from scenrun.api import simulate
    from scenrun.interface.cli.options import load, overrides_of

    loaded = load(argument, overrides_of(sets))
    result = simulate(loaded, level="debug", log=path)
    say(f"simulated {argument}: {result.verdict}, {result.elapsed_s:.3f} s of virtual time")


def _replay(argument: str, file: str | None, path: str) -> None:
    from scenrun.api import replay

    result = replay(argument, scenario=file, level="debug", log=path)
    shown = "shown" if result.notes["shown"] else "not shown"
    say(f"replayed {argument} on the simulator: {result.verdict} {shown}")


def say_notes(reading: Reading) -> None:
    """Prints the gaps of a log and its skipped lines on stderr."""
    for note in reading.notes():
        say(f"note: {note}")


def player_of(argument: str, file: str | None = None) -> dict[str, Any] | None:
    """The steps of a schedule for a page's player; None for a log or a scenario. file: the schedule's scenario."""
    if kind_of(argument) != "schedule":
        return None
    from scenrun.api import scenario_of
    from scenrun.model.move_schedule import read
    from scenrun.program.loaded import load
    from scenrun.search.counterexample.frames import frames_of

    schedule = read(argument)
    loaded = load(file or scenario_of(argument, schedule), overrides=schedule.overrides)
    return frames_of(loaded.program, schedule)
