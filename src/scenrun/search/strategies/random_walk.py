"""Uniform random walk: in every state each enabled transition is taken with the same probability.

The baseline of every comparison; biased to schedules in which short threads end early (Thomson, Donaldson and Betts,
Concurrency Testing Using Controlled Schedulers, TOPC 2016, found it hard to beat on shallow bugs). A thread at a
`choose` counts once for each alternative.
"""

from __future__ import annotations

from scenrun.search.space.packed import Packed
from scenrun.search.strategies.chance import BITS, FACTOR, STEP, spread
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.remembered import Remembered

States = tuple[int, ...]


class RandomWalk(Policy[States]):
    """A policy that needs only the successors of a state."""

    def remembered(self, packed: Packed) -> Remembered[States]:
        """The successors of each state."""

        def after(state: int) -> States:
            if packed.has_daemons and packed.is_over(state):
                return ()
            return tuple(
                [state ^ change for field in packed.thread_fields for change in packed.following_of(state, field)]
            )

        return Remembered(after)

    def walk(self, known: Remembered[States], state: int, seed: int, limit: int) -> tuple[int, int]:
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
