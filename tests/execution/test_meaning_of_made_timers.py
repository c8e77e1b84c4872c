"""`spawn` with `after`: a timer that is made while running, joined and cancelled as the file's own timers are."""

from __future__ import annotations

from typing import Any

import pytest

import scenrun
from scenrun.errors import ScenarioError

WAYS = [scenrun.run, scenrun.simulate, lambda scenario: scenrun.explore(scenario, time="virtual")]


def scenario(*main: Any, final: list[str]) -> dict[str, Any]:
    return {
        "scenario": "later", "state": {"seen": []},
        "behaviours": {"note": {"params": {"what": "value"}, "do": [{"append": {"to": "seen", "item": "what"}}]}},
        "main": list(main), "expect": {"final": final},
    }  # fmt: skip


def later(what: str, after: Any = "20ms", **more: Any) -> dict[str, Any]:
    return {"spawn": {"target": "note", "args": {"what": f"'{what}'"}, "after": after, **more}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("main", "final"),
    [
        ([later("a", "30ms"), later("b", "1ms")], ["seen == ['b', 'a']"]),
        ([later("a", {"ms": "len(seen) + 1"}, into="t"), {"join": "t"}, {"append": {"to": "seen", "item": "'joined'"}}],
         ["seen == ['a', 'joined']"]),
        ([later("a", "1s", into="t"), {"cancel": "t"}, {"join": "t"}], ["seen == []"]),
        ([later("a", "1s", into="t"), {"append": {"to": "seen", "item": "t.is_alive()"}}, {"cancel": "t"}, {"join": "t"},
          {"append": {"to": "seen", "item": "t.is_alive()"}}], ["seen == [True, False]"]),
        ([later("a", "1ms", into="t"), {"join": "t"}, {"cancel": "t"}], ["seen == ['a']"]),
        ([later("a", "1s", into="t", daemon=True), {"append": {"to": "seen", "item": "str(t)"}}], ["seen == ['note#0']"]),
        ([{"spawn": {"target": "note", "args": {"what": "1"}, "into": "t"}}, {"join": "t"},
          {"try": [{"cancel": {"timer": "t"}}], "except": {"AttributeError": [{"append": {"to": "seen", "item": "2"}}]}}],
         ["seen == [1, 2]"]),
        ([later("a", "1ms", into="t"), {"try": [{"cancel": {"future": "t"}}], "except": {"TypeError": []}}, {"join": "t"}],
         ["seen == ['a']"]),
    ],
)  # fmt: skip
def test_what_a_timer_in_a_local_does(way: Any, main: list[Any], final: list[str]) -> None:
    assert way(scenario(*main, final=final)).verdict == "holds"


def test_a_search_lets_it_begin_before_and_after_it_is_cancelled() -> None:
    """Where time is free, nobody knows which comes first."""
    one = scenario(later("a", "1s", into="t"), {"cancel": "t"}, {"join": "t"}, final=[])
    one["expect"] = {"outcomes": {"observe": ["seen"], "allowed": [[[]], [["a"]]], "required": [[[]], [["a"]]]}}
    for options in ({}, {"strategy": "dpor"}, {"reduction": "off"}):
        assert scenrun.explore(one, **options).verdict == "holds"


def test_a_shared_variable_may_hold_one() -> None:
    """One thread arms it, another disarms it."""
    one = scenario(
        later("a", "1s", into="held"), {"start": "other"}, {"join": "other"}, {"join": "held"}, final=["seen == []"]
    )
    one["state"]["held"] = None
    one["threads"] = {"other": {"do": [{"cancel": "held"}]}}
    for way in WAYS:
        assert way(one).verdict == "holds"


def test_each_counterexample_is_replayed_on_both() -> None:
    one = scenario(later("a", "1s", into="t"), {"cancel": "t"}, {"join": "t"}, final=["seen == []"])
    found = scenrun.explore(one)
    assert found.verdict == "violated"
    for on in ("threads", "simulator"):
        assert scenrun.replay(found.schedule_of(found.counterexamples[0]), scenario=one, on=on).notes["shown"]


def test_into_has_no_meaning_for_a_timer_that_is_cancelled() -> None:
    with pytest.raises(ScenarioError, match="gives nothing back"):
        scenrun.load(
            scenario(
                later("a", into="t"), {"cancel": {"timer": "t", "into": "x"}}, {"log": "{x}"}, final=["seen == []"]
            )
        )
