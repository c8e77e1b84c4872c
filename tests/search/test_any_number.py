"""`count: any`: the least number of replicas with a finding, proofs for every number, and what cannot be proved."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from replicas_at_random import Author
from replicas_compared import TooLarge, is_violated, missing_view, views_of

import scenrun
from scenrun.errors import UsageError
from scenrun.search.any_number import counts_in_order
from scenrun.search.parameterized.configuration import TooMany

MADE_ONCE = {
    "scenario": "made_once", "state": {"made": False, "count": 0}, "sync": {"guard": "lock"},
    "threads": {"user": {"count": "any", "do": [
        {"if": "not made", "then": [{"with": "guard", "do": [
            {"if": "not made", "then": [{"set": {"count": "count + 1"}}, {"set": {"made": True}}]}
        ]}]}
    ]}},
    "expect": {"always": ["count <= 1"]},
}  # fmt: skip


def made_once(second_look: str, **expect: Any) -> dict[str, Any]:
    """A value that is to be made once, by whoever needs it first; `second_look` decides it with the lock in hand."""
    (outer,) = MADE_ONCE["threads"]["user"]["do"]
    (inner,) = outer["then"][0]["do"]
    user = {"count": "any", "do": [{**outer, "then": [{"with": "guard", "do": [{**inner, "if": second_look}]}]}]}
    return {**MADE_ONCE, "threads": {"user": user}, "expect": {**MADE_ONCE["expect"], **expect}}


def test_what_holds_is_proved_for_every_number():
    found = scenrun.explore(MADE_ONCE)
    assert (found.verdict, found.ok, found.closed) == ("holds", True, True)
    known = found.as_dict()["any_number"]
    assert known["proved"] == ["always", "assert", "exceptions"]
    assert (known["groups"], known["searched_up_to"], known["replicas_in_a_view"]) == (["user"], 3, 2)
    assert "holds for every number of user" in str(found)


@pytest.mark.parametrize("least", [1, 2, 3, 4])
def test_a_counterexample_has_the_least_number(least, tmp_path):
    scenario = {
        "scenario": "too_many", "state": {"here": 0}, "sync": {"guard": "lock"},
        "threads": {"user": {"count": "any", "do": [
            {"with": "guard", "do": [{"if": f"here < {least}", "then": [{"set": {"here": "here + 1"}}]}]}
        ]}},
        "expect": {"always": [f"here < {least}"]},
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert found.verdict == "violated"
    assert found.as_dict()["any_number"]["least"] == {"user": least}
    schedule = found.schedule_of(found.counterexamples[0])
    assert schedule.overrides == {"threads.user.count": least}
    for on in ("simulator", "threads"):
        again = scenrun.replay(schedule, scenario=scenrun.load(scenario, overrides=schedule.overrides), on=on)
        assert again.notes["shown"]


AT_A_BARRIER = {
    "scenario": "at_a_barrier", "state": {"v": 0}, "sync": {"b": {"barrier": {"parties": 3}}},
    "threads": {"user": {"count": "any", "do": [{"wait": "b"}, {"set": {"v": 1}}]}},
}  # fmt: skip


def test_a_search_goes_on_until_it_has_all_that_the_file_expects():
    found = scenrun.explore({**AT_A_BARRIER, "expect": {"always": ["v == 0"], "verdict": ["deadlock", "violated"]}})
    assert set(found.kinds) == {"deadlock", "violated"}
    assert found.ok
    known = found.as_dict()["any_number"]
    assert (known["least"], known["some_with"]) == ({"user": 4}, {"user": 1})
    assert "some of it is found with 1 of user already" in str(found)


def test_what_one_replica_shows_says_nothing_of_more():
    found = scenrun.explore({**AT_A_BARRIER, "expect": {"verdict": "deadlock"}})
    assert found.ok
    assert found.as_dict()["any_number"]["least"] == {"user": 1}
    assert "with more nothing was searched or proved" in str(found)


def test_a_proof_is_tried_also_where_two_are_too_many():
    scenario = {
        "scenario": "one", "state": {"v": 0}, "threads": {"user": {"count": "any", "do": [{"set": {"v": 1}}]}},
        "expect": {"always": ["v < 2"]},
    }  # fmt: skip
    found = scenrun.explore(scenario, max_states=10)
    assert found.ok
    assert (found.as_dict()["any_number"]["searched_up_to"], found.as_dict()["any_number"]["ended_by"]) == (
        1,
        "10 states",
    )
    found = scenrun.explore(scenario, max_states=2)
    assert found.ok
    assert "not searched to the end with any number: 2 states" in str(found)


def test_a_step_without_end_is_the_reason():
    loop = {"atomic": [{"while": "v == 0", "do": [{"set": {"_x": 1}}]}]}
    scenario = {
        "scenario": "loop", "state": {"v": 0}, "threads": {"user": {"count": "any", "do": [loop]}},
        "expect": {"always": ["v < 3"]},
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert found.verdict == "incomplete"
    assert "loop that does not end" in found.as_dict()["any_number"]["ended_by"]


@pytest.mark.parametrize(
    "use",
    [{"main": [{"start": "user"}, {"while": "user.is_alive()", "do": []}]}, {"expect": {"always": ["not user.is_alive()"]}},
     {"main": [{"start": "user"}, {"join": "user[0]"}]}],
)  # fmt: skip
def test_one_of_any_number_cannot_be_asked_about(use):
    with pytest.raises(scenrun.ScenarioError, match=r"count: any|single thread"):
        scenrun.load(
            {
                "scenario": "asked",
                "state": {"v": 0},
                "threads": {"user": {"count": "any", "do": [{"set": {"v": 1}}]}},
                **use,
            }
        )


def test_a_limit_of_time_is_told_as_it_was_given():
    big = {"repeat": 6, "do": [{"set": {"v": "(v + 1) % 50"}}]}
    scenario = {
        "scenario": "big", "state": {"v": 0}, "threads": {"user": {"count": "any", "do": [big, big]}},
        "expect": {"always": ["v < 50"]},
    }  # fmt: skip
    found = scenrun.explore(scenario, time_limit="1500ms")
    assert found.as_dict()["any_number"]["ended_by"] == "1.5 s"


def test_two_groups_are_counted_together():
    scenario = {
        "scenario": "pairs", "state": {"given": 0, "both": 0}, "sync": {"guard": "lock"},
        "threads": {
            "giver": {"count": "any", "do": [{"with": "guard", "do": [{"if": "given < 2", "then": [{"set": {"given": "given + 1"}}]}]}]},
            "taker": {"count": "any", "do": [{"with": "guard", "do": [{"if": "given == 2", "then": [{"set": {"both": 1}}]}]}]},
        },
        "expect": {"always": ["both == 0"]},
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert found.as_dict()["any_number"]["least"] == {"giver": 2, "taker": 1}


def test_numbers_come_in_order():
    assert list(counts_in_order(["a"], 3)) == [{"a": 1}, {"a": 2}, {"a": 3}]
    pairs = [tuple(counts.values()) for counts in counts_in_order(["a", "b"], 3)]
    assert pairs == [(1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (3, 1), (2, 3), (3, 2), (3, 3)]


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([{"set": {"count": "count + 1"}}], "do not rule out `count < 100`"),
        ([{"set": {"count": "index"}}], "not alike"),
        ([{"choose": {"from": [0, 1], "into": "_x"}}, {"if": "random.random() < 0.5", "then": [{"set": {"count": 1}}]}], "not alike"),
        ([{"spawn": {"target": "other"}}], "made at run time"),
    ],
)  # fmt: skip
def test_what_cannot_be_proved_is_said(steps, why):
    scenario = {
        "scenario": "unproved", "state": {"count": 0}, "threads": {"user": {"count": "any", "do": steps}},
        "behaviours": {"other": {"do": [{"set": {"count": 1}}]}} if "spawn" in str(steps) else {},
        "expect": {"always": ["count < 100"]},
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert (found.verdict, found.ok, found.closed) == ("incomplete", False, False)
    known = found.as_dict()["any_number"]
    assert why in known["not_proved"]
    assert known["proved"] == []
    assert known["searched_up_to"] >= 3
    assert "not proved for every number" in str(found)


@pytest.mark.parametrize(
    ("expect", "what"),
    [({"final": ["count < 2"]}, "`final`"), ({"outcomes": {"observe": ["count"], "allowed": [[0], [1]]}}, "`outcomes`"),
     ({"race": "never"}, "`race`")],
)  # fmt: skip
def test_what_a_proof_does_not_cover_is_no_part_of_holds(expect, what):
    guarded = made_once("not made")
    guarded["threads"]["user"]["do"] = guarded["threads"]["user"]["do"][0]["then"]
    found = scenrun.explore({**guarded, "expect": {"always": ["count <= 1"], **expect}})
    assert found.verdict == "incomplete"
    assert what in (found.bound or "")


def test_an_end_of_patience_is_no_proof():
    found = scenrun.explore(MADE_ONCE, time_limit="1us")
    assert found.verdict == "incomplete"
    assert not found.ok


@pytest.mark.parametrize("how", [{"strategy": "random"}, {"time": "virtual"}, {"count": True}])
def test_ways_of_searching_a_single_number_are_refused(how):
    with pytest.raises(UsageError, match="`count: any`"):
        scenrun.explore(MADE_ONCE, **how)


def test_a_sweep_of_runs_says_how_many():
    with pytest.raises(UsageError, match="say how many"):
        scenrun.sweep(MADE_ONCE, seeds=2, how="simulate")
    assert len(scenrun.sweep(MADE_ONCE, over={"threads.user.count": [1, 2]}, how="simulate")) == 2
    assert {cell.verdict for cell in scenrun.sweep(MADE_ONCE, seeds=2, how="explore")} == {"holds"}


@pytest.mark.parametrize("way", [scenrun.run, scenrun.simulate])
def test_threads_that_run_are_a_certain_number(way):
    with pytest.raises(UsageError, match="say how many"):
        way(MADE_ONCE)
    assert way(MADE_ONCE, overrides={"threads.user.count": 3}).ok


WAITS: dict[str, Any] = {"with": "c", "do": [{"wait": {"condition": "c"}}]}
WAKES: dict[str, dict[str, Any]] = {
    "notify": {"with": "c", "do": [{"notify": "c"}]},
    "notify two": {"with": "c", "do": [{"notify": {"condition": "c", "n": 2}}]},
    "notify all": {"with": "c", "do": [{"notify_all": "c"}]},
    "set": {"set_event": "e"},
}


@pytest.mark.parametrize("other", ["single", "replica"])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("wakes", WAKES)
def test_a_replica_in_line_is_woken(wakes, beside, other):
    """Whoever wakes it, and whoever stands in line before it, what it does then is seen."""
    waits = {"wait": {"event": "e"}} if wakes == "set" else WAITS
    threads = {
        "waiter": {"count": "any", "do": [waits, {"set": {"woken": 1}}]},
        "waker": {**({"count": "any"} if other == "replica" else {}), "do": [WAKES[wakes]]},
        **({"before": {"do": [waits]}} if beside else {}),
    }
    sync = {"e": "event"} if wakes == "set" else {"c": "condition"}
    scenario = {
        "scenario": "woken",
        "state": {"woken": 0},
        "sync": sync,
        "threads": threads,
        "expect": {"always": ["woken == 0"]},
    }
    views = views_of(scenrun.load(scenario), 1, most=5_000)
    assert views is not None
    assert views.find_violation() is not None


def test_a_replica_may_stand_in_line_before_another_thread():
    threads = {
        "waiter": {"count": "any", "do": [WAITS, {"set": {"woken": 1}}]},
        "last": {"do": [{"with": "c", "do": [{"set": {"ready": 1}}, {"wait": {"condition": "c"}}]}]},
        "waker": {"do": [{"with": "c", "do": [{"if": "ready == 1", "then": [{"notify": "c"}]}]}]},
    }
    scenario = {
        "scenario": "before", "state": {"woken": 0, "ready": 0}, "sync": {"c": "condition"}, "threads": threads,
        "expect": {"always": ["woken == 0"]},
    }  # fmt: skip
    views = views_of(scenrun.load(scenario), 1, most=5_000)
    assert views is not None
    assert views.find_violation() is not None


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("woken", [1, 2, 3])
def test_a_notify_of_several_may_wake_replicas_alone(woken, size):
    """Whoever else stands in line stays there then, also where a view has fewer replicas than are woken."""
    late = {"with": "c", "do": [{"wait": {"condition": "c", "timeout": "1ms"}}]}
    threads = {
        "waiter": {"count": "any", "do": [late]}, "last": {"do": [late, {"set": {"v": 1}}]},
        "waker": {"do": [{"with": "c", "do": [{"notify": {"condition": "c", "n": woken}}]}]},
    }  # fmt: skip
    scenario = {
        "scenario": "several", "state": {"v": 0}, "sync": {"c": "condition"}, "threads": threads, "expect": {"always": ["v < 2"]},
    }  # fmt: skip
    views = views_of(scenrun.load(scenario), size, most=20_000)
    assert views is not None
    assert views.find_violation() is None
    assert missing_view(views, most=4_000) is None


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("part", range(3))
def test_views_have_what_a_few_replicas_really_do(part, size):
    """Of random scenarios whose views show no violation, three replicas have no state of which the views lack a part."""
    ended = Counter[str]()
    for number in range(part * 25, (part + 1) * 25):
        scenario = Author(number).scenario()
        loaded = scenrun.load(scenario)
        views = views_of(loaded, size, most=800)
        assert views is not None, scenario
        try:
            violation = views.find_violation()
            if violation is None:
                assert missing_view(views, most=150) is None, scenario
                assert not any(is_violated(loaded, replicas, most=400) for replicas in (1, 2, 3)), scenario
            ended["proved" if violation is None else "not proved"] += 1
        except (TooLarge, TooMany) as large:
            ended[type(large).__name__] += 1
    assert min(ended["proved"], ended["not proved"]) > 0, ended
