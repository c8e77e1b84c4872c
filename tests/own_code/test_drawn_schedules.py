"""Schedules that are drawn while the threads hand on to one another are those that whoever moves them one by one walks."""

from __future__ import annotations

from pathlib import Path

import pytest
from code_compared import Outcomes, written

from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.registry import POLICIES
from scenrun.search.strategies.results import Tally
from scenrun.search.strategies.sampled import Sampler

SCHEDULES, STEPS = 60, 120
MANY = range(2_000, 2_006)


class OneByOne(Outcomes):
    """The same executions, of which the states are looked up one after another."""

    known = staticmethod(KnownStates)  # type: ignore[assignment]


def drawn(executions: Outcomes, strategy: str) -> tuple[Tally, Outcomes]:
    """What some schedules show, once all sites are marked at which these have raced."""
    policy = POLICIES[strategy](3, 5, STEPS)
    for _ in range(4):  # sites are marked in the first rounds
        sampler = Sampler(executions, policy, 5, STEPS)
        try:
            sampler.walk(0, SCHEDULES)
        except executions.on_marks:
            continue
        if not executions.mark():
            break
    executions.close()
    return sampler.take(), executions


@pytest.mark.parametrize("strategy", ["random", "pct"])
@pytest.mark.parametrize("seed", MANY)
def test_the_same_schedules_are_walked(seed: int, strategy: str, tmp_path: Path) -> None:
    with written(tmp_path, seed, locks=bool(seed % 2)) as name:
        drawn(Outcomes(name), strategy)  # names that are written on classes are known from then on
        live, ours = drawn(Outcomes(name), strategy)
        slow, theirs = drawn(OneByOne(name), strategy)
    assert ours.found == theirs.found
    assert len(ours.marks) == len(theirs.marks)
    assert live == slow
