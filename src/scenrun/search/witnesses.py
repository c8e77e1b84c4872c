"""`expect.reach`: for each expression a search of its own, for the shortest way to a state in which it holds.

To reach a state in which an expression holds is to break the invariant that it never does, so all that is known of
invariants, reduction among it, serves here. What no schedule reaches is a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from scenrun.program.findings import REACH
from scenrun.program.ir import Expectations, Observation, Program
from scenrun.search.options import SearchOptions
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.record import Counterexample, is_expected
from scenrun.search.result import Explored

Search = Callable[[Program, int, SearchOptions], Explored]


def with_witnesses(found: Explored, program: Program, seed: int, how: SearchOptions, search: Search) -> Explored:
    """The result of a search with what its program is to reach: a witness of each, or that no schedule comes to it."""
    shown: list[Counterexample] = []
    unreached: list[str] = []
    bounds: list[str] = []
    for observation in program.expectations.reach:
        one = search(
            _alone(program, observation), seed, structs.replace(how, first=False, found=None, count=False, races=False)
        )
        wanted = FindingKey("violated", observation.text)
        way = next((way for way in one.counterexamples if way.about == wanted), None)
        if way is not None:
            shown.append(replace(way, about=FindingKey(REACH, observation.text), schedule=None))
        elif one.closed and _has_all(one):
            unreached.append(observation.text)
        else:
            bounds.append(one.bound or "its limits")
    return _judged(found, how, tuple(shown), tuple(unreached), bounds)


def _has_all(found: Explored) -> bool:
    """Whether there is a counterexample of each violation that a search has found."""
    return sum(one.about.kind == "violated" for one in found.counterexamples) == found.found.get("violated", 0)


def _alone(program: Program, observation: Observation) -> Program:
    """The program with nothing expected of it but that an expression never holds."""
    return structs.replace(program, expectations=Expectations(always=(observation,)))


def _judged(
    found: Explored,
    how: SearchOptions,
    shown: tuple[Counterexample, ...],
    unreached: tuple[str, ...],
    bounds: list[str],
) -> Explored:
    kinds = found.kinds
    counts = dict(found.found)
    if unreached:
        kinds = (*kinds, "violated") if "violated" not in kinds else kinds
        counts["violated"] = counts.get("violated", 0) + len(unreached)
    closed = found.closed and not bounds
    verdict = kinds[0] if kinds else "holds" if closed else "incomplete"
    return replace(
        found, witnesses=shown, unreached=unreached, kinds=kinds, found=counts, closed=closed, verdict=verdict,
        bound=found.bound or (bounds[0] if bounds else None),
        ok=is_expected(set(kinds), found.expected, closed, is_first=how.first),
    )  # fmt: skip
