"""Uniform random walk: in every state each enabled transition is taken with the same probability.

The baseline of every comparison; biased to schedules in which short threads end early (Thomson, Donaldson and Betts,
Concurrency Testing Using Controlled Schedulers, TOPC 2016, found it hard to beat on shallow bugs). A thread at a
`choose` counts once for each alternative.
"""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.random_numbers import BITS, FACTOR, STEP, spread

States = Sequence[int]


class RandomWalk(Policy[States]):
    """A policy that needs only the successors of a state."""

    def known(self, executions: Executions) -> KnownStates[States]:
        """The successors of each state."""
        return KnownStates(executions.successors)

    def walk(self, known: KnownStates[States], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        draw = spread(seed)
        for steps in range(limit):
            after = known[state]
            if len(after) > 1:
                draw = draw * FACTOR + STEP & BITS
                state = after[(draw >> 32) * len(after) >> 32]
            elif after:
                state = after[0]
            else:
                return state, steps
        return state, limit
