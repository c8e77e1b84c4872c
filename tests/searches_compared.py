"""The ends that each way of searching finds, in one form: what the plain walk finds is what every other one must find."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import scenrun
from scenrun.explore.packed import Packed
from scenrun.explore.reduction import Reduced
from scenrun.explore.space import Breadth, Limits
from scenrun.explore.walk import end_of, walk
from scenrun.machine import FREE, Machine
from scenrun.program import Program

Ends = frozenset[tuple[frozenset[tuple[str, str]], Any]]
"""For each end its findings and the outcome observed."""
MOST = 3_000


class TooLarge(Exception):
    """The scenario has more states than a comparison is worth."""


def plainly(program: Program) -> Ends:
    """As the plain walk finds them, with every value and every sleep in the state."""
    walked = walk(Machine(program), MOST)
    if not walked.closed:
        raise TooLarge
    return frozenset((end.findings, end.outcome) for end in walked.ends)


def by_states(program: Program) -> Ends:
    """As the search of packed states finds them."""
    return _searched(Breadth, program)


def by_fewer_states(program: Program) -> Ends:
    """As the search with persistent sets finds them."""
    return _searched(Reduced, program)


def _searched(search: type[Breadth], program: Program) -> Ends:
    machine = Machine(program, folded=FREE, forgets=True)
    packed = Packed(machine)
    space = search(packed, Limits(states=MOST)).run()
    if not space.is_closed:
        raise TooLarge
    ends = (end_of(machine, packed.unpack(state)) for state in space.terminal)
    return frozenset((end.findings, end.outcome) for end in ends)


SEARCHES: dict[str, Callable[[Program], Ends]] = {"states": by_states, "reduced": by_fewer_states}


def observing_all(scenario: dict[str, Any]) -> dict[str, Any]:
    """The scenario with all its variables as the outcome, so that every difference of theirs counts."""
    out = copy.deepcopy(scenario)
    if out.get("state"):
        out.setdefault("expect", {})["outcomes"] = {
            "observe": list(out["state"]),
            "forbidden": [[None] * len(out["state"])],
        }
    return out


def differences(scenario: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """For each search that finds other ends than the plain walk: what it misses, and what it makes up."""
    program = scenrun.load(scenario).program
    expected = plainly(program)
    found = {name: search(program) for name, search in SEARCHES.items()}
    return {name: (expected - ends, ends - expected) for name, ends in found.items() if ends != expected}
