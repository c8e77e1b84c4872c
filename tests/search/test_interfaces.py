"""Strategies, properties, symmetry and stories know no more of states than their interfaces say: they work on other ones alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from itertools import product
from typing import Any

import pytest
from code_executions import Announced, Body, CodeExecutions
from loops_at_random import Author
from plain_space import PlainSpace, visited

import scenrun
from scenrun.model.machine import FOLDED, FREE, Machine
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search import state_search
from scenrun.search.counterexample.goals import goal_of
from scenrun.search.counterexample.shorten import cost_of, shortened
from scenrun.search.options import SAMPLED
from scenrun.search.portfolio import StateSearchOptions
from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.properties.lock_order import lock_order_cycles
from scenrun.search.properties.races import races_in
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Breadth, Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Overflow, StateSpace
from scenrun.search.state_search import SearchedSpace
from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.exhaustive import Progress
from scenrun.search.strategies.model_executions import ModelExecutions
from scenrun.search.strategies.registry import EXHAUSTIVE, POLICIES
from scenrun.search.strategies.results import Tally
from scenrun.search.strategies.sampled import Sampler
from scenrun.search.strategies.schedule_queue import Limits as WalkLimits

MOST = 100
"""States of a program that is compared."""
SCHEDULES = 40


def programs(count: int) -> Iterator[Program]:
    """Small random programs."""
    for number in range(count):
        yield scenrun.load(Author(3_000_000 + number).scenario()).program


# --- spaces


def shown_by(space: StateSpace, found: SearchedSpace) -> dict[str, Any]:
    """All that a whole space shows, without the order in which it was visited."""
    shortest = {}
    for way in found.ways:
        goal = way.goal or goal_of(space, EndStateJudge(space), way.about)
        if not way.cycle:
            shortest[way.about] = cost_of(shortened(space, way.transitions, goal))
    return {
        "findings": {way.about for way in found.ways},
        "counts": found.counts,
        "outcomes": {key(list(one)) for one in found.outcomes},
        "shortest": shortest,
        "races": {race.pair for race in races_in(space, found.space)},
        "lock order": {cycle.locks for cycle in lock_order_cycles(space)},
    }


def of_packed(program: Program, *, timed: bool) -> dict[str, Any] | None:
    """The same of the packed space, which begins anew while its fields are too narrow."""
    packed = Packed(Machine(program, folded=FOLDED if timed else FREE, forgets=True, timed=timed))
    how = StateSearchOptions(Limits(MOST), "off", timed=timed)
    while True:
        try:
            found = SearchedSpace(packed, Breadth(packed, how.limits).run(), False)
            if not found.space.is_closed:
                return None
            state_search._FindingCollector(found, how).add_all()
            return {"states": len(found.space), **shown_by(packed, found)}
        except Overflow:
            continue


def of_plain(program: Program, *, timed: bool) -> dict[str, Any] | None:
    """What is asked of a space, asked of the plain one."""
    space = PlainSpace(Machine(program, folded=FOLDED if timed else FREE, forgets=True, timed=timed))
    all_states = visited(space, MOST)
    if all_states is None:
        return None
    found = SearchedSpace(space, all_states, False)
    state_search._FindingCollector(found, StateSearchOptions(Limits(MOST), "off", timed=timed)).add_all()
    return {"states": len(all_states), **shown_by(space, found)}


@pytest.mark.parametrize("timed", [False, True])
def test_what_a_space_shows_is_asked_by_its_interface_alone(timed: bool) -> None:
    """Findings, sets that are never left, outcomes, shortened counterexamples, races and lock order of two kinds of space."""
    compared, shown = 0, Counter[str]()
    for program in programs(60):
        expected = of_plain(program, timed=timed)
        if expected is not None:
            assert of_packed(program, timed=timed) == expected, program.name
            compared += 1
            shown.update(about.kind for about in expected["findings"])
            shown["race"] += bool(expected["races"])
    assert compared > 20
    assert min(shown[kind] for kind in ("deadlock", "violated", "exception", "race")) > 0, shown


def orbits(space: StateSpace, states: list[int]) -> set[frozenset[Any]]:
    """The states, each by its key, with those that have the same representative in one set."""
    symmetry, out = Symmetry(space), dict[int, set[Any]]()
    for state in states:
        out.setdefault(symmetry.canonical(state), set()).add(key(space.unpack(state)))
    return {frozenset(one) for one in out.values()}


ALIKE: dict[str, dict[str, Any]] = {
    "condition": {
        "state": {"n": 0}, "sync": {"c": "condition"},
        "threads": {"w": {"count": 3, "do": [
            {"with": "c", "do": [{"wait": {"condition": "c", "timeout": "1s"}}]}, {"set": {"n": "n + 1"}},
        ]}},
    },
    "rlock and event": {
        "state": {"n": 0}, "sync": {"r": "rlock", "e": "event"},
        "threads": {"w": {"count": 3, "do": [
            {"acquire": "r"}, {"set": {"n": "n + 1"}}, {"release": "r"}, {"wait": {"event": "e", "timeout": "1s"}},
        ]}},
    },
}  # fmt: skip
"""Replicas whose numbers stand in the values of the objects that they share."""


@pytest.mark.parametrize("name", ALIKE)
def test_symmetry_is_asked_by_its_interface_alone(name: str) -> None:
    """The same states are alike in both spaces."""
    program = scenrun.load({"scenario": "alike", **ALIKE[name]}).program
    plain = PlainSpace(Machine(program, folded=FREE, forgets=True))
    all_states = visited(plain, 5_000)
    assert all_states is not None
    expected = orbits(plain, list(all_states))
    packed = Packed(Machine(program, folded=FREE, forgets=True))
    while True:
        try:
            assert orbits(packed, list(Breadth(packed, Limits()).run())) == expected
            break
        except Overflow:
            continue
    assert 1 < len(expected) < len(all_states) / 3


# --- strategies


def tally_of(executions: Executions, strategy: str, most: int = SCHEDULES) -> Tally:
    """What a strategy finds in its first schedules."""
    if strategy in SAMPLED:
        sampler = Sampler(executions, POLICIES[strategy](3, 7, 200), 7, 200)
        for first in range(0, most, 20):
            sampler.walk(first, 20)
            sampler.policy.learn(sampler.policy.lesson())
        return sampler.take()
    search = EXHAUSTIVE[strategy](executions, 200, None)
    progress = Progress(search, WalkLimits(most, None, 200, lambda tally: None), 0.0)
    progress.run()
    return progress.tally


def figures(tally: Tally) -> dict[str, Any]:
    """A tally, for comparison."""
    counts = tally.schedules, tally.cut_off, tally.failing, tally.steps, tally.longest
    found = {(one.about, one.schedule, one.transitions) for one in tally.findings.values()}
    return {"counts": counts, "outcomes": set(tally.outcomes), "found": found}


@pytest.mark.parametrize("strategy", [*SAMPLED, *EXHAUSTIVE])
def test_a_strategy_walks_the_same_schedules_of_any_executions(strategy: str) -> None:
    """Over packed states and over plain ones: the same numbers, findings, schedules and outcomes."""
    failing = 0
    for program in programs(12):
        machine = Machine(program, folded=FREE, forgets=True)
        plain = tally_of(ModelExecutions(lambda: PlainSpace(machine, 100_000)), strategy)  # noqa: B023
        packed = tally_of(ModelExecutions.of(program, program.seed), strategy)
        assert figures(packed) == figures(plain), program.name
        failing += bool(plain.findings)
    assert failing > 1


def increments(times: int, lock: str | None = None) -> Body:
    """A thread that adds to `n`, with a read and a write that others may come between."""

    def body(shared: dict[str, Any]) -> Generator[Announced, None, None]:
        for _ in range(times):
            if lock is not None:
                yield "take", lock
            yield "read", "n"
            seen = shared["n"]
            yield "write", "n"
            shared["n"] = seen + 1
            if lock is not None:
                yield "give", lock

    return body


def takes(*locks: str) -> Body:
    """A thread that takes some locks, one after another, and gives them back."""

    def body(shared: dict[str, Any]) -> Generator[Announced, None, None]:
        for lock in locks:
            yield "take", lock
        for lock in reversed(locks):
            yield "give", lock

    return body


def divides(shared: dict[str, Any]) -> Generator[Announced, None, None]:
    """A thread that fails where it comes first."""
    yield "read", "n"
    shared["m"] = 1 // shared["n"]


PROGRAMS: dict[str, tuple[list[Body], Callable[[dict[str, Any]], bool], set[str]]] = {
    "lost update": ([increments(1), increments(1)], lambda shared: shared["n"] == 2, {"violated"}),
    "locked": ([increments(2, "l"), increments(1, "l")], lambda shared: shared["n"] == 3, set()),
    "two locks": ([takes("a", "b"), takes("b", "a")], lambda shared: True, {"deadlock"}),
    "divided": ([increments(1), divides], lambda shared: True, {"exception"}),
    "three": ([increments(1)] * 3, lambda shared: shared["n"] > 0, set()),
}
"""Generator functions, what must be true at the end, and the kinds of findings that there are."""


@pytest.mark.parametrize(("name", "strategy"), list(product(PROGRAMS, [*SAMPLED, *EXHAUSTIVE])))
def test_a_strategy_walks_the_schedules_of_code(name: str, strategy: str) -> None:
    """Of generators that are run anew for each schedule: what there is to find is found, and nothing else."""
    bodies, check, kinds = PROGRAMS[name]
    executions = CodeExecutions({"n": 0, "m": 0}, bodies, check)
    tally = tally_of(executions, strategy, 500)
    assert {about.kind for about in tally.findings} == kinds
    expected = set(every_outcome(bodies))
    assert set(tally.outcomes) == expected
    assert executions.runs < 4 * tally.schedules + 500
    for found in tally.findings.values():
        assert found.about in replayed(bodies, check, [transition.thread for transition in found.transitions])


def every_outcome(bodies: list[Body]) -> Iterator[Any]:
    """The outcomes of all schedules, each made from the beginning, without a strategy."""
    executions = CodeExecutions({"n": 0, "m": 0}, bodies, lambda shared: True)
    waiting = [executions.begin()]
    while waiting:
        state = waiting.pop()
        after = executions.successors(state)
        waiting += after
        if not after and (outcome := executions.end(state).outcome) is not None:
            yield key(list(outcome))


def replayed(bodies: list[Body], check: Callable[[dict[str, Any]], bool], threads: list[int]) -> set[FindingKey]:
    """What one schedule shows, made again; a deadlock and a violation show at its end."""
    executions = CodeExecutions({"n": 0, "m": 0}, bodies, check)
    state = executions.begin()
    for thread in threads:
        (state,) = executions.afters_of(state, thread)
    found = set(executions.lasting(state))
    return found if executions.moves(state) else found | set(executions.end(state).findings)


def test_dpor_walks_fewer_schedules_of_code_than_there_are() -> None:
    """Its backtrack sets are those of the steps' footprints, which code announces as a model does."""
    bodies, check, _ = PROGRAMS["lost update"]
    dpor, bounded = (
        tally_of(CodeExecutions({"n": 0, "m": 0}, bodies, check), name, 10_000) for name in ("dpor", "preemptions")
    )
    assert 1 < dpor.schedules < bounded.schedules == 6
