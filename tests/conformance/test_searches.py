"""Every search of a scenario that need not end finds what a plain look at all its states does, by whatever short cut.

Scenarios by chance whose replicas start others, whose threads go round, starve and are cut off, in free and in virtual time.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from unittest import mock

import pytest
from loops_at_random import Author
from loops_compared import Found, TooLarge, found_in, graph_of

import scenrun
from scenrun.execution.replay.plan import plan_of
from scenrun.model.machine import FREE, Machine
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search import portfolio, state_search
from scenrun.search.arrays import nontermination
from scenrun.search.explore import explore_program
from scenrun.search.options import SearchOptions
from scenrun.search.portfolio import StateSearchOptions
from scenrun.search.properties.nontermination import Nontermination
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Overflow
from scenrun.search.state_search import SearchedSpace, search

PARTS, EACH = 7, 12
MOST = 400
"""States of a scenario that is compared."""
BEGUN_WHOLE = 12
"""States from which on a search reduces by itself: it has then begun with the whole space, and shares what it remembers."""
CLOSED_WITHIN = 40
"""Schedules after which a stateless strategy is not waited for."""


def named(found: Found) -> Found:
    """The findings, those of an outcome without its values."""
    return {(kind, "outcome" if about.startswith("outcome ") else about) for kind, about in found}


def searched(
    program: Program, *, timed: bool, reduction: str, symmetry: bool = True, narrow: int = 0
) -> tuple[Found, set[Any]]:
    """What a search of states finds, and the outcomes. narrow: the width of levels up to which a reduced space is not in arrays."""
    how = StateSearchOptions(Limits(), reduction, symmetry, timed)
    with (
        mock.patch.multiple(portfolio, SMALL=BEGUN_WHOLE, WIDE=0, FEW=2, NARROW=narrow, WORK=200, MORE=2),
        mock.patch.object(nontermination, "FEW", -1),
    ):
        found, _ = search(program, program.seed, how, lambda it: None)
    return findings_of(found), {key(list(one)) for one in found.outcomes}


def searched_again(program: Program) -> Found:
    """What a reduced search finds that shares what it remembers with walks that came to everything by other ways."""
    packed = Packed(Machine(program, program.seed, folded=FREE, forgets=True))
    while True:
        try:
            packed.begin_anew()
            seen, waiting = {packed.initial}, [packed.initial]
            while waiting:
                after = {after for _, after in packed.following(waiting.pop())} - seen
                seen |= after
                waiting += sorted(after, reverse=True)
            return findings_of(state_search._search(packed, StateSearchOptions(Limits(), "on", False)))
        except Overflow:
            continue


def findings_of(found: SearchedSpace) -> Found:
    """Everything that a search has a way to, and the outcomes that are missing."""
    missing = {("violated", f"required outcome {list(one)}") for one in found.missing}
    return named({(way.about.kind, way.about.about) for way in found.ways} | missing)


def kinds(found: Found) -> set[str]:
    """The kinds alone."""
    return {kind for kind, _ in found}


def differences(program: Program, *, timed: bool) -> list[str]:
    """What any way of searching finds differently from the plain look."""
    expected, outcomes = found_in(graph_of(program, timed=timed, most=MOST))
    expected, out = named(expected), []
    ways = [("off", True, 0)]
    ways += (
        []
        if timed
        else [("on", True, 0), ("on", False, 0), ("auto", True, 0), ("auto", False, 0), ("auto", True, MOST)]
    )
    for reduction, symmetry, narrow in ways:
        found, seen = searched(program, timed=timed, reduction=reduction, symmetry=symmetry, narrow=narrow)
        same = found == expected if reduction == "off" else kinds(found) == kinds(expected)
        if not same or seen != outcomes:
            out.append(
                f"timed {timed}, reduction {reduction}, symmetry {symmetry}, narrow {narrow}: {found ^ expected}, {seen ^ outcomes}"
            )
    if not timed and kinds(again := searched_again(program)) != kinds(expected):
        out.append(f"after other walks: {again ^ expected}")
    out += told(program, kinds(expected), timed=timed)
    return out if timed else out + by_schedules(program, kinds(expected), outcomes)


def told(program: Program, expected: set[str], *, timed: bool) -> list[str]:
    """The same of whole explorations, of which each counterexample fits the model; and of races, with and without reduction."""
    out, races = [], []
    for reduction in ("off",) if timed else ("off", "on"):
        how = SearchOptions(
            time_mode="virtual" if timed else "free", races=not timed, reduction=reduction, shorten=False
        )
        result = explore_program(program, None, how)
        if set(result.kinds) - {"race"} != expected or not result.closed:
            out.append(f"explore, timed {timed}, reduction {reduction}: {result.kinds}, not {expected}")
        races.append({re.sub(r"\[\d+\]", "", str(race.pair)) for race in result.races})
        for one in result.counterexamples:
            plan_of(program, result.schedule_of(one))
    return out + [f"races differ: {races}"] * (races[0] != races[-1])


def by_schedules(program: Program, expected: set[str], outcomes: set[Any]) -> list[str]:
    """A strategy that has gone through all schedules must have found the same."""
    out = []
    for strategy in ("dpor", "preemptions", "delays"):
        how = SearchOptions(strategy=strategy, schedules=CLOSED_WITHIN, limits=Limits(seconds=0.5), shorten=False)
        result = explore_program(program, None, how)
        found = {key(list(one)) for one in result.outcomes}
        if result.closed and (set(result.kinds) != expected or found != outcomes):
            out.append(f"{strategy}: {result.kinds}, not {expected}; {found ^ outcomes}")
        if not set(result.kinds) <= expected:
            out.append(f"{strategy} makes up {set(result.kinds) - expected}")
    return out


@pytest.mark.parametrize("part", range(PARTS))
def test_searches_find_what_a_plain_look_finds(part: int) -> None:
    """Findings, outcomes and races; scenarios with too many states are passed over, and most have not."""
    compared = 0
    for number in range(EACH):
        scenario = Author(part * 1_000 + number).scenario()
        program = scenrun.load(scenario).program
        for timed in (False, True):
            try:
                different = differences(program, timed=timed)
            except TooLarge:
                continue
            compared += 1
            assert not different, (scenario, different)
    assert compared >= EACH // 3


def test_the_scenarios_have_what_is_to_be_compared() -> None:
    """Endless sets that starve somebody, symmetric replicas beside spawns, and every kind of finding, are drawn."""
    drawn: Counter[str] = Counter()
    for part in range(PARTS):
        for number in range(EACH):
            scenario = Author(part * 1_000 + number).scenario()
            program = scenrun.load(scenario).program
            try:
                graph = graph_of(program, timed=False, most=MOST)
            except TooLarge:
                continue
            drawn.update(kinds(found_in(graph)[0]))
            how = StateSearchOptions(Limits(), "on", True, False)
            found, _ = search(program, program.seed, how, lambda it: None)
            drawn["symmetric beside spawns"] += found.orbits is not None and any(
                i.code is not None for code in program.codes[1:] for i in code.instructions
            )
            cycles = Nontermination(found.packed, found.space, found.space.taken)
            drawn["starved"] += any(one.starved and not cycles.must_end(one) for one in cycles.find())
            drawn["symmetric groups"] += bool(Symmetry(found.packed).groups)
    wanted = ("deadlock", "livelock", "violated", "exception", "symmetric beside spawns", "starved", "symmetric groups")
    assert {name: drawn[name] for name in wanted if drawn[name] < 3} == {}
