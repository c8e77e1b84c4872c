"""Strategies that walk one schedule after another: each gives the same for the same seed, and shows what there is."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from campaigns import abouts, by_chance, of, plainly, program, settled
from msgspec.structs import replace

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.moves import moves_of
from scenrun.model.state import State
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search.options import SAMPLED
from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.space.packed import Packed
from scenrun.search.strategies.campaign import run_campaign
from scenrun.search.strategies.model_executions import ModelExecutions
from scenrun.search.strategies.registry import EXHAUSTIVE, POLICIES, STRATEGIES
from scenrun.search.strategies.results import Campaign, Chances, Found
from scenrun.search.strategies.sampled import Sampler

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


def timeless(campaign: Campaign) -> Campaign:
    """A result without what depends on the machine."""
    return replace(campaign, seconds=0.0, jobs=1)


# --- what there is


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
    assert len(moves_of(machine, found.transitions)) == len(found.transitions)
    states = list(along(machine, found.transitions))
    judge = EndStateJudge(Packed(machine))
    assert found.about in judge.end_state_of(states[-1]).findings
    always = {observation.text for observation in made.expectations.always}
    if found.about.about in always:
        assert all(found.about not in judge.end_state_of(state).findings for state in states[:-1])


def along(machine: Machine, transitions: tuple[Transition, ...]) -> Iterator[State]:
    """The states of a path."""
    state = machine.initial()
    yield state
    for transition in transitions:
        after = machine.step(state, transition)
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
        assert moves_of(machine, found.transitions)[-1].step == "threads.a.do[0]"


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
    assert again.first.transitions == later.first.transitions


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
    executions = ModelExecutions.of(made, 0)
    sampler = Sampler(executions, POLICIES[strategy](3, 0, 1_000), 0, 1_000)
    sampler.walk(0, 500)  # by now the fields are wide enough
    for number in range(count):
        state, _ = sampler.policy.walk(sampler.known, sampler.initial, number, 1_000)
        found[str(executions.space.unpack(state).cells[0])] += 1
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
    executions, known = ModelExecutions(lambda: packed), dict[int, int]()
    first = executions.begin()

    def at(state: int) -> int:
        if state not in known:
            enabled = executions.point(state).enabled
            known[state] = max((at(after) for one in enabled for after in one.afters), default=0) + (len(enabled) > 1)
        return known[state]

    return at(first)


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
