"""Every strategy by its name on the command line: those that draw each schedule, and those that enumerate schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenrun.search.strategies.bounded import DelayBounded, PreemptionBounded
from scenrun.search.strategies.dpor import Dpor
from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.exhaustive import Exhaustive
from scenrun.search.strategies.pct import Pct
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.pos import Pos
from scenrun.search.strategies.random_walk import RandomWalk
from scenrun.search.strategies.surw import Surw

POLICIES: dict[str, Callable[[int, int, int], Policy[Any]]] = {
    "random": lambda depth, seed, max_steps: RandomWalk(),
    "pct": lambda depth, seed, max_steps: Pct(depth),
    "pos": lambda depth, seed, max_steps: Pos(),
    "surw": lambda depth, seed, max_steps: Surw(seed, max_steps),
}
"""depth: the bug depth, for PCT; seed, max_steps: for the pilot walks of SURW."""
EXHAUSTIVE: dict[str, Callable[[Executions, int, int | None], Exhaustive]] = {
    "dpor": lambda executions, max_steps, bound: Dpor(executions, max_steps),
    "preemptions": PreemptionBounded,
    "delays": DelayBounded,
}
"""By executions, the most steps of a schedule, and the most preemptions or delays, None for no limit."""
STRATEGIES = (*POLICIES, *EXHAUSTIVE)
