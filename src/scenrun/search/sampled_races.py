"""Data races of random executions, for searches that walk schedules; those of a search of states come from its states."""

from __future__ import annotations

import random
from typing import Any

from scenrun.model.machine import Transition
from scenrun.program.ir import Program
from scenrun.search.counterexample.selection import alarm_after
from scenrun.search.options import SearchOptions
from scenrun.search.properties.accesses import Race
from scenrun.search.properties.execution_races import races_along
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.search.strategies.results import Campaign

EXECUTIONS, BESIDE = 200, 20
"""Random executions that are checked for races: where a race is a finding, and where it is not."""
BESIDE_S, BESIDE_STEPS = 0.5, 1_000
"""Seconds in all, and steps of each execution, for the check for races where a race is no finding."""
ASKED_S = 5.0
"""Seconds in all where a race is a finding."""


def is_asked_for_races(program: Program, how: SearchOptions) -> bool:
    """Whether a data race is a finding."""
    return how.races or program.expectations.race_never


def sampled_races(
    packed: Packed, seed: int, how: SearchOptions, campaign: Campaign
) -> list[tuple[Race, list[Transition]]]:
    """The races of some random executions, found by vector clocks, each with the transitions up to its second access."""
    machine, found = packed.machine, dict[Any, tuple[Race, list[Transition]]]()
    number = min(campaign.schedules, EXECUTIONS if is_asked_for_races(machine.program, how) else BESIDE)
    is_asked = is_asked_for_races(machine.program, how)
    packed.alarm = alarm_after(how, ASKED_S if is_asked else BESIDE_S)
    steps = campaign.max_steps if is_asked else min(BESIDE_STEPS, campaign.max_steps)
    try:
        for schedule in range(number):
            packed.alarm()
            transitions = _executed(packed, random.Random(f"{seed}/{schedule}"), steps)
            for race in races_along(machine, transitions):
                found.setdefault(race.pair, (race, transitions[: (race.at or 0) + 1]))
    except Stopped:
        pass
    packed.alarm = None
    return list(found.values())


def _executed(packed: Packed, draw: random.Random, most: int) -> list[Transition]:
    """A random execution of at most `most` steps."""
    while True:
        state = packed.initial
        out: list[Transition] = []
        try:
            while len(out) < most and (following := packed.following(state)):
                transition, state = draw.choice(following)
                out.append(transition)
        except Overflow:
            packed.begin_anew()
            continue
        return out
