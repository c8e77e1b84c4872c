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
        return executions.known(executions.successors)

    def walk(self, known: KnownStates[States], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        draw = spread(seed)

        def pick(after: States, _: int) -> int:
            nonlocal draw
            if len(after) == 1:
                return after[0]
            draw = draw * FACTOR + STEP & BITS
            return after[(draw >> 32) * len(after) >> 32]

        return known.walk(pick, state, limit)
