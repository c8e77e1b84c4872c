"""Strategies that walk one schedule after another: each gives the same for the same seed, and shows what there is and no more."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scenarios_at_random import TAPE, Author
from searches_compared import observing_all

import scenrun
from scenrun.errors import UsageError
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.moves import moves_of
from scenrun.model.state import State, key
from scenrun.program.ir import Program
from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.space.packed import Overflow, Packed
from scenrun.search.space.reference import walk
from scenrun.search.strategies.campaign import EXHAUSTIVE, INTERRUPTED, STRATEGIES, run_campaign
from scenrun.search.strategies.found import Campaign, Chances, Found, Tally
from scenrun.search.strategies.policies import SAMPLED
from scenrun.search.strategies.remembered import Points
from scenrun.search.strategies.workers import Task

SCENARIOS = Path(__file__).parent.parent / "scenarios"
BROKEN = {
    "lost_update": "violated",
    "gallery/ab_ba": "deadlock",
    "gallery/philosophers": "deadlock",
    "gallery/if_around_wait": "exception",
    "gallery/permit_leaks_on_timeout": "deadlock",
    "gallery/daemon_cut_off": "violated",
    "gallery/test_then_set_lock": "violated",
    "gallery/notify_wakes_the_wrong_one": "deadlock",
    "gallery/future_never_asked": "exception",
}
WHOLE = ("gallery/ab_ba_ordered", "gallery/write_skew_locked", "gallery/pill_for_each", "gallery/litmus_sb")


def program(name: str) -> Program:
    """The program of a scenario of the repository."""
    return scenrun.load(SCENARIOS / f"{name}.yaml").program


def of(threads: dict[str, list[Any]], **more: Any) -> Program:
    """The program of a few threads."""
    return scenrun.load(
        {"scenario": "few", "threads": {name: {"do": do} for name, do in threads.items()}, **more}
    ).program


def timeless(campaign: Campaign) -> Campaign:
    """A result without what depends on the machine."""
    return replace(campaign, seconds=0.0, jobs=1)


def abouts(campaign: Campaign) -> set[FindingKey]:
    """What was found."""
    return {found.about for found in campaign.findings}


# --- what there is


class TooLarge(Exception):
    """More states than a comparison is worth."""


def plainly(program: Program, most: int) -> tuple[set[FindingKey], set[Any]]:
    """The findings and the outcomes of all schedules, as the plain walk sees them."""
    machine = Machine(program)
    walked = walk(machine, most)
    if not walked.closed:
        raise TooLarge
    judge = EndStateJudge(Packed(machine))
    ends = [judge.end_state_of(state) for state in walked.ends.values()]
    return {about for end in ends for about in end.findings}, {key(list(end.outcome)) for end in ends if end.outcome}


@cache
def by_chance(count: int, most: int = 400) -> tuple[tuple[Program, frozenset[FindingKey], frozenset[Any]], ...]:
    """Random scenarios that are small enough, each with all that there is to find."""
    out: list[tuple[Program, frozenset[FindingKey], frozenset[Any]]] = []
    number = 0
    while len(out) < count:
        draws = random.Random(number)
        number += 1
        tape = bytes(draws.randrange(256) for _ in range(TAPE))
        made = scenrun.load(observing_all(Author(tape).scenario())).program
        try:
            findings, outcomes = plainly(made, most)
        except TooLarge:
            continue
        out.append((made, frozenset(findings), frozenset(outcomes)))
    return tuple(out)


def seen(campaign: Campaign) -> tuple[set[FindingKey], set[Any]]:
    """The findings and the outcomes of a campaign, comparable with those of the plain walk."""
    return abouts(campaign), {key(list(outcome)) for outcome in campaign.outcomes}


@pytest.mark.parametrize("strategy", SAMPLED)
def test_what_a_sample_shows_is_there(strategy: str) -> None:
    """No finding and no outcome of a schedule drawn by chance is unknown to the plain walk."""
    for made, findings, outcomes in by_chance(60):
        found, ended = seen(run_campaign(made, strategy=strategy, schedules=60))
        assert found <= findings
        assert ended <= outcomes


def compare(strategy: str, count: int, schedules: int) -> int:
    """Hold an exhaustive strategy against the plain walk; how many of the scenarios it went through."""
    closed = 0
    for made, findings, outcomes in by_chance(count):
        campaign = run_campaign(made, strategy=strategy, schedules=schedules)
        found, ended = seen(campaign)
        assert found <= findings
        assert ended <= outcomes
        if campaign.closed:
            closed += 1
            assert (found, ended) == (findings, outcomes), made.source.text
    return closed


def test_dpor_shows_all_that_there_is() -> None:
    """Whenever DPOR says that it is through, findings and outcomes are those of the plain walk."""
    assert compare("dpor", 120, 500) > 80


@pytest.mark.parametrize("strategy", ["preemptions", "delays"])
def test_an_exhausted_bounded_search_shows_all_that_there_is(strategy: str) -> None:
    """Whenever no bound is left, findings and outcomes are those of the plain walk."""
    assert compare(strategy, 50, 500) > 10


@pytest.mark.parametrize("strategy", EXHAUSTIVE)
@pytest.mark.parametrize("name", WHOLE)
def test_where_nothing_is_wrong_nothing_is_found(strategy: str, name: str) -> None:
    """Correct scenarios have no findings under any exhaustive strategy, and all of their outcomes."""
    campaign = run_campaign(program(name), strategy=strategy, schedules=50_000)
    findings, outcomes = plainly(program(name), 100_000)
    assert not findings
    assert not campaign.findings
    assert {key(list(outcome)) for outcome in campaign.outcomes} == outcomes or not campaign.closed


# --- findings


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", BROKEN)
def test_every_strategy_finds_the_bug(strategy: str, name: str) -> None:
    """Well-known bugs are found, and the path shows each finding with its last step and not before."""
    made = program(name)
    campaign = run_campaign(made, strategy=strategy, schedules=3_000)
    assert BROKEN[name] in {about.kind for about in abouts(campaign)}
    for found in campaign.findings:
        assert_shown(made, found)


def assert_shown(made: Program, found: Found) -> None:
    """A path leads from the initial state to the first step that shows what was found."""
    machine = Machine(made, folded=FREE, forgets=True)
    assert len(moves_of(machine, found.choices)) == len(found.choices)
    states = list(along(machine, found.choices))
    judge = EndStateJudge(Packed(machine))
    assert found.about in judge.end_state_of(states[-1]).findings
    always = {observation.text for observation in made.expectations.always}
    if found.about.about in always:
        assert all(found.about not in judge.end_state_of(state).findings for state in states[:-1])


def along(machine: Machine, choices: tuple[Transition, ...]) -> Iterator[State]:
    """The states of a path."""
    state = machine.initial()
    yield state
    for choice in choices:
        after = machine.step(state, choice)
        assert after is not None
        state = after
        yield state


def test_the_path_to_a_broken_always_ends_there() -> None:
    """A finding that a later schedule passes again, and one that is there long before the end, has a path cut to its step."""
    made = of(
        {"a": [{"set": {"v": 1}}, {"set": {"v": 0}}, {"set": {"w": 1}}], "b": [{"set": {"w": 2}}]},
        state={"v": 0, "w": 0},
        expect={"always": ["v == 0"]},
    )
    for strategy in STRATEGIES:
        found = run_campaign(made, strategy=strategy, schedules=20).first
        assert found is not None
        machine = Machine(made, folded=FREE, forgets=True)
        assert moves_of(machine, found.choices)[-1].step == "threads.a.do[0]"


def test_a_bounded_search_shows_a_bug_with_the_fewest_preemptions() -> None:
    """An update is lost by one preemption, and not without: no schedule of bound 0 shows it."""
    made = program("lost_update")
    assert not run_campaign(made, strategy="preemptions", bound=0).findings
    campaign = run_campaign(made, strategy="preemptions", bound=1)
    assert campaign.findings
    assert campaign.bound == 1
    assert not campaign.closed
    assert campaign.ended_by == "there are schedules with more than 1 preemption"


# --- determinism


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_gives_the_same(strategy: str) -> None:
    """A campaign is a function of its seed; policies that draw make something else of another one."""
    made = program("queue_pipeline")
    one, again, other = (run_campaign(made, strategy=strategy, seed=seed, schedules=200) for seed in (7, 7, 1_007))
    assert timeless(one) == timeless(again)
    if strategy in SAMPLED:
        assert (one.steps, one.findings) != (other.steps, other.findings)


@pytest.mark.parametrize("strategy", SAMPLED)
def test_the_number_of_processes_makes_no_difference(strategy: str) -> None:
    """Three processes find what one does, with the same lowest failing schedule and the same counts."""
    made = program("gallery/philosophers")
    alone = run_campaign(made, strategy=strategy, schedules=3_000)
    together = run_campaign(made, strategy=strategy, schedules=3_000, jobs=3)
    assert alone.findings
    assert timeless(alone) == timeless(together)


def test_processes_may_be_started_beside_threads() -> None:
    """Where this process has threads, the others are not forked, and the result is the same."""
    made = program("lost_update")
    leave = threading.Event()
    beside = threading.Thread(target=leave.wait)
    beside.start()
    try:
        together = run_campaign(made, schedules=500, jobs=2)
    finally:
        leave.set()
        beside.join()
    assert timeless(together) == timeless(run_campaign(made, schedules=500))


def test_a_schedule_has_the_seed_of_its_number() -> None:
    """Schedule 5 of seed 10 is schedule 0 of seed 15."""
    made = program("gallery/philosophers")
    later = run_campaign(made, seed=10, schedules=400)
    assert later.first is not None
    again = run_campaign(made, seed=10 + later.first.schedule, schedules=1)
    assert again.first is not None
    assert again.first.choices == later.first.choices


# --- each policy keeps its promise


def probability_of_failing(packed: Packed) -> float:
    """That of a uniform random walk, worked out over the graph of states."""
    judge, known = EndStateJudge(packed), dict[int, float]()

    def at(state: int) -> float:
        if state not in known:
            after = [following for _, following in packed.following(state)]
            known[state] = sum(map(at, after)) / len(after) if after else float(bool(judge.of(state).findings))
        return known[state]

    return at(packed.initial)


def settled(made: Program, work: Any) -> Any:
    """What is worked out over packed states, with their fields wide enough."""
    packed = Packed(Machine(made, folded=FREE, forgets=True))
    while True:
        try:
            packed.initial = packed.packed_anew()
            return work(packed)
        except Overflow:
            continue


@pytest.mark.parametrize("name", ["lost_update", "gallery/philosophers", "gallery/permit_leaks_on_timeout"])
def test_a_random_walk_is_uniform(name: str) -> None:
    """It fails as often as the graph of states says."""
    made = program(name)
    campaign = run_campaign(made, schedules=20_000)
    assert campaign.failing / 20_000 == pytest.approx(settled(made, probability_of_failing), abs=0.015)


def orders(strategy: str, count: int) -> Counter[str]:
    """How often each order of three steps of one thread and three of another was walked."""
    step = [{"append": {"to": "v", "item": 1}}] * 3, [{"append": {"to": "v", "item": 2}}] * 3
    made = of(
        {"a": step[0], "b": step[1]}, state={"v": []}, expect={"outcomes": {"observe": ["v"], "forbidden": [[0]]}}
    )
    found: Counter[str] = Counter()
    sampler = Task(made, strategy, 0, 1_000, 3).sampler()
    sampler.walk(0, 500)  # by now the fields are wide enough
    for number in range(count):
        state, _ = sampler.policy.walk(sampler.known, sampler.packed.initial, number, 1_000)
        found[str(sampler.packed.unpack(state).cells[0])] += 1
    return found


def test_surw_draws_every_order_alike() -> None:
    """Of the 20 orders of three and three steps on one object, each comes about as often as the others."""
    found = orders("surw", 2_000)
    assert len(found) == 20
    assert min(found.values()) > 60
    assert max(found.values()) < 140


def test_pct_gives_the_bound_of_its_paper() -> None:
    """1 / (n k^(d-1)), with n and k as schedules have them: here main and two threads."""
    assert Chances(depth=1, threads=4, points=20).probability == 1 / 4
    assert Chances(depth=3, threads=4, points=20).probability == 1 / (4 * 20**2)
    made = of({"a": [{"set": {"v": 1}}], "b": [{"set": {"v": 2}}]}, state={"v": 0})
    chances = run_campaign(made, strategy="pct", schedules=500, depth=2).chances
    # main starts both and joins both; besides there are two steps of each: most points if all are mixed
    assert chances is not None
    assert (chances.depth, chances.threads) == (2, 3)
    assert chances.points == settled(made, most_points)


def most_points(packed: Packed) -> int:
    """The most states of a schedule in which more than one thread can go on."""
    points, known = Points(packed), dict[int, int]()

    def at(state: int) -> int:
        if state not in known:
            enabled = points.of(state).enabled
            known[state] = max((at(after) for one in enabled for after in one.afters), default=0) + (len(enabled) > 1)
        return known[state]

    return at(packed.initial)


def test_pct_finds_a_bug_of_its_depth_as_often_as_it_says() -> None:
    """The deadlock of two locks is of depth 2."""
    campaign = run_campaign(program("gallery/ab_ba"), strategy="pct", depth=2, schedules=3_000)
    assert campaign.chances is not None
    assert campaign.failing / campaign.schedules >= campaign.chances.probability


@pytest.mark.parametrize("strategy", SAMPLED)
def test_a_thread_that_spins_lets_the_others_on(strategy: str) -> None:
    """No policy spins on a flag for ever while somebody could set it."""
    made = of({"waits": [{"while": "not flag", "do": []}], "sets": [{"set": {"flag": True}}]}, state={"flag": False})
    assert run_campaign(made, strategy=strategy, schedules=300, depth=1, max_steps=500).cut_off <= 1


@pytest.mark.parametrize("strategy", SAMPLED)
@pytest.mark.parametrize("name", ["gallery/philosophers_polite", "gallery/dekker_without_a_turn"])
def test_threads_that_make_way_for_each_other_are_let_out_of_it(strategy: str, name: str) -> None:
    """A livelock by too much politeness ends sooner or later in nearly every schedule that is drawn."""
    assert run_campaign(program(name), strategy=strategy, schedules=300, max_steps=2_000).cut_off <= 3


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
    points = Points(packed)
    schedules, found = 0, set()
    waiting: list[tuple[int, tuple[Any, ...]]] = [(packed.initial, ())]
    while waiting:
        state, events = waiting.pop()
        enabled = points.of(state).enabled
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
