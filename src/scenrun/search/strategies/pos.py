"""POS: every pending step has a random priority, and after a step those that depend on it draw again.

Yuan, Yang and Gu, Partial Order Aware Concurrency Sampling (CAV 2018): steps that depend on each other come in any order with a
better chance than under a random walk. No departure: dependent are steps whose footprints conflict, whether they can be done
now or have to wait; a thread's own next step is new and draws as well.
"""

from __future__ import annotations

from typing import NamedTuple

from scenrun.search.space.packed import Packed
from scenrun.search.strategies.chance import Chance
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.remembered import Points, Remembered


class Runner(NamedTuple):
    """A thread that can go on."""

    thread: int
    afters: tuple[int, ...]
    again: tuple[int, ...]
    """The threads whose priorities are drawn anew after its step, with its own."""


class Field(NamedTuple):
    """The threads in a state."""

    runners: tuple[Runner, ...]
    pending: tuple[int, ...]
    """Those that have a next step, also where they have to wait."""


class Pos(Policy[Field]):
    """Partial order sampling."""

    def remembered(self, packed: Packed) -> Remembered[Field]:
        """Who can go on, and whose next steps depend on each."""
        points = Points(packed)

        def field(state: int) -> Field:
            point = points.of(state)
            everyone = sorted((*point.enabled, *point.waiting), key=lambda option: option.thread)
            runners = []
            for one in point.enabled:
                again = [other.thread for other in everyone if other is one or other.effects.conflicts(one.effects)]
                runners.append(Runner(one.thread, one.afters, tuple(again)))
            return Field(tuple(runners), tuple([option.thread for option in everyone]))

        return Remembered(field)

    def walk(self, known: Remembered[Field], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        chance = Chance(seed)
        priorities: dict[int, int] = {}
        for steps in range(limit):
            runners, pending = known[state]
            if not runners:
                return state, steps
            for thread in pending:
                if thread not in priorities:
                    priorities[thread] = chance.bits()
            first = runners[0]
            for runner in runners[1:]:
                if priorities[runner.thread] > priorities[first.thread]:
                    first = runner
            for thread in first.again:
                del priorities[thread]
            afters = first.afters
            state = afters[0] if len(afters) == 1 else afters[chance.below(len(afters))]
        return state, limit
