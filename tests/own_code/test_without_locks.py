"""Which lock matters: each is made to do nothing in turn, in a model and in code."""

from __future__ import annotations

from typing import Any

import pytest

import scenrun
from scenrun.errors import UsageError
from scenrun.own_code.searching.explore_scenario import CodeOptions
from scenrun.own_code.searching.without_locks import WithoutLocks, without_locks
from scenrun.search.options import SearchOptions


def asked(scenario: dict[str, Any]) -> WithoutLocks:
    """What the locks of a scenario are for."""
    return without_locks(scenrun.load(scenario), None, SearchOptions(), CodeOptions())


def verdicts(found: WithoutLocks) -> dict[str, str]:
    """By lock."""
    return {one.lock: one.verdict for one in found.answers}


ADD = {"set": {"visits": "visits + 1"}}


def test_each_lock_of_a_model_is_taken_away_in_turn() -> None:
    found = asked({
        "scenario": "two_locks", "sync": {"needed": "lock", "idle": "rlock"}, "state": {"visits": 0},
        "threads": {"visitor": {"count": 2, "do": [{"with": "idle", "do": [{"with": "needed", "do": [ADD]}]}]}},
        "expect": {"final": ["visits == 2"]},
    })  # fmt: skip
    # each of the two is enough
    assert verdicts(found) == {"needed": "not needed", "idle": "not needed"}


def test_a_lock_that_is_needed_comes_with_the_story() -> None:
    found = asked({
        "scenario": "two_locks", "sync": {"guard": "lock", "other": "lock"}, "state": {"visits": 0},
        "threads": {"visitor": {"count": 2, "do": [{"with": "guard", "do": [ADD]}, {"with": "other", "do": []}]}},
        "expect": {"final": ["visits == 2"]},
    })  # fmt: skip
    assert verdicts(found) == {"guard": "needed", "other": "not needed"}
    assert found.answers[0].explored is not None
    assert found.answers[0].explored.counterexamples
    assert "needed: violated: at the end, visits == 2 does not hold" in str(found)


def test_a_lock_that_others_are_built_on_is_not_taken_away() -> None:
    found = asked({
        "scenario": "with_condition", "sync": {"guard": "lock", "changed": {"condition": {"lock": "guard"}}, "signal": {"lock": {"initially": "locked"}}},
        "state": {"ready": False},
        "threads": {
            "waiter": {"do": [{"with": "changed", "do": [{"wait_for": {"condition": "changed", "until": "ready"}}]}, {"acquire": "signal"}]},
            "teller": {"do": [{"with": "changed", "do": [{"set": {"ready": True}}, {"notify": "changed"}]}, {"release": "signal"}]},
        },
    })  # fmt: skip
    assert verdicts(found) == {"guard": "not shown", "signal": "not shown"}


def test_a_lock_of_code_is_taken_away_where_it_is_made() -> None:
    found = asked({
        "scenario": "counts", "objects": {"o": {"python": "odd_classes:TwoCounters"}},
        "threads": {"a": {"do": [{"call": "o.add"}]}, "b": {"do": [{"call": "o.add"}]}},
        "expect": {"linearizable": ["o"]},
    })  # fmt: skip
    assert sorted(one.verdict for one in found.answers) == ["needed", "not needed"]
    assert all(one.lock.startswith("odd_classes.py:") for one in found.answers)


def test_what_does_not_hold_with_its_locks_is_not_asked() -> None:
    broken = {
        "scenario": "broken", "sync": {"guard": "lock"}, "state": {"visits": 0},
        "threads": {"visitor": {"count": 2, "do": [{"with": "guard", "do": []}, ADD]}}, "expect": {"final": ["visits == 2"]},
    }  # fmt: skip
    with pytest.raises(UsageError, match="`violated` with all of its locks"):
        asked(broken)
    with pytest.raises(UsageError, match="has no lock"):
        asked({"scenario": "lockless", "threads": {"a": {"do": [{"sleep": "1ms"}]}}})
