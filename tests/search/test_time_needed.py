"""What a finding says it needs of time: the least delay is that of trying every moment, and none is needed where virtual time shows it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from delays_at_random import drawn, least_delay

import scenrun
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.search.counterexample.summary import finding_lines
from scenrun.search.counterexample.time_needed import TimeNeeded, time_needed

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PROGRAMS = 60
ASKED: dict[str, Any] = {
    "scenario": "asked", "sync": {"answer": "event"}, "state": {"missed": False},
    "threads": {
        "worker": {"do": [{"sleep": "200ms"}, {"set_event": "answer"}]},
        "asker": {"do": [{"wait": {"event": "answer", "timeout": "1s", "into": "came"}}, {"set": {"missed": "not came"}}]},
    },
    "expect": {"final": ["not missed"]},
}  # fmt: skip


def needs(scenario: Any, **options: Any) -> str:
    """What the first finding of a search says."""
    return str(scenrun.explore(scenario, **options).counterexamples[0].time)


def any_path(machine: Machine, draw: random.Random) -> list[Transition]:
    """A random path, mostly to an end."""
    state, path = machine.initial(), list[Transition]()
    while ways := list(machine.following(state)):
        if len(path) > 3 and draw.random() < 0.05:
            break
        transition, state = draw.choice(ways)
        path.append(transition)
    return path


def test_the_least_delay_is_that_of_trying_every_moment() -> None:
    """Of random paths of random programs; some need no delay, and with some it can be of one thread or another."""
    said, unsaid = [], 0
    for seed in range(PROGRAMS):
        program, draw = scenrun.load(drawn(seed)).program, random.Random(seed)
        free, timed = Machine(program, 0, folded=FREE), Machine(program, 0, timed=True)
        for _ in range(2):
            path = any_path(free, draw)
            found = time_needed(free, path)
            if found is None:  # a thread may have slept when what it then waits for was taken
                unsaid += 1
                continue
            assert sum(late for _, late in found.late_ns) == least_delay(timed, path), seed
            said.append(found)
    assert unsaid < PROGRAMS // 3
    assert sum(not one.late_ns for one in said) > 5
    assert sum(not one.is_certain for one in said) > 5
    assert sum(len(one.late_ns) > 1 for one in said) > 5


def test_a_time_out_beside_a_worker_that_is_late() -> None:
    """The worker sleeps 200 ms of the second that the asker waits; the table and the JSON say it as well."""
    found = scenrun.explore(ASKED)
    (one,) = found.counterexamples
    assert str(one.time) == "only if worker is late by 800 ms"
    assert "; only if worker is late by 800 ms)" in finding_lines(one, 120)[0]
    said = found.as_dict()["findings"][0]["time"]
    assert said == {"needs": "only if worker is late by 800 ms", "late_s": {"worker": 0.8}, "is_certain": True}


def test_it_may_be_one_thread_or_another() -> None:
    """The words say what is late in all, and that it need not be these threads."""
    one = TimeNeeded((("a", 1_000_000), ("b", 2_000_000)), is_certain=False)
    assert (
        str(one)
        == "only if threads are late by 3 ms in all: a is late by 1 ms and b is late by 2 ms, or others instead"
    )


@pytest.mark.parametrize(
    "name",
    [
        "lost_update",
        *(f"gallery/{one}" for one in ("permit_leaks_on_timeout", "permit_made_of_nothing", "tasks_lost_at_shutdown")),
    ],
)
def test_what_needs_no_delay_is_found_in_virtual_time(name: str) -> None:
    """With the same finding."""
    path = SCENARIOS / f"{name}.yaml"
    free, virtual = scenrun.explore(path), scenrun.explore(path, time="virtual")
    for one in free.counterexamples:
        assert str(one.time) == "also in the clock's order"
        assert one.about in [other.about for other in virtual.counterexamples]
        assert all(str(other.time) == "also in the clock's order" for other in virtual.counterexamples)


@pytest.mark.parametrize("ahead", ["wait_for", "polls"])
def test_a_deadline_that_is_looked_at(ahead: str) -> None:
    """A `wait_for` with a time-out looks at its deadline; a thread that polls without any time delays nobody, so nothing is said."""
    waits = {"wait_for": {"condition": "changed", "until": "done", "timeout": "1s", "into": "came"}}
    asker = [{"with": "changed", "do": [waits]}, {"set": {"missed": "not came"}}]
    worker = [{"sleep": "200ms"}, {"with": "changed", "do": [{"set": {"done": True}}, {"notify": "changed"}]}]
    if ahead == "polls":
        worker = [{"while": "not missed", "do": [{"if": "done", "then": [{"set": {"done": True}}]}]}]
    scenario = {
        "scenario": "waits_for", "sync": {"changed": "condition"}, "state": {"done": False, "missed": False},
        "threads": {"worker": {"do": worker}, "asker": {"do": asker}}, "expect": {"always": ["not missed"]},
    }  # fmt: skip
    expected = {"wait_for": "only if worker is late by 800 ms", "polls": "None"}
    assert needs(scenario) == expected[ahead]


def test_nothing_is_said_of_a_file_in_which_nothing_takes_time() -> None:
    """In the table; the JSON has it."""
    (one,) = scenrun.explore(SCENARIOS / "self_deadlock.yaml").counterexamples
    assert "clock" not in finding_lines(one, 120)[0]
    assert one.as_dict()["time"]["needs"] == "also in the clock's order"
