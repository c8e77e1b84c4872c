"""What a person who waits for a search is told, and when: schedules beside states, progress, a budget, what was covered."""

from __future__ import annotations

import re
from math import log10
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

import scenrun
from scenrun.interface.cli import explore as command
from scenrun.interface.cli.streams import Progress
from scenrun.model.machine import FREE, Machine
from scenrun.program.ir import Program
from scenrun.search import portfolio
from scenrun.search.arrays import level_search
from scenrun.search.explore import explore_program, progress_of
from scenrun.search.hunt import Hunt
from scenrun.search.options import SearchOptions
from scenrun.search.portfolio import StateSearchOptions
from scenrun.search.space.breadth_first import Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import LinkedSpace

SCENARIOS = Path(__file__).parents[2] / "scenarios"
DEEP = """
scenario: deep
state: {n: 0, turns: 0}
threads:
  up: {count: 3, do: [{repeat: 4, do: [{set: {n: "n + 1"}}]}]}
  after:
    do:
      - repeat: 12
        do: [{set: {turns: "turns + 1"}}]
      - assert: turns < 12
      - set: {turns: 0}
"""
"""An assertion that fails in every schedule, but only after many steps."""
APART = """
scenario: apart
state: {a: 0, b: 0}
threads:
  one: {do: [{repeat: 9, do: [{set: {a: "a + 1"}}]}]}
  two: {do: [{repeat: 9, do: [{set: {b: "b + 1"}}]}]}
"""
"""Two threads that have nothing to do with one another."""


def program_of(text: str) -> Program:
    """The program of a scenario's text."""
    return scenrun.load(yaml.safe_load(text)).program


def searched(text: str, **options: Any) -> tuple[Any, list[Any]]:
    """A search whose space is large from 50 states on and never closed, and what it told while it went on."""
    told: list[Any] = []
    limits, rehearsed = Limits(states=options.pop("states", 400)), options.pop("rehearsed", 0)
    how = SearchOptions(limits=limits, found=told.append, **options)
    small = mock.patch.multiple(portfolio, SMALL=50, WIDE=0, FEW=20, WORK=2_000)
    with small, mock.patch.object(level_search, "REHEARSED", rehearsed):
        return explore_program(program_of(text), None, how), told


def test_schedules_are_walked_once_the_space_is_large() -> None:
    """They show what the states do not come to; it is told at once, and is in the result with what the states show."""
    result, told = searched(DEEP, reduction="off")
    assert [one.about.kind for one in told] == ["violated"]
    assert not result.closed
    assert result.kinds == ("violated",)
    assert result.strategy == "states and random and pct"
    assert result.schedules


def test_a_large_space_that_is_small_when_reduced_needs_no_schedules() -> None:
    """They are walked only when the reduced space is not closed in its first turn."""
    with mock.patch.object(Hunt, "walk", side_effect=AssertionError("no schedules are needed")):
        result, _ = searched(APART, states=10**6)
    assert (result.closed, result.reduced, result.schedules) == (True, True, None)


def test_a_reason_to_end_that_schedules_give_ends_the_search() -> None:
    """After the first turn of the reduced space; the whole one is not searched further."""
    packed = Packed(Machine(program_of(DEEP), folded=FREE, forgets=True))
    asked = []
    how = StateSearchOptions(Limits(states=10**6), beside=lambda: asked.append(True) or "enough")
    with mock.patch.multiple(portfolio, SMALL=50, WIDE=0, FEW=20, MOST_FEW=20, WORK=2_000):
        space = portfolio.Portfolio(packed, how, lambda orbits: lambda space: None).run()
    assert (asked, space.bound, space.is_closed) == ([True], "enough", False)
    assert len(space) < 100


def test_a_search_of_states_alone_walks_none() -> None:
    """Who asks for states gets no schedules."""
    result, told = searched(DEEP, strategy="states", reduction="off")
    assert (result.schedules, told, result.verdict) == (None, [], "incomplete")


def test_what_a_rehearsal_walks_into_is_told() -> None:
    """A search that has met a bug, in whichever way, does not say that it found nothing."""
    result, _ = searched(DEEP, strategy="states", rehearsed=4_000)
    assert not result.closed
    assert result.verdict == "violated"
    assert result.counterexamples[0].story.steps


def test_the_first_finding_of_the_hunt_ends_a_search_that_asks_for_no_more() -> None:
    """At once: the states are not searched further."""
    result, _ = searched(DEEP, first=True)
    assert result.bound == "the first finding"
    assert result.states is not None
    assert result.states < 200


