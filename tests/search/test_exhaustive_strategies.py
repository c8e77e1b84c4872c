"""DPOR, bounded search, what does not end, and limits: a strategy that has gone through all schedules has seen everything."""

from __future__ import annotations

from typing import Any

import pytest
from campaigns import abouts, by_chance, of, program, settled

import scenrun
from scenrun.errors import UsageError
from scenrun.program.ir import Program
from scenrun.search.options import SAMPLED
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.space.packed import Packed
from scenrun.search.strategies.campaign import INTERRUPTED, run_campaign
from scenrun.search.strategies.model_executions import ModelExecutions
from scenrun.search.strategies.registry import STRATEGIES
from scenrun.search.strategies.results import Tally

# --- DPOR


@pytest.mark.parametrize(("count", "executions"), [(2, 2), (3, 6), (4, 24), (5, 120)])
def test_dpor_walks_each_order_of_writes_to_one_variable(count: int, executions: int) -> None:
    """n writers of one variable have n! executions, and no other is walked."""
    made = of({f"t{n}": [{"set": {"v": n}}] for n in range(count)}, state={"v": 0})
    campaign = run_campaign(made, strategy="dpor")
    assert (campaign.schedules, campaign.closed) == (executions, True)


def test_dpor_walks_independent_threads_once() -> None:
    """Writers of different variables have one execution."""
    made = of({f"t{n}": [{"set": {f"v{n}": n}}] for n in range(5)}, state={f"v{n}": 0 for n in range(5)})
    campaign = run_campaign(made, strategy="dpor")
    assert (campaign.schedules, campaign.redundant, campaign.closed) == (1, 0, True)


def test_dpor_walks_readers_in_no_order() -> None:
    """Three readers and a writer have 8 executions: each reads before the write or after it."""
    readers = {f"r{n}": [{"set": {"_mine": "v"}}] for n in range(3)}
    made = of({**readers, "w": [{"set": {"v": 1}}]}, state={"v": 0})
    campaign = run_campaign(made, strategy="dpor")
    assert (campaign.schedules, campaign.closed) == (8, True)


def test_dpor_walks_the_holders_of_a_lock_in_every_order() -> None:
    """Three threads that take one lock each have 6 executions, however they wait for it."""
    made = of({f"t{n}": [{"with": "guard", "do": []}] for n in range(3)}, sync={"guard": "lock"})
    campaign = run_campaign(made, strategy="dpor")
    assert (campaign.schedules, campaign.closed) == (6, True)


class TooMany(Exception):
    """More schedules than a comparison is worth."""


def traces(made: Program, most: int) -> tuple[int, int]:
    """How many schedules there are, and how many that differ in more than the order of independent steps."""
    return settled(made, lambda packed: _traces(packed, most))


def _traces(packed: Packed, most: int) -> tuple[int, int]:
    executions = ModelExecutions(lambda: packed)
    schedules, found = 0, set()
    waiting: list[tuple[int, tuple[Any, ...]]] = [(executions.begin(), ())]
    while waiting:
        state, events = waiting.pop()
        enabled = executions.point(state).enabled
        if not enabled:
            schedules += 1
            found.add(_trace(events))
            if schedules > most:
                raise TooMany
        for one in enabled:
            label = one.thread, sum(event[0][0] == one.thread for event in events)
            waiting += [(after, (*events, (label, way, one.effects))) for way, after in enumerate(one.afters)]
    return schedules, len(found)


def _trace(events: tuple[Any, ...]) -> frozenset[Any]:
    """The events, and the order of those that depend on each other."""
    pairs = {
        (first[0], second[0])
        for at, first in enumerate(events)
        for second in events[at + 1 :]
        if first[2].conflicts(second[2])
    }
    return frozenset(pairs | {(label, way, "way") for label, way, _ in events})


def test_every_schedule_or_one_of_each_kind_is_walked_once() -> None:
    """DPOR walks exactly as many schedules as there are traces, and a bounded search as many as there are schedules."""
    compared = 0
    for made, _, _ in by_chance(60):
        try:
            schedules, kinds = traces(made, 150)
        except TooMany:
            continue
        compared += 1
        assert run_campaign(made, strategy="dpor").schedules == kinds
        for strategy in ("preemptions", "delays"):
            campaign = run_campaign(made, strategy=strategy)
            assert (campaign.schedules, campaign.closed) == (schedules, True)
    assert compared > 7


