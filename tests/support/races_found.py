"""Races of a scenario, by a state search and along executions."""

from __future__ import annotations

import random
from collections.abc import Iterator

from scenrun.language.source import decode
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.program.loaded import load_source
from scenrun.search.space.breadth_first import Breadth, Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import LinkedSpace

AT_RANDOM = 250
"""Random scenarios in which the detectors are compared."""
MOST = 2_000
WALKS = 40


def searched(machine: Machine, way: type[Breadth] = Breadth) -> tuple[Packed, LinkedSpace]:
    """The whole space."""
    packed = Packed(machine)
    space = way(packed, Limits(states=MOST)).run()
    return packed, space


def walks(machine: Machine, count: int, seed: int = 0) -> Iterator[list[Transition]]:
    """Executions in which everyone who can move is as likely to be next."""
    chance = random.Random(seed)
    for _ in range(count):
        state, transitions = machine.initial(), []
        while len(transitions) < 300 and (following := list(machine.following(state))):
            transition, state = chance.choice(following)
            transitions.append(transition)
        yield transitions


def machine_of(text: str) -> Machine:
    """The model of a scenario, as a search has it."""
    program = load_source(decode("races.yaml", f"scenario: races\n{text}".encode())).program
    return Machine(program, folded=FREE, forgets=True)
