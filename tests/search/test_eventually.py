"""`expect.eventually` and `leads_to`: what may never come is shown by a way and a round, and what is said to come comes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from fairly_avoided import may_never_come
from loops_at_random import Author
from loops_compared import TooLarge, graph_of

import scenrun
from scenrun.errors import UsageError

ASKED = (
    "v == 1",
    "w == 1",
    "v > 1",
    "w == 0",
    "v == 0",
    "l.locked()",
    "not l.locked()",
    "e.is_set()",
    "q.full()",
    "v == w",
)


def live(server: list[Any], *, asker: list[Any] | None = None, **expect: Any) -> dict[str, Any]:
    """One thread asks, another answers by these steps."""
    waits = [{"set": {"asked": True}}, {"while": "not answered", "do": []}]
    return {
        "scenario": "live", "state": {"asked": False, "answered": False, "other": 0}, "sync": {"e": "event"},
        "threads": {"asker": {"do": [{"assert": "other < 9"}, *(asker or waits)]}, "server": {"endless": True, "do": [{"set_event": "e"}, *server]}},
        "expect": expect,
    }  # fmt: skip


WAITS = {"while": "not asked", "do": [{"set": {"other": "1 - other"}}]}
ANSWERS = {"set": {"answered": True}}
CHOOSES = {"choose": {"from": [True, False], "into": "answered"}}


@pytest.mark.parametrize("time", ["free", "virtual"])
def test_what_comes_on_every_fair_schedule_holds(time: str) -> None:
    """Only the scheduler could keep the server from it, by never letting it go on; a fair one does not."""
    found = scenrun.explore(
        live([WAITS, ANSWERS], eventually=["answered"], leads_to=[["asked", "answered"]]), time=time
    )
    assert (found.verdict, found.closed) == ("holds", True)


def test_what_may_never_come_is_shown_by_a_way_and_a_round() -> None:
    found = scenrun.explore(live([WAITS, CHOOSES], eventually=["answered"], leads_to=[["asked", "answered"]]))
    assert found.kinds == ("livelock", "violated")
    texts = [one.about.about for one in found.counterexamples if one.about.kind == "violated"]
    assert texts == ["eventually answered", "asked leads to answered"]
    first, second = (one for one in found.counterexamples if one.about.kind == "violated")
    assert first.cycle_from is not None
    assert "asker goes on for ever without it" in first.sentence
    assert "since asked held, after step" in second.sentence


def test_an_end_without_it_is_one_too() -> None:
    scenario = live([CHOOSES], asker=[{"set": {"asked": True}}], leads_to=[["asked", "answered"]])
    found = scenrun.explore(scenario)
    assert found.kinds == ("violated",)
    assert "everybody has ended, and answered has not held since asked held" in found.counterexamples[0].sentence
    assert found.counterexamples[0].cycle_from is None
    expected = {**scenario, "expect": {**scenario["expect"], "verdict": {"explore": "violated"}}}
    assert scenrun.explore(expected).ok


def test_what_held_before_it_was_asked_for_is_asked_for_again() -> None:
    """`leads_to` looks from each moment at which the first holds; `eventually` is content with one moment."""
    steps = [{"set": {"answered": True}}, {"set": {"answered": False}}, {"set": {"other": 1}}]
    scenario = live(
        steps, asker=[{"set": {"asked": True}}], eventually=["answered"], leads_to=[["other == 1", "answered"]]
    )
    found = scenrun.explore(scenario)
    assert [one.about.about for one in found.counterexamples] == ["other == 1 leads to answered"]


@pytest.mark.parametrize("strategy", ["dpor", "preemptions", "random", "pct"])
def test_without_a_search_of_states_nothing_is_said(strategy: str) -> None:
    found = scenrun.explore(
        live([CHOOSES], asker=[{"set": {"asked": True}}], eventually=["answered"]), strategy=strategy
    )
    assert (found.verdict, found.closed) == ("incomplete", False)
    assert "need a search of states" in str(found)


@pytest.mark.parametrize("on", ["threads", "simulator"])
def test_a_replay_shows_it(on: str) -> None:
    """A round is gone through as often as a replay goes; an end without it is the end."""
    round_ = live([WAITS, CHOOSES], eventually=["answered"])
    end = live([CHOOSES], asker=[{"set": {"asked": True}}], leads_to=[["asked", "answered"]])
    for scenario in (round_, end):
        found = scenrun.explore(scenario)
        for one in found.counterexamples:
            result = scenrun.replay(found.schedule_of(one), scenario=scenario, on=on)
            assert result.notes["shown"], one.about


@pytest.mark.parametrize("time", ["free", "virtual"])
@pytest.mark.parametrize("steps", [[{"set": {"other": "1 - other"}}], [{"sleep": "5ms"}]])
def test_a_round_is_saved_and_replayed_from_its_file(steps: list[Any], time: str, tmp_path: Path) -> None:
    """Also one of sleeps alone, which are no steps where time is free."""
    scenario = {
        "scenario": "rounds", "state": {"other": 0, "came": 0},
        "threads": {"t": {"endless": True, "do": [{"while": True, "do": steps}]}, "u": {"do": [{"assert": "other < 9"}]}},
        "expect": {"eventually": ["came == 1"], "verdict": {"explore": "violated"}},
    }  # fmt: skip
    (path := tmp_path / "round.yaml").write_text(json.dumps(scenario))
    found = scenrun.explore(path, time=time)
    found.schedule_of(found.counterexamples[0]).save(tmp_path / "round.json")
    for on in ("threads", "simulator"):
        assert scenrun.replay(tmp_path / "round.json", on=on).notes["shown"], on


@pytest.mark.parametrize("way", [scenrun.run, scenrun.simulate])
def test_a_run_says_as_much_as_it_can(way: Any) -> None:
    scenario = live([WAITS, ANSWERS, {"set": {"other": 5}}], eventually=["answered", "other == 7", "e.is_set()"])
    result = way(scenario)
    said = {one.expression: one.found for one in result.expectations}
    assert said["answered"] == "holds"
    assert said["other == 7"] == "violated"
    assert said["e.is_set()"] == ("not_checked" if way is scenrun.run else "holds")
    assert "other == 7" in result.findings[0].message


def test_it_is_for_numbers_that_are_known() -> None:
    scenario = {
        "scenario": "many", "state": {"v": 0}, "threads": {"t": {"count": "any", "do": [{"set": {"v": 1}}]}},
        "expect": {"eventually": ["v == 1"]},
    }  # fmt: skip
    with pytest.raises(UsageError, match="say how many there are"):
        scenrun.explore(scenario)


@pytest.mark.parametrize("timed", [False, True])
def test_it_is_what_a_fixed_point_over_all_states_finds(timed: bool) -> None:
    """On scenarios by chance that go round, starve and start each other; each step of the plain graph is one of its own."""
    compared = 0
    avoided: set[bool] = set()
    for number in range(140):
        scenario = asking(number)
        if scenario is None:
            continue
        program = scenrun.load(scenario).program
        try:
            graph = graph_of(program, timed=timed, most=600, folded=None if timed else frozenset())
        except TooLarge:
            continue
        plainly = {one.text: may_never_come(graph, one) for one in program.expectations.liveness}
        found = scenrun.explore(scenario, time="virtual" if timed else "free")
        shown = {one.about.about for one in found.counterexamples}
        assert found.closed
        assert {text: text in shown for text in plainly} == plainly, number
        compared += 1
        avoided.update(plainly.values())
    assert compared > 30
    assert avoided == {True, False}


def asking(number: int) -> dict[str, Any] | None:
    """A scenario by chance that is asked what comes; None where it has nothing to ask."""
    scenario, draw = Author(number).scenario(), random.Random(number)
    declared = {**scenario.get("state", {}), **scenario.get("sync", {})}
    asked = [
        text
        for text in ASKED
        if _names(text) <= declared.keys() and ("l" not in _names(text) or declared["l"] == "lock")
    ]
    if not asked:
        return None
    expect = {"eventually": [draw.choice(asked)], "leads_to": [[draw.choice(asked), draw.choice(asked)]]}
    try:
        scenrun.load({**scenario, "expect": expect})
    except scenrun.ScenarioError:
        return None  # it declares what only its own expectations use
    return {**scenario, "expect": expect}


def _names(text: str) -> set[str]:
    return {
        name
        for name in "vwleq"
        if name in text.replace("not", "").replace("locked", "").replace("full", "").replace("is_set", "")
    }
