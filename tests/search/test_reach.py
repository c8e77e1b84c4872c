"""`expect.reach`: what is said to be reached is reached, by the schedule that is shown, and what is said not to be never is."""

from __future__ import annotations

import random
from typing import Any

import pytest
from loops_compared import TooLarge, graph_of
from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.errors import UsageError
from scenrun.program.expectations import holds

ASKED = (
    "v == 1",
    "v > 2",
    "len(items) == 2",
    "items[0] == 2",
    "table['a'] > 5 and v",
    "1 // v == 0",
    "v == len(items) and v",
)
WITNESSES: dict[str, Any] = {
    "scenario": "witnesses", "sync": {"l": "lock", "q": {"queue": {"maxsize": 2}}}, "state": {"v": 0, "items": []},
    "threads": {
        "a": {"do": [{"with": "l", "do": [{"set": {"v": "v + 1"}}]}, {"put": {"queue": "q", "item": 1}}, {"set": {"v": "v + 1"}}]},
        "b": {"do": [{"set": {"v": "v + 1"}}, {"put": {"queue": "q", "item": 2}}, {"append": {"to": "items", "item": 1}}]},
    },
}  # fmt: skip


def reaching(*expressions: str, **more: Any) -> dict[str, Any]:
    return {**WITNESSES, "expect": {"reach": list(expressions), **more}}


def test_each_is_shown_with_a_short_schedule() -> None:
    found = scenrun.explore(reaching("v == 1 and l.locked()", "q.full()", "items[0] == 1 and v < 3"))
    assert (found.verdict, found.ok, found.closed) == ("holds", True, True)
    assert [one.about.about for one in found.witnesses] == [
        "v == 1 and l.locked()",
        "q.full()",
        "items[0] == 1 and v < 3",
    ]
    assert [len(one.moves) for one in found.witnesses] == [4, 10, 6]
    assert "l.locked() is True" in found.witnesses[0].sentence
    assert found.as_dict()["witnesses"][0]["kind"] == "reach"


@pytest.mark.parametrize(
    "options", [{}, {"strategy": "dpor"}, {"reduction": "off"}, {"time": "virtual"}, {"strategy": "preemptions"}]
)
def test_what_no_schedule_comes_to_is_a_finding(options: dict[str, Any]) -> None:
    found = scenrun.explore(reaching("v == 3", "v == 4", "items[1] == 1"), **options)
    assert found.verdict == "violated"
    assert found.unreached == ("v == 4", "items[1] == 1")
    assert "no schedule comes to a state in which v == 4 holds" in str(found)
    expected = scenrun.explore(reaching("v == 4", verdict={"explore": "violated"}), **options)
    assert expected.ok


def test_without_all_schedules_nothing_is_said_of_what_was_not_reached() -> None:
    found = scenrun.explore(reaching("v == 4"), strategy="random", schedules=20)
    assert (found.verdict, found.closed, found.unreached) == ("incomplete", False, ())
    assert scenrun.explore(reaching("v == 3"), strategy="random", schedules=20).witnesses


@pytest.mark.parametrize("on", ["threads", "simulator"])
def test_a_replay_comes_to_it(on: str) -> None:
    scenario = reaching("v == 1 and l.locked()", "q.full()", "items[0] == 1 and v < 3")
    found = scenrun.explore(scenario)
    for one in found.witnesses:
        result = scenrun.replay(found.schedule_of(one), scenario=scenario, on=on)
        assert result.notes["shown"], one.about


def test_a_run_says_as_much_as_it_can() -> None:
    """Questions to objects and variables are not looked at in the same moment on real threads."""
    scenario = reaching("v == 3", "v == 9", "q.full()")
    said = {one.expression: one.found for one in scenrun.run(scenario).expectations if one.what == "reach"}
    assert said == {"v == 3": "holds", "v == 9": "not_reached", "q.full()": "not_checked"}
    said = {one.expression: one.found for one in scenrun.simulate(scenario).expectations if one.what == "reach"}
    assert said == {"v == 3": "holds", "v == 9": "not_reached", "q.full()": "holds"}


def test_it_is_for_numbers_that_are_known() -> None:
    scenario = {
        "scenario": "many",
        "state": {"v": 0},
        "threads": {"t": {"count": "any", "do": [{"set": {"v": 1}}]}},
        "expect": {"reach": ["v == 1"]},
    }
    with pytest.raises(UsageError, match="say how many there are"):
        scenrun.explore(scenario)


def test_it_is_what_a_plain_look_at_all_states_finds() -> None:
    """On scenarios by chance, with reduction, without it, and by every schedule where DPOR closes; `v` may be anything."""
    compared = reached = 0
    for number in range(60):
        scenario = Author(random.Random(number).randbytes(TAPE)).scenario()
        asked = [
            text
            for text in ASKED
            if all(name in scenario.get("state", {}) for name in ("v", "items", "table") if name in text)
        ]
        if not asked:
            continue
        scenario["expect"] = {"reach": asked}
        program = scenrun.load(scenario).program
        try:
            graph = graph_of(program, timed=False, most=3_000)
        except TooLarge:
            continue
        looks = {o.text: graph.machine.looks.function(o) for o in program.expectations.reach}
        plain = {text for text, look in looks.items() if any(not holds(look, state.cells) for state in graph.states)}
        ways: tuple[dict[str, Any], ...] = ({}, {"reduction": "off"}, {"strategy": "dpor", "schedules": 300})
        for options in ways[:1] if program.interrupts else ways:
            found = scenrun.explore(scenario, **options)
            shown = {one.about.about for one in found.witnesses}
            assert shown <= plain, (number, options)
            assert set(found.unreached) <= set(asked) - plain, (number, options)
            assert not found.closed or shown == plain, (number, options)
        compared += 1
        reached += len(plain)
    assert compared > 20
    assert reached > compared


@pytest.mark.parametrize("where", ["final", "always", "reach"])
def test_questions_to_threads_and_to_chosen_objects_are_joined_by_and_and_or(where: str) -> None:
    """They read one state, so that no order between them has to be kept."""
    asked = {
        "final": [
            "not t[0].is_alive() and not t[1].is_alive()",
            "x == 9 or not l[x].locked()",
            "t[x].is_alive() if x > 5 else True",
        ],
        "always": ["x < 2 or t[0].is_alive()", "not l[x].locked() or l[1].locked() or l[0].locked()"],
        "reach": ["t[0].is_alive() and t[1].is_alive()", "x == 1 and (l[x].locked() or l[0].locked())"],
    }
    scenario = {
        "scenario": "both", "sync": {"l": {"lock": {"count": 2}}}, "state": {"x": 0},
        "threads": {"t": {"count": 2, "do": [{"with": "l[index]", "do": [{"set": {"x": 1}}]}]}}, "expect": {where: asked[where]},
    }  # fmt: skip
    for way in (scenrun.run, scenrun.simulate, scenrun.explore):
        assert way(scenario).verdict == "holds"
