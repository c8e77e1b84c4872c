"""A barrier's action: what `threading.Barrier(parties, action)` does is what a run, a simulation and every schedule show."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

import scenrun

WAYS = [scenrun.run, scenrun.simulate, scenrun.explore]
WAITS = {"wait": {"barrier": "gate", "into": "place"}}
NOTES = {"atomic": [{"append": {"to": "seen", "item": "place"}}]}


def caught(*steps: Any) -> dict[str, Any]:
    """Steps, and a note of the exception that ended them."""
    note = [{"atomic": [{"append": {"to": "seen", "item": "error"}}]}]
    return {"try": list(steps), "except": {"threading.BrokenBarrierError": note, "ValueError": note}}


def scenario(action: list[Any], steps: list[Any], *final: str, parties: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "scenario": "acting", "state": {"seen": [], "n": 0},
        "sync": {"gate": {"barrier": {"parties": parties, "action": "act"}}},
        "behaviours": {"act": {"do": action}}, "threads": {"t": {"count": parties, "do": steps}},
        "expect": {"final": [*final, "n < 9", "len(seen) < 9"]}, **more,
    }  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_it_is_done_by_the_last_one_before_anybody_goes_on(way: Any) -> None:
    steps = [{"repeat": 2, "do": [{"set": {"before": "n"}}, WAITS, {"assert": "n > before"}, NOTES]}]
    one = scenario([{"set": {"n": "n + 1"}}], steps, "n == 2", "sorted(seen) == [0, 0, 1, 1]")
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_all_count_as_waiting_meanwhile(way: Any) -> None:
    action = [{"append": {"to": "seen", "item": "[gate.n_waiting, gate.broken, gate.parties]"}}]
    assert way(scenario(action, [{"wait": "gate"}], "seen == [[2, False, 2]]")).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_its_exception_breaks_the_barrier_and_is_that_of_the_last_one(way: Any) -> None:
    steps = [caught(WAITS, {"log": "{place}"})]
    one = scenario([{"raise": "ValueError: no"}], steps, "sorted(seen) == ['`gate` is broken', 'no']", "gate.broken")
    assert way(one).verdict == "holds"


def test_a_time_out_does_not_end_it() -> None:
    """Whose time is up during the action goes on once it is over; whose time is up before breaks the barrier."""
    waits = {"wait": {"barrier": "gate", "timeout": "2ms", "into": "place"}}
    one = scenario([{"sleep": "5ms"}], [caught(waits, NOTES)], "sorted(seen) == [0, 1]")
    assert scenrun.explore(one, time="virtual").verdict == "holds"
    assert scenrun.simulate(one).verdict == "holds"
    late = {
        **one,
        "threads": {**one["threads"], "t": {"count": 1, "do": [caught(waits, NOTES)]}},
        "expect": {"final": ["gate.broken", "n < 9", "seen == ['`gate` is broken']"]},
    }
    for way in WAYS:
        assert way(late).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_who_waits_without_a_limit_is_freed_by_one_whose_time_is_up(way: Any) -> None:
    """Also while nobody else is left: a time-out breaks the barrier for all who wait at it."""
    one = scenario([{"log": "never"}], [caught({"wait": "gate"})], "seen == ['`gate` is broken']", parties=3)
    one["threads"] = {
        "t": {"do": one["threads"]["t"]["do"]},
        "late": {"do": [{"try": [{"wait": {"barrier": "gate", "timeout": "300ms"}}], "except": {"Exception": []}}]},
    }
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("verb", ["abort", "reset"])
def test_others_wait_for_its_end_before_they_break_it(way: Any, verb: str) -> None:
    """CPython holds the barrier's lock during the action."""
    main = [{"start": "t"}, {"wait": "begun"}, {verb: "gate"}, {"append": {"to": "seen", "item": "n"}}, {"join": "t"}]
    action = [{"set_event": "begun"}, {"sleep": "3ms"}, {"set": {"n": "n + 1"}}]
    one = scenario(action, [caught({"wait": "gate"})], "seen[0] == 1 or seen[-1] == 1", main=main)
    one["sync"]["begun"] = "event"
    assert way(one).verdict == "holds"


def test_everyone_waits_for_ever_where_an_action_does() -> None:
    main = [{"start": "t"}, {"join": "t"}]
    action = [{"acquire": "never"}]
    one = scenario(action, [{"wait": "gate"}], main=main)
    one["sync"]["never"] = {"lock": {"initially": "locked"}}
    for way in WAYS:
        result = way(one)
        assert result.verdict == "deadlock"


def test_real_barriers_do_the_same() -> None:
    """What the tests above say, of `threading.Barrier` itself."""
    seen: list[Any] = []
    barrier = threading.Barrier(2, lambda: seen.append((barrier.n_waiting, barrier.broken)))
    places: list[int] = []
    threads = [threading.Thread(target=lambda: places.append(barrier.wait())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(2, False)]
    assert sorted(places) == [0, 1]
    failing, ends = threading.Barrier(2, lambda: itertools.count().throw()), []  # type: ignore[attr-defined]

    def waits() -> None:
        try:
            failing.wait()
        except Exception as error:
            ends.append(type(error).__name__)

    threads = [threading.Thread(target=waits) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["AttributeError", "BrokenBarrierError"]
