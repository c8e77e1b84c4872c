"""The first finding of a state search is told while the search goes on, and may end it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from loops_at_random import Author
from loops_compared import TooLarge, found_in, graph_of

import scenrun
from scenrun.errors import UsageError
from scenrun.interface.cli import explore as command
from scenrun.interface.cli.main import run_cli
from scenrun.search import explore
from scenrun.search.explore import explore_program
from scenrun.search.options import SAMPLED, STATELESS, SearchOptions
from scenrun.search.record import Counterexample
from scenrun.search.space import breadth_first

MOST = 400
EARLY: dict[str, Any] = {
    "scenario": "early", "state": {"n": 0}, "sync": {"q": {"queue": {"maxsize": 2}}},
    "threads": {
        "hasty": {"do": [{"assert": "n == 0"}]},
        "setter": {"do": [{"set": {"n": 1}}]},
        "producers": {"count": 2, "do": [{"repeat": 3, "do": [{"put": {"queue": "q", "item": 1}}]}]},
        "consumers": {"count": 2, "do": [{"repeat": 3, "do": [{"get": {"queue": "q"}}]}]},
    },
    "expect": {"verdict": "violated"},
}  # fmt: skip
"""A race that a few steps show, beside some thousands of states."""
FEW = {**EARLY, "sync": {}, "threads": {name: EARLY["threads"][name] for name in ("hasty", "setter")}}
"""The same beside nothing, for strategies that would come to it late."""


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search rests after few states, as a large one does after many."""
    monkeypatch.setattr(breadth_first, "LOOK_EVERY", 16)


def told_by(how: dict[str, Any]) -> tuple[list[tuple[int, Counterexample]], Any]:
    """The findings that a search tells on its way, each with the states that were known then, and its result."""
    told: list[tuple[int, Counterexample]] = []
    known = [0]

    def look(progress: Any) -> None:
        known[0] = len(progress) if progress is not None else known[0]

    options = SearchOptions(found=lambda one: told.append((known[0], one)), look=look, **how)
    return told, explore_program(scenrun.load(EARLY).program, 0, options)


@pytest.mark.parametrize(
    "how", [{"reduction": "off"}, {"reduction": "on"}, {"reduction": "on", "symmetry": False}, {"time_mode": "virtual"}]
)
def test_the_first_finding_is_told_while_the_search_goes_on(how: dict[str, Any]) -> None:
    """Once, long before all states are known; what is found in the end is what is found without telling."""
    told, result = told_by(how)
    ((known, one),) = told
    assert (one.about.kind, one.about.about) == ("violated", "hasty")
    assert known < result.states / 2
    assert result.closed
    quiet = explore_program(scenrun.load(EARLY).program, 0, SearchOptions(**how))
    assert (result.found, result.states, result.outcomes) == (quiet.found, quiet.states, quiet.outcomes)
    assert [each.moves for each in result.counterexamples] == [each.moves for each in quiet.counterexamples]


@pytest.mark.parametrize("strategy", [None, "states", *STATELESS])
def test_a_search_can_end_at_its_first_finding(tmp_path: Path, strategy: str | None) -> None:
    """It is not closed, says why, and has a counterexample, which a replay shows again."""
    scenario = EARLY if strategy in (None, "states", *SAMPLED) else FEW
    found = scenrun.explore(scenario, strategy=strategy, first=True, reduction="off" if strategy is None else None)
    assert (found.verdict, found.closed, found.bound) == ("violated", False, "the first finding")
    assert found.ok
    assert found.counterexamples[0].about.kind == "violated"
    if found.states is not None:
        assert found.states < scenrun.explore(EARLY, reduction="off").states / 2
    schedule = found.schedule_of(found.counterexamples[0])
    schedule.save(tmp_path / "schedule.json")
    assert scenrun.replay(tmp_path / "schedule.json", scenario=scenario, on="simulator").verdict == "violated"


def test_a_search_without_findings_is_not_ended() -> None:
    """`first` proves what there is to prove."""
    good = {**EARLY, "threads": {**EARLY["threads"], "hasty": {"do": [{"assert": "n >= 0"}]}}, "expect": {}}
    found = scenrun.explore(good, first=True)
    assert (found.verdict, found.closed) == ("holds", True)


