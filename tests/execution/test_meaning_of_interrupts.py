"""`interrupts`: what comes between two steps of a thread, or in the middle of its wait, on its own stack, with what it holds."""

from __future__ import annotations

from typing import Any

import pytest

import scenrun
from scenrun.errors import UsageError

WAYS = (scenrun.run, scenrun.simulate)
TO_WAKE: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "lock": ({"o": {"lock": {"initially": "locked"}}}, [{"acquire": "o"}], [{"release": "o"}]),
    "semaphore": ({"o": {"semaphore": {"value": 0}}}, [{"acquire": "o"}], [{"release": "o"}]),
    "event": ({"o": "event"}, [{"wait": "o"}], [{"set_event": "o"}]),
    "queue": ({"o": "queue"}, [{"get": {"queue": "o", "into": "_got"}}], [{"put": {"queue": "o", "item": 1}}]),
    "simple queue": (
        {"o": {"queue": {"kind": "simple"}}}, [{"get": {"queue": "o", "into": "_got"}}], [{"put": {"queue": "o", "item": 1}}],
    ),
    "condition": (
        {"o": "condition"}, [{"with": "o", "do": [{"wait_for": {"condition": "o", "until": "came > 0"}}]}],
        [{"with": "o", "do": [{"set": {"came": "came + 1"}}, {"notify_all": "o"}]}],
    ),
    "barrier": (
        {"o": {"barrier": {"parties": 2}}},
        [{"try": [{"wait": "o"}], "except": {"threading.BrokenBarrierError": [{"set": {"came": "came + 0"}}]}}], [{"abort": "o"}],
    ),
    "future": ({"o": "future"}, [{"result": {"future": "o", "into": "_got"}}], [{"set_result": {"future": "o", "value": 1}}]),
    "sleep": ({}, [{"sleep": "400ms"}], [{"set": {"came": "came + 1"}}]),
}  # fmt: skip
"""By what a thread waits for: the objects, the waiter's steps, and the steps of what comes, which alone can free it."""


def waking(kind: str, place: str) -> dict[str, Any]:
    """A thread, or main, that waits until what comes in it frees it."""
    sync, waits, wakes = TO_WAKE[kind]
    return {
        "scenario": "woken", "sync": sync, "state": {"came": 0},
        "behaviours": {"come": {"do": [*wakes, {"set": {"came": "came + 10"}}]}},
        "interrupts": [{"target": "come", "in": place}],
        **({"threads": {"waiter": {"do": waits}}} if place == "waiter" else {"main": waits}),
        "expect": {"always": ["came < 12"]},
    }  # fmt: skip


@pytest.mark.parametrize("place", ["main", "waiter"])
@pytest.mark.parametrize("kind", sorted(set(TO_WAKE) - {"condition"}))
def test_it_comes_in_the_middle_of_every_wait(kind: str, place: str) -> None:
    """Whenever it comes, before the wait or in it: the thread ends, in a run, in virtual time, and in every schedule."""
    scenario = waking(kind, place)
    found = scenrun.explore(scenario)
    assert (found.verdict, found.closed) == ("holds", True)
    for way in WAYS:
        for seed in range(3):
            assert way(scenario, seed=seed).verdict == "holds", (way, seed)


@pytest.mark.parametrize("kind", [kind for kind in TO_WAKE if kind not in ("sleep", "barrier")])
def test_every_place_of_a_wait_is_replayed(kind: str) -> None:
    """What a search reaches with it in the middle of the wait is reached again on real threads and in virtual time."""
    scenario = waking(kind, "waiter")
    scenario["expect"] = {"reach": ["came >= 10"], "final": ["came > 99"], "verdict": {"explore": "violated"}}
    found = scenrun.explore(scenario)
    shown = [*found.witnesses, *found.counterexamples]
    assert len(shown) >= 2
    for one in shown:
        for on in ("threads", "simulator"):
            assert scenrun.replay(found.schedule_of(one), scenario=scenario, on=on).notes["shown"], (one.about, on)


def test_it_comes_between_a_look_and_the_wait() -> None:
    """A notify by the waiter's own thread, which holds the lock, is lost there; in the middle of the wait it is not."""
    scenario = waking("condition", "waiter")
    found = scenrun.explore(scenario)
    assert found.kinds == ("deadlock",)
    for on in ("threads", "simulator"):
        assert scenrun.replay(found.schedule_of(found.counterexamples[0]), scenario=scenario, on=on).notes["shown"]
    for way in WAYS:
        assert {way(scenario, seed=seed).verdict for seed in range(6)} <= {"holds", "deadlock"}
        assert "holds" in {way(scenario, seed=seed).verdict for seed in range(6)}


