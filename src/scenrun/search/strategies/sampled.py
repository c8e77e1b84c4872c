"""Walks numbered schedules with a randomized policy; what a schedule shows is independent of those walked before it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from scenrun.model.machine import FREE, Machine
from scenrun.program.ir import Program
from scenrun.search.space.packed import Overflow, Packed
from scenrun.search.strategies.found import Tally
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.remembered import Trace
from scenrun.search.strategies.showing import Showing

MOST_ENDS = 1 << 16
"""End states that are remembered at a time."""
MOST_COMPUTED = 2_000_000
"""Computed transitions after which the packed states are dropped: values that only grow would fill the memory."""


class Sampler:
    """One process's part of a campaign. After an interruption `take` still returns what was walked until then."""

    def __init__(
        self, program: Program, policy: Policy[Any], seed: int, max_steps: int, alarm: Callable[[], None] | None = None
    ) -> None:
        self.program = program
        self.policy = policy
        self.seed = seed
        self.max_steps = max_steps
        self.alarm = alarm
        self.tally = Tally()
        """All outcomes and findings so far."""
        self._fresh = Tally()
        """The counts since the last `take`, without outcomes and findings."""
        self._taken = 0, 0
        self._begin()

    def _begin(self) -> None:
        self.packed = Packed(Machine(self.program, self.seed, folded=FREE, forgets=True))
        self.packed.alarm = self.alarm
        self._anew()

    def _anew(self) -> None:
        """Pack the initial state anew, and forget what was known of states in the old packing."""
        packed = self.packed
        packed.initial = packed.packed_anew()
        self.known = self.policy.remembered(packed)
        self._showing = Showing(packed, self.tally)
        self._ends: dict[int, bool] = {}
        """For each end state that was judged, whether it has findings."""

    def walk(self, first: int, count: int) -> None:
        """Walk the schedules numbered from `first` to `first + count - 1`."""
        for number in range(first, first + count):
            while True:
                try:
                    self._one(number)
                    break
                except Overflow:
                    self._anew()
        if self.packed.computed > MOST_COMPUTED:
            self._begin()

    def _one(self, number: int) -> None:
        tally = self._fresh
        state, steps = self.policy.walk(self.known, self.packed.initial, self.seed + number, self.max_steps)
        fails = self._ends.get(state)
        if fails is None:
            fails = self._end(state, steps, number)
        tally.failing += fails
        tally.steps += steps
        tally.schedules += 1
        if steps > tally.longest:
            tally.longest = steps

    def _end(self, state: int, steps: int, number: int) -> bool:
        """Judge a new end state, or the last state of a schedule that was cut off; returns whether it has findings."""
        is_cut = steps == self.max_steps and not self._is_end(state)
        findings = self._showing.lasting(state) if is_cut else self._showing.of_end(state)
        if any(about not in self.tally.findings for about in findings):
            self._showing.keep(findings, number, self._states(number))
        if is_cut:
            self._fresh.cut_off += 1
            return bool(findings)
        if len(self._ends) >= MOST_ENDS:
            self._ends.clear()
            self._showing = Showing(self.packed, self.tally)
        self._ends[state] = bool(findings)
        return bool(findings)

    def _is_end(self, state: int) -> bool:
        return not self.packed.following(state)

    def _states(self, number: int) -> list[int]:
        """The states of a schedule, from walking it once more with the same seed."""
        trace = Trace(self.known)
        state, steps = self.policy.walk(trace, self.packed.initial, self.seed + number, self.max_steps)
        return trace.states if steps < self.max_steps else [*trace.states, state]

    def take(self) -> Tally:
        """The counts since the last `take`, with the outcomes and findings that are new since then."""
        whole, out = self.tally, self._fresh
        out.outcomes = dict(islice(whole.outcomes.items(), self._taken[0], None))
        out.findings = dict(islice(whole.findings.items(), self._taken[1], None))
        self._taken = len(whole.outcomes), len(whole.findings)
        self._fresh = Tally()
        return out
