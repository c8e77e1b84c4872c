"""Random and PCT schedules beside a search of states: they show within seconds what a few thousand schedules show."""

from __future__ import annotations

import time
from typing import Any

from scenrun.program.ir import Program
from scenrun.search.options import SearchOptions
from scenrun.search.properties.witness import Witness
from scenrun.search.space.breadth_first import Limits, memory_text
from scenrun.workers.memory import process_bytes

HUNTERS = ("random", "pct")
"""The strategies, in their order."""
FIRST = "the first finding"
"""What ends a search that asks for no more."""
BESIDE_STATES = 1.1
"""The factor of the memory limit that applies while schedules are walked: the memory of the states is not freed at once."""


class Hunt:
    """Walks schedules, and keeps the findings and outcomes of the longest walk."""

    def __init__(self, program: Program, seed: int, how: SearchOptions, began: float) -> None:
        """began: a time of `time.perf_counter` from which the limit of time counts."""
        self.program = program
        self.seed = seed
        self.how = how
        self.ways: list[Witness] = []
        self.schedules = 0
        self.outcomes: list[tuple[Any, ...]] = []
        self._began = began

    def walk(self, schedules: int, seconds: float, *, to_first: bool = False) -> None:
        """Walk so many schedules of each strategy, for so many seconds each at most, from the first one on.

        to_first: end with the first finding; so does every walk where no more was asked for.
        """
        from scenrun.search.strategies.campaign import run_campaign

        how, self.schedules, to_first = self.how, 0, to_first or self.how.first
        for strategy in HUNTERS:
            campaign = run_campaign(
                self.program, strategy=strategy, seed=self.seed, schedules=schedules, seconds=self._left(seconds),
                jobs=how.jobs, depth=how.depth, make_executor=how.make_executor,
                look=lambda tally: reason_to_end(how, tally, to_first=to_first) or _memory_bound(how.limits),
            )  # fmt: skip
            self.schedules += campaign.schedules
            self.outcomes += [outcome for outcome in campaign.outcomes if outcome not in self.outcomes]
            known = {way.about for way in self.ways}
            self.ways += [
                Witness(found.about, found.transitions) for found in campaign.findings if found.about not in known
            ]
            if to_first and self.ways:
                return

    def _left(self, seconds: float) -> float:
        limit = self.how.limits.seconds
        return seconds if limit is None else min(seconds, max(0.0, self._began + limit - time.perf_counter()))


def reason_to_end(how: SearchOptions, tally: Any, *, to_first: bool) -> str | None:
    """Why no more schedules are to be walked: a signal, or the first finding, where no more was asked for."""
    return how.look(tally) or (FIRST if to_first and tally.findings else None)


def _memory_bound(limits: Limits) -> str | None:
    """The memory limit in words, if it is exceeded."""
    return memory_text(limits.memory) if process_bytes() > limits.memory * BESIDE_STATES else None
