"""POS: the enabled step with the highest random priority is taken, and pending steps that depend on it draw a new priority.

Yuan, Yang and Gu, Partial Order Aware Concurrency Sampling (CAV 2018): each order of dependent steps has a better chance than
under a random walk. No departure: steps are dependent where their footprints conflict, whether they are enabled or blocked;
the moving thread's next step is new and draws as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.random_numbers import Chance


class Runner(NamedTuple):
    """An enabled thread."""

    thread: int
    afters: Sequence[int]
    again: tuple[int, ...]
    """The threads that draw a new priority after its step, including itself."""


class Field(NamedTuple):
    """The threads in a state that have not ended."""

    runners: tuple[Runner, ...]
    pending: tuple[int, ...]
    """The numbers of all threads that have a next step, enabled or blocked."""


class Pos(Policy[Field]):
    """Partial order sampling."""

    def known(self, executions: Executions) -> KnownStates[Field]:
        """The enabled threads of each state, and for each the threads whose next steps depend on its step."""

        def field(state: int) -> Field:
            point = executions.point(state)
            threads = sorted((*point.enabled, *point.waiting), key=lambda option: option.thread)
            runners = []
            for one in point.enabled:
                again = [other.thread for other in threads if other is one or other.effects.conflicts(one.effects)]
                runners.append(Runner(one.thread, one.afters, tuple(again)))
            return Field(tuple(runners), tuple([option.thread for option in threads]))

        return KnownStates(field)

    def walk(self, known: KnownStates[Field], state: int, seed: int, limit: int) -> tuple[int, int]:
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
