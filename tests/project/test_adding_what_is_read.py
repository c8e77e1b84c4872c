"""A toy expectation, view and event are added at just the places that docs/contributing.md names, and everything knows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from additions import Addition

# --- an expectation: `never`, what holds in no state

NEVER_KEY = """    never: Annotated[Any, _list_of_expressions("never"), _LIST] = Field(
        default=(), description="expressions that hold in no state"
    )
"""
NEVER_COMPILED = """        observed = (*expect.always, *(parse(f"not ({e.text})") for e in expect.never))
"""
BOTH_INSIDE = """
sync: {guard: lock}
state: {inside_it: 0}
behaviours: {visit: {do: [{set: {inside_it: inside_it + 1}}, {set: {inside_it: inside_it - 1}}]}}
threads:
  one: {do: [SAFE]}
  two: {do: [SAFE]}
expect: {never: [inside_it == 2]}
"""
SAFE, UNSAFE = "{with: guard, do: [run: visit]}", "{run: visit}, {with: guard, do: []}"


@pytest.fixture(scope="module")
def never(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package with the expectation `never`."""
    added = Addition(tmp_path_factory.mktemp("never"))
    model, compiler = "language/expect.py", "program/compiler/compiler.py"
    added.before(model, '    outcomes: Annotated[Any, PlainValidator(_outcomes), WithJsonSchema({"type"', NEVER_KEY)
    imported = "from scenrun.language.expressions import Expression, ExpressionError"
    added.after(compiler, imported, ", parse")
    added.before(compiler, "        outcomes = expect.outcomes\n", NEVER_COMPILED)
    added.replace(compiler, "for e in expect.always)", "for e in observed)")
    return added


def test_an_expectation_is_added_at_the_places_that_the_page_names(never: Addition) -> None:
    """Two files: its key, and what it compiles to."""
    assert never.strays("Adding an expectation") == set()
    assert len(never.touched) == 2


def test_an_expectation_that_is_added_is_judged_in_every_way(never: Addition, tmp_path: Path) -> None:
    """A run and a simulation keep it, a search proves it, and finds where it is broken; a replay shows that."""
    good = never.scenario("safe", BOTH_INSIDE.replace("SAFE", SAFE))
    for way, lines in never.logs_of(good):
        (checked,) = lines[-1]["expectations"]
        assert (checked["expression"], checked["found"]) == ("not (inside_it == 2)", "holds"), way
    assert never.verdict(good)["verdict"] == "holds"
    bad, schedule = never.scenario("unsafe", BOTH_INSIDE.replace("SAFE", UNSAFE)), tmp_path / "schedule.json"
    assert never.verdict(bad, status=1, save=schedule)["verdict"] == "violated"
    assert never.is_shown_again(schedule, "inside_it == 2")


def test_an_expectation_that_is_added_is_documented(never: Addition) -> None:
    """The reference and the schema are made from its key."""
    assert "| `never` | expressions that hold in no state |" in never.reference()
    assert "never" in never.schema()["$defs"]["expect"]["properties"]


# --- a view: how often each event came

CENSUS = '''"""How often each event of a log came."""

from __future__ import annotations

from collections import Counter

from scenrun.trace.analysis.reading import Reading


def census(reading: Reading) -> str:
    """A table of the events, the most frequent first."""
    counts = Counter(event["event"] for event in reading)
    return "\\n".join(f"{count:6} {name}" for name, count in counts.most_common())
'''
CENSUS_COMMAND = '''"""`scenrun census`: prints how often each event of a log came."""

from __future__ import annotations

from typing import Any

import click

from scenrun.interface.cli.logs import log_of, log_options, say_notes
from scenrun.interface.cli.streams import tell
from scenrun.report.census import census


@click.command("census")
@click.argument("log", default="-", metavar="[LOG]")
@log_options
def census_command(log: str, **source: Any) -> int:
    """Show how often each event of a log came."""
    with log_of(log, **source) as reading:
        tell(census(reading))
        say_notes(reading)
    return 0
'''
SMALL = """
sync: {guard: lock}
threads: {one: {do: [{with: guard, do: []}, {with: guard, do: []}]}}
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package with the command `census`."""
    added = Addition(tmp_path_factory.mktemp("census"))
    added.make("report/census.py", CENSUS)
    added.make("interface/cli/census.py", CENSUS_COMMAND)
    main = "interface/cli/main.py"
    added.before(main, '    "schema": "scenrun.interface', '    "census": "scenrun.interface.cli.census",\n')
    added.before(main, '    "schema": "Print', '    "census": "Show how often each event came.",\n')
    return added


def test_a_view_is_added_at_the_places_that_the_page_names(counted: Addition) -> None:
    """Two files of its own, and its lines in the list of commands."""
    assert counted.strays("Adding a view") == set()
    assert len(counted.touched) == 3


def test_a_view_that_is_added_shows_logs_scenarios_and_schedules(counted: Addition, tmp_path: Path) -> None:
    """Of real threads, of a simulation, and of a replay of what a search has found."""
    small = counted.scenario("small", SMALL)
    for way, _ in counted.logs_of(small):
        assert "     2 lock.acquired\n" in counted.said("census", small.with_suffix(f".{way}.jsonl"))
    assert "     2 lock.acquired\n" in counted.said("census", small)
    stuck, schedule = (
        counted.scenario("stuck", SMALL.replace("guard: lock", "guard: {lock: {initially: locked}}")),
        tmp_path / "s",
    )
    assert counted.verdict(stuck, status=1, save=schedule)["verdict"] == "deadlock"
    assert "     1 lock.acquiring\n" in counted.said("census", schedule)
    assert "Show how often each event came." in counted.said("--help")


# --- an event: the objects of a run are ready

READY = """    Event("objects.ready", "The objects of a run are made.", {"count": INTEGER}, "info", by_thread=False),
"""


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package with the event `objects.ready`."""
    added = Addition(tmp_path_factory.mktemp("ready"))
    added.before("trace/events.py", '    Event("message", "A `log` step."', READY)
    line = "        main = self.main\n        main.started = True\n"
    added.before(
        "execution/threads/run.py", line, '        self.event("objects.ready", "info", {"count": len(self.objects)})\n'
    )
    line = "        self._enlist(self.main, {}, 0)\n"
    ready = '(0, None, None, "event", "objects.ready", "info", {"count": len(self.objects)})'
    added.before("execution/simulator/simulation.py", line, f"        self.records.append({ready})\n")
    return added


def test_an_event_is_added_at_the_places_that_the_page_names(ready: Addition) -> None:
    """Its description, and where it happens in each executor."""
    assert ready.strays("Adding an event") == set()
    assert len(ready.touched) == 3


def test_an_event_that_is_added_is_written_shown_and_documented(ready: Addition, tmp_path: Path) -> None:
    """Its lines fit the schema; consoles show their fields; replays write it, too."""
    small = ready.scenario("small", SMALL)
    for way, lines in ready.logs_of(small):
        assert [line["count"] for line in lines if line["event"] == "objects.ready"] == [2], way
    assert "objects.ready count=2" in ready.said("simulate", small, "--format", "console")
    assert "one" in ready.said("timeline", small.with_suffix(".run.jsonl"))
    stuck, schedule = (
        ready.scenario("stuck", SMALL.replace("guard: lock", "guard: {lock: {initially: locked}}")),
        tmp_path / "s",
    )
    assert ready.verdict(stuck, status=1, save=schedule)["verdict"] == "deadlock"
    assert ready.is_shown_again(schedule, '"objects.ready"')
    assert "| `objects.ready` | info | The objects of a run are made. | `count` |" in ready.reference()
