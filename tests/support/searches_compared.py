"""The ends that each way of searching finds, in one form: what the plain walk finds is what every other one must find."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from typing import Any

import scenrun
from scenrun.model.machine import FREE, Machine
from scenrun.program.ir import Program
from scenrun.search.properties.nontermination import Nontermination
from scenrun.search.reduction.persistent_sets import Reduced
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space.breadth_first import Breadth, Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.plain_search import end_of, walk
from scenrun.search.space.state_space import Overflow

Ends = frozenset[tuple[frozenset[tuple[str, str]], Any]]
"""For each end its findings and the outcome observed."""
MOST = 1_000


class TooLarge(Exception):
    """The scenario has more states than a comparison is worth."""


def plainly(program: Program, most: int = MOST) -> Ends:
    """As the plain walk finds them, with every value and every sleep in the state."""
    walked = walk(Machine(program), most)
    if not walked.closed:
        raise TooLarge
    return frozenset((end.findings, end.outcome) for end in walked.ends)


def by_states(program: Program) -> Ends:
    """As the search of packed states finds them."""
    return _searched(Breadth, program)


def by_fewer_states(program: Program) -> Ends:
    """As the search with persistent sets finds them."""
    return _searched(Reduced, program)


def by_like_states(program: Program) -> Ends:
    """As the search with persistent sets and symmetry finds them; which of like replicas an end is about is left open."""
    machine = Machine(program, folded=FREE, forgets=True)
    packed = Packed(machine)
    while True:
        symmetry = Symmetry(packed)
        try:
            space = Reduced(packed, Limits(states=MOST), canonical=symmetry.canonical).run()
            break
        except Overflow:
            continue
    if not space.is_closed:
        raise TooLarge
    if Nontermination(packed, space, lambda state: ()).any:  # then it is not used
        return plainly(program)
    ends = (end_of(machine, packed.unpack(state)) for state in space.terminal)
    return anonymous((end.findings, end.outcome) for end in ends)


def anonymous(ends: Iterable[tuple[frozenset[tuple[str, str]], Any]]) -> Ends:
    """The ends without the numbers of replicas."""
    return frozenset(
        (frozenset((kind, ", ".join(sorted(re.sub(r"\[\d+\]", "", about).split(", ")))) for kind, about in found), out)
        for found, out in ends
    )


def _searched(search: type[Breadth], program: Program) -> Ends:
    machine = Machine(program, folded=FREE, forgets=True)
    packed = Packed(machine)
    space = search(packed, Limits(states=MOST)).run()
    if not space.is_closed:
        raise TooLarge
    ends = (end_of(machine, packed.unpack(state)) for state in space.terminal)
    return frozenset((end.findings, end.outcome) for end in ends)


SEARCHES: dict[str, Callable[[Program], Ends]] = {"states": by_states, "reduced": by_fewer_states}
ANONYMOUS: dict[str, Callable[[Program], Ends]] = {"symmetric": by_like_states}


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
    reducing = {} if program.interrupts else ANONYMOUS  # which is not for what may come at any moment
    found = {name: search(program) for name, search in SEARCHES.items() if reducing or name == "states"}
    out = {name: (expected - ends, ends - expected) for name, ends in found.items() if ends != expected}
    for name, search in reducing.items():
        wanted, ends = anonymous(expected), anonymous(search(program))
        if wanted != ends:
            out[name] = (wanted - ends, ends - wanted)
    return out
