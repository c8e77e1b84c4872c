"""Calls that an order must explain: the monitor says what the search for an order says, at each moment of random histories."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable
from math import inf
from typing import Any

import pytest

import scenrun
from scenrun.errors import ScenarioError
from scenrun.program.primitives.calls import CALLS, COMPARED, RAISED, SPECIFICATIONS, call, explained, finish
from scenrun.program.primitives.kinds import Failed, Then
from scenrun.program.values import key
from scenrun.search.properties.linearizability import BLOCKS, Call, History, explanation

HISTORIES = 1_500
SPECS: dict[str, tuple[dict[str, Any], tuple[tuple[str, tuple[Any, ...]], ...], tuple[Any, ...]]] = {
    "queue": (
        {"maxsize": 2, "kind": "fifo"},
        (("put", (1, None, True)), ("put", (2, None, True)), ("get", (None, True)), ("get", (None, False)), ("put", (3, None, False))),
        (None, 1, 2, 3),
    ),
    "lock": ({"initially": "unlocked"}, (("acquire", (None, True)), ("acquire", (None, False)), ("release", ())), (None, True, False)),
    "semaphore": ({"value": 1}, (("acquire", (None, True)), ("acquire", (None, False)), ("release", (1,))), (None, True, False)),
    "event": ({"initially": "clear"}, (("set", ()), ("clear", ()), ("wait", (None,))), (None, True)),
}  # fmt: skip
"""For each specification: its options, its operations with arguments, and what they may return."""


class ByKind:
    """A kind of object as the specification of a history."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        self.kind = SPECIFICATIONS[kind]
        self.initial = self.kind.initial(options)

    def after(self, state: Any, one: Any) -> Iterable[tuple[Hashable, Any]]:
        name, arguments = one.operation
        operation = self.kind.operation(name)
        assert operation is not None
        outcome = operation.phases[0].act((state,), 0, arguments, None)
        if outcome is None or isinstance(outcome, Then):
            return [(BLOCKS, state)]
        came = RAISED if isinstance(outcome, Failed) else key(outcome.result)  # type: ignore[union-attr]
        return [(came, outcome.values[0])]

    def finals(self, state: Any) -> Iterable[Hashable]:
        return [None]

    def tells_apart(self, history: History) -> bool:
        return False

    def as_seen(self, results: Any) -> Any:
        return results


def events_of(chance: random.Random, kind: str) -> list[tuple[int, str, tuple[Any, ...] | None, Any]]:
    """Beginnings and ends of calls by up to three threads: (thread, operation, arguments or None for an end, what it came to)."""
    _, operations, results = SPECS[kind]
    open_: dict[int, str] = {}
    out: list[tuple[int, str, tuple[Any, ...] | None, Any]] = []
    for _ in range(chance.randint(2, 9)):
        thread = chance.randrange(3)
        if thread in open_:
            came = RAISED if chance.random() < 0.15 else chance.choice(results)
            out.append((thread, open_.pop(thread), None, came))
        else:
            name, arguments = chance.choice(operations)
            open_[thread] = name
            out.append((thread, name, arguments, None))
    return out


def history_of(events: list[tuple[int, str, tuple[Any, ...] | None, Any]]) -> History:
    calls: list[Call] = []
    open_: dict[int, int] = {}
    for time, (thread, name, arguments, came) in enumerate(events):
        if arguments is not None:
            open_[thread] = len(calls)
            calls.append(Call(str(thread), (name, arguments), time))
        else:
            at = open_.pop(thread)
            calls[at] = Call(
                calls[at].thread, calls[at].operation, calls[at].began, time, RAISED if came == RAISED else key(came)
            )
    assert all(one.ended == inf or one.began < one.ended for one in calls)
    return History(tuple(calls))


@pytest.mark.parametrize("kind", SPECS)
def test_the_monitor_says_what_the_search_for_an_order_says(kind: str) -> None:
    options, *_ = SPECS[kind]
    chance, said = random.Random(kind), {True: 0, False: 0}
    for _ in range(HISTORIES):
        events, value = events_of(chance, kind), CALLS.initial({"spec": kind, "options": options})
        for number, (thread, name, arguments, came) in enumerate(events, 1):
            if arguments is not None:
                outcome = call((value,), thread, (name, arguments), None)
            else:
                ended = RAISED if came == RAISED else COMPARED
                outcome = finish((value,), thread, (name, None if came == RAISED else came, ended), None)
            assert outcome is not None
            (value,) = outcome.values
            expected = explanation(history_of(events[:number]), ByKind(kind, options)) is not None
            assert explained(value) == expected, events[:number]
        said[explained(value)] += 1
    assert min(said.values()) > HISTORIES // 20


