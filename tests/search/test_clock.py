"""`now()`: what a search in virtual time finds is what a simulation shows, and what a replay reads is what the schedule says."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from clocks_at_random import Author

import scenrun
from scenrun.errors import UsageError
from scenrun.program.values import key

PROGRAMS = 40
DEADLINE: dict[str, Any] = {
    "scenario": "deadline", "sync": {"answer": "event"}, "state": {"late": False, "tries": 0},
    "threads": {
        "asker": {
            "do": [
                {"set": {"deadline": "now() + 0.1"}},
                {
                    "while": "not answer.is_set() and now() < deadline",
                    "do": [{"set": {"tries": "tries + 1"}}, {"sleep": {"ms": "2 ** tries"}}],
                },
                {"if": "now() > deadline", "then": [{"set": {"late": True}}]},
            ]
        },
        "answerer": {"do": [{"sleep": "90ms"}, {"set_event": "answer"}]},
    },
    "expect": {"final": ["not late"]},
}  # fmt: skip


def test_a_search_finds_every_outcome_that_a_simulation_shows() -> None:
    compared = different = 0
    for number in range(PROGRAMS):
        scenario = Author(number).scenario()
        found = scenrun.explore(scenario, max_states=30_000)
        if not found.closed:
            continue
        allowed = {key(list(outcome)) for outcome in found.outcomes}
        compared += 1
        different += len(allowed) > 1
        for scheduler, seed in itertools.product(("round-robin", "random"), range(4)):
            run = scenrun.simulate(scenario, scheduler=scheduler, seed=seed, step_cost=1e-9)
            assert key(list(run.outcome)) in allowed, (number, scheduler, seed, run.outcome)
    assert compared > PROGRAMS // 2
    assert different > PROGRAMS // 4, "most have several outcomes"


@pytest.mark.parametrize("on", ["threads", "simulator"])
def test_a_replay_reads_the_moments_of_its_schedule(on: str) -> None:
    """Though real threads take other times, they are late by the clock of the schedule."""
    found = scenrun.explore(DEADLINE)
    assert found.verdict == "violated"
    schedule, lines = found.schedule_of(found.counterexamples[0]), []
    result = scenrun.replay(schedule, scenario=DEADLINE, on=on, level="debug", log=lines.append)
    assert result.verdict == "violated"
    read = [line["value"] for line in lines if line["event"] == "clock.asked"]
    assert read == [0.0, 0.0, 0.002, 0.006, 0.014, 0.03, 0.062, 0.126]
    assert [move.alternative / 1e9 for move in schedule.moves if move.op == "clock.now"] == read


def test_a_schedule_whose_clock_goes_back_fits_nothing() -> None:
    found = scenrun.explore(DEADLINE)
    schedule = found.schedule_of(found.counterexamples[0])
    _, second, *_ = (at for at, move in enumerate(schedule.moves) if move.op == "clock.now")
    moves = [move._replace(alternative=50_000_000) if at == second else move for at, move in enumerate(schedule.moves)]
    with pytest.raises(UsageError, match="does not fit"):
        scenrun.replay(replace(schedule, moves=tuple(moves)), scenario=DEADLINE)


def test_it_is_searched_in_virtual_time_alone() -> None:
    assert scenrun.explore(DEADLINE).time_mode == "virtual"
    assert scenrun.explore(DEADLINE, time="virtual").kinds == scenrun.explore(DEADLINE).kinds
    for options in ({"time": "free"}, {"strategy": "dpor"}, {"strategy": "random"}):
        with pytest.raises(UsageError, match="reads the clock"):
            scenrun.explore(DEADLINE, **options)


def test_a_reading_is_never_before_the_one_before() -> None:
    """On real threads, where all threads look at once."""
    steps = [
        {
            "repeat": 200,
            "do": [
                {"set": {"before": "last"}},
                {"set": {"mine": "now()"}},
                {"if": "mine < before", "then": [{"raise": "ValueError: back"}]},
            ],
        }
    ]
    scenario = {
        "scenario": "forward", "state": {"last": 0.0}, "main": [{"set": {"last": "now()"}}, {"start": "t"}],
        "threads": {"t": {"count": 3, "do": steps}},
    }  # fmt: skip
    assert scenrun.run(scenario).verdict == "holds"
    assert scenrun.simulate(scenario).verdict == "holds"


def test_a_name_now_is_still_a_name() -> None:
    """Files from before `now()` may have it."""
    scenario = {
        "scenario": "named", "state": {"now": 3}, "threads": {"t": {"do": [{"set": {"now": "now + 1"}}]}},
        "expect": {"final": ["now == 4"]},
    }  # fmt: skip
    assert scenrun.explore(scenario).verdict == "holds"
