"""Walks numbered schedules with a randomized policy; what a schedule shows is independent of those walked before it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from scenrun.search.space.state_space import Overflow
from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.finding_recorder import FindingRecorder
from scenrun.search.strategies.known_states import Recorder
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.results import Tally

MOST_ENDS = 1 << 16
"""End states that are remembered at a time."""


class Sampler:
    """One process's part of a campaign. After an interruption `take` still returns what was walked until then."""

    def __init__(self, executions: Executions, policy: Policy[Any], seed: int, max_steps: int) -> None:
        self.executions = executions
        self.policy = policy
        self.seed = seed
        self.max_steps = max_steps
        self.tally = Tally()
        """All outcomes and findings so far."""
        self._fresh = Tally()
        """The counts since the last `take`, without outcomes and findings."""
        self._taken = 0, 0
        self._recorder = FindingRecorder(executions, self.tally)
        self._begin()

    def _begin(self) -> None:
        """Begin at a new initial state, and forget what was known of states before."""
        self.initial = self.executions.begin()
        self.known = self.policy.known(self.executions)
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
                    self._begin()
        if self.executions.tidy():
            self._begin()

    def _one(self, number: int) -> None:
        tally = self._fresh
        state, steps = self.policy.walk(self.known, self.initial, self.seed + number, self.max_steps)
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
        findings = self._recorder.of_cut_off(state) if is_cut else self._recorder.of_end(state)
        if any(about not in self.tally.findings for about in findings):
            self._recorder.keep(findings, number, self._states(number))
        if is_cut:
            self._fresh.cut_off += 1
            return bool(findings)
        if len(self._ends) >= MOST_ENDS:
            self._ends.clear()
        self._ends[state] = bool(findings)
        return bool(findings)

    def _is_end(self, state: int) -> bool:
        return not self.executions.moves(state)

    def _states(self, number: int) -> list[int]:
        """The states of a schedule, from walking it once more with the same seed."""
        walked = Recorder(self.known)
        state, steps = self.policy.walk(walked, self.initial, self.seed + number, self.max_steps)
        return walked.states if steps < self.max_steps else [*walked.states, state]

    def take(self) -> Tally:
        """The counts since the last `take`, with the outcomes and findings that are new since then."""
        whole, out = self.tally, self._fresh
        out.outcomes = dict(islice(whole.outcomes.items(), self._taken[0], None))
        out.findings = dict(islice(whole.findings.items(), self._taken[1], None))
        self._taken = len(whole.outcomes), len(whole.findings)
        self._fresh = Tally()
        return out