# --- what does not end


ROUND = [{"while": "True", "do": [{"set": {"v": 1}}]}]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("loop", [ROUND, [{"while": "True", "do": [{"set": {"v": "v + 1"}}]}]])
def test_a_schedule_that_does_not_end_is_cut_off(strategy: str, loop: list[Any]) -> None:
    """It is counted, it is no finding, and nobody calls the search closed."""
    made = of({"a": loop}, state={"v": 0})
    campaign = run_campaign(made, strategy=strategy, schedules=5, max_steps=60)
    assert campaign.cut_off == campaign.schedules > 0
    assert not campaign.findings
    assert not campaign.closed
    assert campaign.ended_by


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_seen_before_the_cut_is_found(strategy: str) -> None:
    """An `always` that is broken in a schedule without an end is broken all the same."""
    made = of({"a": [{"while": "True", "do": [{"set": {"v": "v + 1"}}]}]}, state={"v": 0}, expect={"always": ["v < 3"]})
    campaign = run_campaign(made, strategy=strategy, schedules=3, max_steps=60)
    assert abouts(campaign) == {FindingKey("violated", "v < 3")}
    assert campaign.failing == campaign.schedules


def test_a_fault_of_a_task_counts_only_at_the_end() -> None:
    """As long as the schedule goes on, somebody may still ask for the result."""
    made = scenrun.load(
        {
            "scenario": "few",
            "state": {"v": 0},
            "sync": {"pool": {"pool": {"max_workers": 1}}},
            "behaviours": {"bad": {"do": [{"raise": "ValueError: no"}]}},
            "main": [
                {"submit": {"pool": "pool", "target": "bad"}},
                {"while": "True", "do": [{"set": {"v": 1}}]},
            ],
        }
    ).program
    for strategy in STRATEGIES:
        campaign = run_campaign(made, strategy=strategy, schedules=5, max_steps=60)
        assert campaign.cut_off
        assert not campaign.findings


# --- limits


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_time_is_no_schedule(strategy: str) -> None:
    """A limit of 0 s gives an empty result that says so."""
    campaign = run_campaign(program("lost_update"), strategy=strategy, seconds=0)
    assert (campaign.schedules, campaign.closed, campaign.ended_by) == (0, False, "0 s")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_as_many_schedules_as_were_asked_for(strategy: str) -> None:
    """The limit is exact, and named."""
    campaign = run_campaign(program("gallery/philosophers"), strategy=strategy, schedules=3)
    assert (campaign.schedules, campaign.closed, campaign.ended_by) == (3, False, "3 schedules")


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_interruption_keeps_what_was_found(strategy: str, jobs: int) -> None:
    """Ctrl-C in the middle gives the result so far."""

    def interrupts(tally: Tally) -> str | None:
        if tally.findings:
            raise KeyboardInterrupt
        return None

    made = program("gallery/peterson_store_buffer" if strategy in SAMPLED else "gallery/philosophers")
    campaign = run_campaign(made, strategy=strategy, schedules=1_000_000, jobs=jobs, look=interrupts)
    assert campaign.ended_by == INTERRUPTED or campaign.closed
    assert campaign.findings


def test_a_look_may_end_it() -> None:
    """What `look` says is why it ended."""
    campaign = run_campaign(
        program("lost_update"), seconds=60, look=lambda tally: "enough" if tally.schedules else None
    )
    assert campaign.ended_by == "enough"
    assert campaign.schedules


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"strategy": "guess"}, "guess"),
        ({"schedules": 0}, "schedules"),
        ({"jobs": 0}, "jobs"),
        ({"depth": 0}, "depth"),
        ({"seconds": -1}, "seconds"),
        ({"bound": -1}, "bound"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], named: str) -> None:
    """Each refusal names what is wrong."""
    with pytest.raises(UsageError, match=named):
        run_campaign(program("lost_update"), **options)