def small_programs(count: int) -> Iterator[tuple[Any, set[Any]]]:
    """Random programs with what there is to be found in each."""
    number = 4_000_000
    while count:
        number += 1
        program = scenrun.load(Author(number).scenario()).program
        try:
            found, _ = found_in(graph_of(program, timed=False, most=MOST))
        except TooLarge:
            continue
        count -= 1
        yield program, {kind for kind, _ in found}


def same_as(result: Any) -> tuple[Any, ...]:
    """All of a result that must not depend on whether its first finding was told."""
    moves = [one.moves for one in result.counterexamples]
    return result.verdict, result.closed, result.found, result.states, result.transitions, result.outcomes, moves


def test_what_is_told_first_is_true() -> None:
    """Of random programs, in whole and reduced searches, whose results are the same as without."""
    told = 0
    for program, kinds in small_programs(60):
        for how in ({"reduction": "off"}, {"reduction": "on"}):
            seen: list[Counterexample] = []
            result = explore_program(program, 0, SearchOptions(found=seen.append, **how))
            quiet = explore_program(program, 0, SearchOptions(**how))
            assert same_as(result) == same_as(quiet), program.name
            assert len(seen) <= 1
            assert {one.about.kind for one in seen} <= kinds, program.name
            told += len(seen)
    assert told > 10


def test_one_of_several_expected_kinds_is_as_expected() -> None:
    """As the search ends at the first one; a kind that is not expected is still none."""
    both = {**EARLY, "expect": {"verdict": ["violated", "deadlock"]}}
    assert scenrun.explore(both, first=True).ok
    assert not scenrun.explore({**EARLY, "expect": {"verdict": "deadlock"}}, first=True).ok


def test_the_schedules_that_follow_end_at_the_first_finding_too() -> None:
    """Where the states are too many: of 5,000 random schedules and as many of PCT, few are walked."""
    found = scenrun.explore(EARLY, first=True, max_states=3)
    assert (found.verdict, found.strategy) == ("violated", "states and random and pct")
    assert found.schedules < 5_000


def test_of_schedules_the_first_failing_one_counts_alone() -> None:
    """However many were walked beside it, which depends on the machine."""
    three = {"scenario": "three", "state": {"n": 0}, "threads": {
        "t": {"count": 3, "do": [{"set": {"n": "n + 1"}}, {"assert": "n == index + 1"}]}}}  # fmt: skip
    found = scenrun.explore(three, strategy="random", first=True)
    assert {one.schedule for one in found.counterexamples} == {found.schedules_to_first - 1}


def test_count_and_first_refuse_each_other() -> None:
    """One walks every schedule, the other ends."""
    with pytest.raises(UsageError, match="first"):
        scenrun.explore(EARLY, count=True, first=True)


def test_the_command_line_tells_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its table, before the whole result; not where the search is over at once; and `--first` ends it."""
    file = tmp_path / "early.yaml"
    file.write_text(scenrun.load(EARLY).program.source.text, encoding="utf-8")

    def said(*more: str) -> str:
        assert run_cli(["explore", str(file), "--reduction", "off", *more]) == 0
        return capfd.readouterr().err

    heading = "found, while the search goes on:"
    monkeypatch.setattr(command, "TELL_AFTER_S", 1_000.0)
    assert heading not in said()
    monkeypatch.setattr(command, "TELL_AFTER_S", 0.0)
    text = said()
    assert text.index(heading) < text.index("hasty") < text.index("ok: violated")
    assert heading not in said("--quiet")
    text = said("--first")
    assert heading not in text
    assert "ended by the first finding" in text


def test_the_command_for_the_same_search_keeps_a_zero(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A seed or a bound of 0 is not the same as none."""
    file = tmp_path / "few.yaml"
    file.write_text(scenrun.load(FEW).program.source.text, encoding="utf-8")
    assert run_cli(["explore", str(file), "--strategy", "preemptions", "--bound", "0", "--seed", "0"]) == 0
    again = capfd.readouterr().err
    assert "--seed 0" in again
    assert "--bound 0" in again


def test_a_finding_that_is_not_yet_due_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by a second at each look."""
    clock = count()
    monkeypatch.setattr(explore, "time", SimpleNamespace(perf_counter=lambda: float(next(clock))))
    told: list[float] = []
    program = scenrun.load(EARLY).program
    for after_s in (20.0, 1e9):
        how = SearchOptions(
            strategy="states", reduction="off", found=lambda one: told.append(next(clock)), found_after_s=after_s
        )
        explore_program(program, 0, how)
    assert len(told) == 1
    assert told[0] > 20
