"""Makes the randomized policies by their names on the command line."""

from __future__ import annotations

from typing import Any

from scenrun.search.strategies.pct import Pct
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.pos import Pos
from scenrun.search.strategies.random_walk import RandomWalk
from scenrun.search.strategies.surw import Surw


def policy_of(name: str, depth: int, seed: int, max_steps: int) -> Policy[Any]:
    """A new policy of that name. depth: the bug depth, for PCT; seed, max_steps: for the pilot walks of SURW."""
    match name:
        case "random":
            return RandomWalk()
        case "pct":
            return Pct(depth)
        case "pos":
            return Pos()
        case "surw":
            return Surw(seed, max_steps)
    raise ValueError(name)
