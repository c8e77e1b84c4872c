"""Campaigns of a strategy on small scenarios, and what there is to be found."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

from scenarios_at_random import TAPE, Author
from searches_compared import observing_all

import scenrun
from scenrun.model.machine import FREE, Machine
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.space.packed import Packed
from scenrun.search.space.plain_search import walk
from scenrun.search.space.state_space import Overflow
from scenrun.search.strategies.results import Campaign

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def program(name: str) -> Program:
    """The program of a scenario of the repository."""
    return scenrun.load(SCENARIOS / f"{name}.yaml").program


def of(threads: dict[str, list[Any]], **more: Any) -> Program:
    """The program of a few threads."""
    return scenrun.load(
        {"scenario": "few", "threads": {name: {"do": do} for name, do in threads.items()}, **more}
    ).program


def abouts(campaign: Campaign) -> set[FindingKey]:
    """What was found."""
    return {found.about for found in campaign.findings}


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


def settled(made: Program, work: Any) -> Any:
    """What is worked out over packed states, with their fields wide enough."""
    packed = Packed(Machine(made, folded=FREE, forgets=True))
    while True:
        try:
            packed.begin_anew()
            return work(packed)
        except Overflow:
            continue


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