def test_it_comes_between_any_two_steps() -> None:
    """A counter that is read and written apart: what comes in between is lost, also without another thread."""
    scenario = {
        "scenario": "between", "state": {"n": 0, "other": 0}, "behaviours": {"add": {"do": [{"set": {"n": "n + 1"}}]}},
        "interrupts": [{"target": "add"}], "main": [{"set": {"n": "n + 1"}}, {"set": {"other": 1}}],
        "expect": {"outcomes": {"observe": ["n"]}},
    }  # fmt: skip
    assert {outcome[0] for outcome in scenrun.explore(scenario).outcomes} == {1, 2}


def test_it_need_not_come_and_comes_at_most_so_often() -> None:
    """Where its thread has ended before, it does not; in each replica for itself."""
    scenario = {
        "scenario": "often", "state": {"n": 0}, "sync": {"l": "lock"},
        "behaviours": {"add": {"do": [{"with": "l", "do": [{"set": {"n": "n + 1"}}]}]}},
        "interrupts": [{"target": "add", "in": "t", "times": 2}], "threads": {"t": {"count": 2, "do": [{"log": "a"}, {"log": "b"}]}},
        "expect": {"outcomes": {"observe": ["n"]}},
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert {outcome[0] for outcome in found.outcomes} == {0, 1, 2, 3, 4}
    for seed in range(10):
        for way in WAYS:
            assert way(scenario, seed=seed).state["n"] <= 4


@pytest.mark.parametrize(("kind", "verdict"), [("lock", "deadlock"), ("rlock", "holds")])
def test_it_holds_what_its_thread_holds(kind: str, verdict: str) -> None:
    """It takes a lock that its own thread holds: for ever, and an rlock at once."""
    scenario = {
        "scenario": "own", "sync": {"l": kind}, "state": {"n": 0}, "behaviours": {"take": {"do": [{"with": "l", "do": [{"set": {"n": 1}}]}]}},
        "interrupts": [{"target": "take"}], "main": [{"with": "l", "do": [{"set": {"n": 2}}]}],
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert found.verdict == verdict
    for one in found.counterexamples:
        assert "main waits for l, which it holds itself" in one.sentence
        for on in ("threads", "simulator"):
            assert scenrun.replay(found.schedule_of(one), scenario=scenario, on=on).notes["shown"]


def test_its_exceptions_are_logged_and_go_no_further() -> None:
    lines: list[dict[str, Any]] = []
    scenario = {
        "scenario": "ignored", "state": {"n": 0}, "behaviours": {"fail": {"do": [{"raise": "ValueError: no"}]}},
        "interrupts": [{"target": "fail"}], "main": [{"sleep": "200ms"}, {"set": {"n": 1}}], "expect": {"final": ["n == 1"]},
    }  # fmt: skip
    assert scenrun.explore(scenario).verdict == "holds"
    for way in WAYS:
        lines.clear()
        assert way(scenario, log=lines.append).verdict == "holds"
        assert [line["message"] for line in lines if line["event"] == "message"] == [
            "exception in interrupt fail: ValueError: no"
        ]
        assert [line["target"] for line in lines if line["event"] == "thread.interrupted"] == ["fail"]


@pytest.mark.parametrize("where", ["task", "timer", "replica"])
def test_it_comes_in_tasks_and_replicas_too(where: str) -> None:
    """In whatever is a group of the file."""
    group = {"do": [{"set": {"n": "n + 1"}}, {"sleep": "150ms"}]}
    sync = {"p": {"pool": {"max_workers": 1}}} if where == "task" else {}
    group |= {"pool": "p"} if where == "task" else {"count": 2} if where == "replica" else {}
    scenario = {
        "scenario": "where", "sync": sync, "state": {"n": 0, "came": 0}, "behaviours": {"come": {"do": [{"set": {"came": 1}}]}},
        "interrupts": [{"target": "come", "in": "t"}], "threads": {"t": group},
    }  # fmt: skip
    assert scenrun.explore(scenario).verdict == "holds"
    for way in WAYS:
        assert way(scenario).state["came"] == 1


@pytest.mark.parametrize("strategy", ["states", "random", "pct", "preemptions", "delays", "pos", "surw"])
def test_every_strategy_but_dpor_lets_it_come(strategy: str) -> None:
    scenario = waking("event", "main")
    scenario["expect"] = {"always": ["came < 10"]}
    assert (
        scenrun.explore(scenario, strategy=strategy, **({} if strategy == "states" else {"schedules": 50})).verdict
        == "violated"
    )


def test_what_has_to_know_all_steps_is_refused() -> None:
    scenario = waking("event", "main")
    with pytest.raises(UsageError, match="part of no thread's steps"):
        scenrun.explore(scenario, strategy="dpor")
    with pytest.raises(UsageError, match="part of no thread's steps"):
        scenrun.explore(scenario, reduction="on")


@pytest.mark.parametrize("strategy", ["random", "pct", "pos", "surw", "preemptions", "delays"])
def test_an_interrupted_get_orders_nothing_before_its_item_is_there(strategy: str) -> None:
    """The clocks of an execution are those of its steps; that an interrupt comes is none of an object's."""
    scenario = {
        "scenario": "got", "sync": {"q": "queue"}, "behaviours": {"h": {"do": [{"log": "h"}]}}, "interrupts": [{"target": "h", "in": "w"}],
        "threads": {"w": {"do": [{"get": {"queue": "q", "into": "_x"}}]}, "p": {"do": [{"put": {"queue": "q", "item": 7}}]}},
    }  # fmt: skip
    found = scenrun.explore(scenario, strategy=strategy, schedules=100)
    assert found.kinds == ()


@pytest.mark.parametrize("lasting", [{"sleep": "10ms"}, {"work": "10ms"}, {"wait": {"event": "e", "timeout": "10ms"}}])
def test_what_is_found_in_the_clock_s_order_is_replayed(lasting: Any) -> None:
    """It comes in a sleep, which is no step where time is free, in whose moves a way is told and saved."""
    scenario = {
        "scenario": "slept", "sync": {"l": "lock", "e": "event"}, "behaviours": {"h": {"do": [{"with": "l", "do": [{"log": "in h"}]}]}},
        "interrupts": [{"target": "h", "in": "w"}],
        "threads": {"w": {"do": [{"with": "l", "do": [lasting]}]}, "u": {"do": [{"sleep": "100ms"}, {"set_event": "e"}]}},
    }  # fmt: skip
    found = scenrun.explore(scenario, time="virtual")
    assert found.kinds == ("deadlock",)
    for one in found.counterexamples:
        assert "w waits for l, which it holds itself" in one.sentence
        for on in ("threads", "simulator"):
            assert scenrun.replay(found.schedule_of(one), scenario=scenario, on=on).notes["shown"]


def test_virtual_time_tries_not_every_moment() -> None:
    """Between what happens it might come as well, so that a search in virtual time does not say `holds`."""
    scenario = waking("event", "waiter")
    found = scenrun.explore(scenario, time="virtual")
    assert (found.verdict, found.closed) == ("incomplete", False)


@pytest.mark.parametrize("scheduler", ["round-robin", "random"])
def test_a_simulation_is_the_same_every_time(scheduler: str) -> None:
    """Its log too; another seed lets it come at another moment."""
    logs: list[list[Any]] = []
    for seed in (1, 1, 2):
        logs.append([])
        scenrun.simulate(
            waking("condition", "waiter"), seed=seed, scheduler=scheduler, level="debug", log=logs[-1].append
        )
    first, again, other = ([(line["event"], line["elapsed_s"]) for line in log] for log in logs)
    assert first == again != other


def test_virtual_time_passes_while_it_may_come() -> None:
    """A sleep is as long as ever, though what comes sleeps in the middle of it; a time-out that is over is over."""
    scenario = {
        "scenario": "slept", "state": {"woke": 0.0, "came": False}, "behaviours": {"nap": {"do": [{"sleep": "30ms"}, {"set": {"came": True}}]}},
        "interrupts": [{"target": "nap"}], "main": [{"sleep": "1s"}, {"set": {"woke": "now()"}}],
        "expect": {"final": ["1 <= woke < 1.04"]},
    }  # fmt: skip
    found = scenrun.explore(scenario)
    assert (found.verdict, found.kinds) == ("incomplete", ())  # it might come in between
    assert "interrupts, which in virtual time come only where something else happens" in str(found)
    for seed in range(10):
        result = scenrun.simulate(scenario, seed=seed)
        assert result.verdict == "holds"
        assert result.state["came"]