def test_a_thread_may_have_any_number() -> None:
    """A search takes replicas for one another: what differs in their numbers alone is the same."""
    value = CALLS.initial({"spec": "queue", "options": SPECS["queue"][0]})
    both = []
    for first, second in ((1, 2), (2, 1)):
        (made,) = call((value,), first, ("get", (None, True)), None).values  # type: ignore[union-attr]
        (made,) = call((made,), second, ("put", (1, None, True)), None).values  # type: ignore[union-attr]
        both.append(made)
    assert CALLS.numbers is not None
    assert CALLS.numbers.renumbered(both[0], {1: 2, 2: 1}) == both[1]
    assert sorted(set(CALLS.numbers.of(both[0]))) == [1, 2]


# --- in a scenario

BEHAVIOURS = {
    "put": {"params": {"item": "value"}, "do": [{"append": {"to": "items", "item": "item"}}]},
    "get": {
        "do": [
            {"if": "not items", "then": [{"raise": "queue.Empty"}]},
            {"pop": {"from": "items", "at": 0, "into": "found"}},
            {"return": "found"},
        ]
    },
}


def scenario(spec: Any, behaviours: Any = ("put", "get"), **more: Any) -> dict[str, Any]:
    return {
        "scenario": "calls", "state": {"items": []}, "behaviours": BEHAVIOURS,
        "threads": {
            "a": {"do": [{"run": {"target": "put", "args": {"item": 1}}}]},
            "b": {"do": [{"try": [{"run": "get"}], "except": {"queue.Empty": [{"log": "none"}]}}]},
        },
        "expect": {"linearizable": [{"behaviours": list(behaviours), "spec": spec}], **more},
    }  # fmt: skip


def test_an_exception_is_explained_where_the_specification_raises_one() -> None:
    assert scenrun.explore(scenario("queue", ["put"])).verdict == "holds"
    found = scenrun.explore(scenario("queue"))
    assert found.verdict == "violated"  # a get of an empty queue waits, and does not raise
    assert found.counterexamples[0].sentence.endswith("in b, get raises")


def test_a_call_within_a_call_is_part_of_it() -> None:
    given = scenario("queue")
    given["behaviours"] = {
        "put": {"params": {"item": "value"}, "do": [{"append": {"to": "items", "item": "item"}}]},
        "get": {
            "do": [
                {"run": {"target": "put", "args": {"item": "2"}}},
                {"set": {"found": "items[0]"}},
                {"set": {"items": []}},
                {"return": "found"},
            ]
        },
    }
    found = scenrun.explore(
        {**given, "threads": {"b": {"do": [{"run": {"target": "put", "args": {"item": "1"}}}, {"run": "get"}]}}}
    )
    assert found.verdict == "holds", str(found)


def test_calls_are_drawn_as_bars() -> None:
    (one,) = scenrun.explore(scenario("queue")).counterexamples
    assert [(bar.thread, bar.text) for bar in one.bars] == [("b", "get() raises")]
    assert str(scenrun.explore(scenario("queue"))).count("├─get() raises─┤") == 1
    assert one.as_dict()["calls"][0]["call"] == "get() raises"


@pytest.mark.parametrize("strategy", ["states", "dpor", "preemptions"])
def test_every_search_says_the_same(strategy: str) -> None:
    assert (
        scenrun.explore("scenarios/gallery/own_queue_peeks.yaml", strategy=strategy, first=True).verdict == "violated"
    )


def test_a_run_is_judged_as_well() -> None:
    given = scenario("queue")
    given["threads"].pop("a")
    given["behaviours"] = {"get": BEHAVIOURS["get"]}
    given["expect"]["linearizable"][0]["behaviours"] = ["get"]
    for how in (scenrun.run, scenrun.simulate):
        found = how(given)
        assert found.verdict == "violated"
        assert "linearizable: get" in found.findings[0].message


def test_for_any_number_of_replicas_it_is_not_proved() -> None:
    """Which replica called what is asked, and views have replicas without names."""
    given = scenario("queue", ["put"])
    given["threads"] = {"a": {**given["threads"]["a"], "count": "any"}}
    found = scenrun.explore({**given, "behaviours": {"put": BEHAVIOURS["put"]}}, time_limit="20s")
    assert found.any_number is not None
    assert found.any_number.size is None
    assert "`linearizable` asks which replica called what" in found.any_number.why


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (scenario("barrier"), "`parties`"),
        (scenario("condition"), "calls are compared with a queue or lock or semaphore or bounded_semaphore or event"),
        (scenario("lock"), "a lock has no operation `put`"),
        (scenario("queue", ["put", "take"]), "there is no behaviour `take`"),
        (scenario("queue", []), "`behaviours` takes a list of names"),
        (scenario("queues"), "there is no kind `queues`"),
        (
            {**scenario("queue"), "expect": {"linearizable": [{"behaviours": ["put"], "spec": "queue"}] * 2}},
            "`put` is compared with something already",
        ),
        (
            {**scenario("queue"), "threads": {**scenario("queue")["threads"], "c": {"target": "get"}}},
            "has `get` for its target, which is no call of it",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(given: Any, says: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenrun.load(given)
    assert says in str(refused.value)
