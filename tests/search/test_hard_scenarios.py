"""Scenarios on which a search once went wrong: odd shapes, values and limits, each as small as it can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import scenrun
from scenrun.interface.cli.main import run_cli
from scenrun.search.options import STATELESS

LOST_UPDATE = str(Path(__file__).parents[2] / "scenarios/lost_update.yaml")
SPAWNING = """
scenario: spawning
behaviours: {w: {do: [{sleep: 1ms}]}}
main: [{while: true, do: [{spawn: {target: w}}]}]
"""


def explored(text: str, **options: Any) -> Any:
    """A scenario written in place, explored."""
    return scenrun.explore(yaml.safe_load(text), **options)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("strategy", STATELESS)
def test_a_time_limit_ends_a_schedule_that_grows_slower_with_every_step(strategy: str, jobs: int) -> None:
    """It is looked at while transitions are worked out, not only between schedules."""
    found = explored(SPAWNING, strategy=strategy, time_limit=0.5, jobs=jobs)
    assert (found.verdict, found.bound) == ("incomplete", "500 ms")


def test_a_time_limit_is_for_all_searches_together() -> None:
    """The whole space, persistent sets and random schedules share it."""
    found = explored(SPAWNING, time_limit=1)
    assert (found.verdict, found.bound) == ("incomplete", "1 s")


def test_a_livelock_of_sleepers_has_a_round_in_virtual_time(tmp_path: Path) -> None:
    """What goes round is told and saved, so that a replay shows it."""
    path = tmp_path / "scenario.yaml"
    path.write_text("""
scenario: sleepers
sync: {l: lock}
threads:
  a: {do: [{acquire: l}, {while: true, do: [{sleep: 10ms}]}]}
""")
    found = scenrun.explore(path, time="virtual")
    one = found.counterexamples[0]
    assert one.cycle_from == 2
    assert [step.text for step in one.story.steps[2:]] == ["goes round"]
    found.schedule_of(one).save(tmp_path / "schedule.json")
    assert scenrun.replay(tmp_path / "schedule.json").notes["shown"]


def test_a_choice_is_told_as_an_alternative_not_as_a_value() -> None:
    """The number of what was chosen is no value of the scenario."""
    found = explored("""
        scenario: choosing
        state: {x: 0}
        main: [{choose: {from: [10, 20], into: v}}, {set: {x: v}}]
        expect: {final: ["x == 10"], verdict: {run: [holds, violated], simulate: [holds, violated], explore: violated}}
        """)
    assert [step.text for step in found.counterexamples[0].story.steps] == [
        "takes alternative 2 of 2",
        "x = 20",
        "ends",
    ]


def test_who_took_a_permit_is_not_said_to_hold_the_semaphore() -> None:
    """Permits may be signals, and those who took them may have ended."""
    found = explored("""
        scenario: permits
        sync: {s: {semaphore: {value: 0}}}
        threads: {a: {count: 3, do: [{acquire: s}]}, b: {do: [{release: {lock: s, n: 2}}]}}
        """)
    waiting = [one for one in found.counterexamples[0].story.waiting if one.object == "s"]
    assert [one.held_by for one in waiting] == [()]


def test_equal_remarks_are_made_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Several accesses on one line give one sentence."""
    path = tmp_path / "scenario.yaml"
    path.write_text("""
scenario: twice
state: {x: 0}
threads: {t: {count: 2, do: [{set: {x: x + 1}}, {set: {x: x + 1}}]}}
""")
    run_cli(["explore", str(path)])
    beside = [line for line in capsys.readouterr().err.splitlines() if "beside:" in line]
    assert len(beside) == len(set(beside)) > 0


def test_a_schedule_needs_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty one is refused, not ignored."""
    assert run_cli(["explore", LOST_UPDATE, "--save", ""]) == 2
    assert "--save takes the name of a file" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("overrides", 5), ("finding", ["violated"])])
def test_a_damaged_schedule_is_told_in_its_own_words(
    name: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which part is wrong, and what it ought to be."""
    path = tmp_path / "schedule.json"
    assert run_cli(["explore", LOST_UPDATE, "--save", str(path), "-q"]) == 0
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    assert run_cli(["replay", str(path)]) == 2
    assert f"`{name}` is a mapping" in capsys.readouterr().err