def test_a_space_that_closes_needs_no_schedules() -> None:
    """What it shows is all there is, and its figures are of states alone."""
    result, _ = searched(DEEP, states=10**6)
    assert result.closed
    assert (result.strategy, result.schedules, result.coverage) == ("states", None, None)


def test_a_finding_of_a_space_that_is_given_up_is_kept() -> None:
    """Though the search ends in another one, which did not come to it."""
    broken = DEEP.replace("threads:", "threads:\n  bad: {do: [{assert: n == 7}]}", 1)
    result, _ = searched(broken, strategy="states", states=110)
    assert not result.closed
    assert "bad" in {one.about.about for one in result.counterexamples}


def test_an_incomplete_search_says_what_it_covered() -> None:
    """Steps that were not reached, with lines; no last state; how often threads are preempted."""
    result, _ = searched(DEEP, strategy="states", reduction="off")
    covered = result.coverage
    assert covered is not None
    assert covered.ends == 0
    assert [line for line, _ in covered.unreached] == [20]
    assert {name for name, _ in covered.preempted} >= {"up[0]", "after"}
    told = str(result)
    assert re.search(r"covered: 0 last states\n", told)
    assert re.search(r"in no visited state a thread has come to line 20\n", told)
    assert result.as_dict()["coverage"]["last_states"] == 0


def test_steps_that_are_reached_are_not_said_to_be_missing() -> None:
    """Of a whole space cut one state short, nothing is unreached."""
    program = scenrun.load(SCENARIOS / "locked_update.yaml").program
    states = explore_program(program).states
    assert states is not None
    result = explore_program(program, None, SearchOptions(strategy="states", limits=Limits(states=states - 1)))
    assert result.verdict == "incomplete"
    assert result.coverage is not None
    assert result.coverage.unreached == ()


@pytest.mark.parametrize("name", ["lost_update", "barrier_phases", "start_a_thread"])
def test_the_estimate_of_schedules_is_near_their_number(name: str) -> None:
    """Within a factor of three of what `--count` counts, for small ones."""
    from scenrun.model.machine import FREE, Machine
    from scenrun.search.coverage import coverage_of
    from scenrun.search.space.packed import Packed

    program = scenrun.load(SCENARIOS / f"{name}.yaml").program
    counted = explore_program(program, None, SearchOptions(count=True, reduction="off")).counted
    assert counted is not None
    found = coverage_of(Packed(Machine(program, 0, folded=FREE, forgets=True)), 0, seed=1)
    assert found.schedules_log10 is not None
    assert abs(found.schedules_log10 - log10(counted.schedules)) < log10(3)


def options_of(**given: Any) -> dict[str, Any]:
    """The command's options, those that matter here."""
    return {"time_limit": None, "count": False, "strategy": None, **given}


def test_the_command_has_a_budget() -> None:
    """Thirty seconds for states, unless something is said; schedules and counting have an end of their own."""
    assert command._limit_ns(options_of()) == 30 * 10**9
    assert command._limit_ns(options_of(strategy="states")) == 30 * 10**9
    assert command._limit_ns(options_of(time_limit="5s")) == 5 * 10**9
    assert command._limit_ns(options_of(time_limit="none")) is None
    assert command._limit_ns(options_of(strategy="random")) is None
    assert command._limit_ns(options_of(strategy="random", time_limit="2s")) == 2 * 10**9
    assert command._limit_ns(options_of(count=True)) is None


def test_python_has_no_budget() -> None:
    """So that what a test says does not depend on the machine."""
    assert scenrun.search.options.SearchRequest().options().limits.seconds is None


def test_progress_is_written_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """As whole lines, no more often than asked for; not with -q."""
    progress = Progress(quiet=False, elsewhere_s=0.0)
    progress.show(lambda: "so far")
    assert capsys.readouterr().err == "so far\n"
    Progress(quiet=True, elsewhere_s=0.0).show(lambda: "so far")
    Progress(quiet=False).show(lambda: "so far")
    Progress(quiet=False, elsewhere_s=1_000.0).show(lambda: "so far")
    assert capsys.readouterr().err == ""


def test_progress_says_how_the_frontier_grows() -> None:
    """With the rate."""
    space = LinkedSpace()
    space.parents, space.transitions, space.depth, space.growth = dict.fromkeys(range(1_000)), 2_000, 7, 0.5
    assert progress_of(space, 2.0) == (
        "1,000 states, 2,000 transitions, depth 7, 500 states/s, each level 0.50 times the one before"
    )
