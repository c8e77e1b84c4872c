"""What an incomplete search covered: how much of the program it saw, and how large all of it may be."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from math import log10
from typing import Any

from msgspec import Struct

from scenrun.program.primitives.registry import operation
from scenrun.search.space.state_space import Overflow, StateSpace

PROBES, PROBES_S, MOST_STEPS = 200, 5.0, 10_000
"""Random schedules that are walked for the estimates, the seconds that they may take, and the steps of each."""


class Coverage(Struct, frozen=True):
    """What a search that is not closed has covered."""

    ends: int
    """Different last states that were visited, as far as they differ in what counts."""
    unreached: tuple[tuple[int, str], ...]
    """The steps on shared objects to which no thread came in any visited state: the line and the step."""
    schedules_log10: float | None
    """The logarithm of an estimate of the number of schedules; None where no random schedule ended."""
    probes: int
    """The random schedules that the estimates are from."""
    preempted: tuple[tuple[str, float], ...]
    """How often a random schedule preempts each thread, on average: takes a step of another one while it is enabled."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "last_states": self.ends,
            "unreached": [{"line": line, "step": step} for line, step in self.unreached],
            "schedules_estimate_log10": None if self.schedules_log10 is None else round(self.schedules_log10, 1),
            "probes": self.probes,
            "preempted_per_schedule": {name: round(times, 2) for name, times in self.preempted},
        }


def coverage_of(space: StateSpace, ends: int, seed: int) -> Coverage:
    """What was covered of a space; `ends`: the last states that were visited."""
    space.alarm = None
    probes = _Probes(space, seed)
    probes.walk()
    return Coverage(ends, tuple(sorted(_unreached(space))), probes.estimate, probes.count, probes.preempted())


def _unreached(space: StateSpace) -> set[tuple[int, str]]:
    """The steps on shared objects to which no thread came."""
    machine, came = space.machine, set[tuple[int, int]]()
    for number in range(space.thread_count):
        came |= {(thread.code, thread.pc) for thread in space.local_states(number) if thread is not None}
    out, reached = set[tuple[int, str]](), set[tuple[int, str]]()
    for code in machine.program.codes:
        for pc, instruction in enumerate(code.instructions):
            if instruction.line and operation(instruction.op) is not None:
                step = instruction.line, instruction.step
                (reached if (code.number, pc) in came else out).add(step)
    return out - reached


class _Probes:
    """Random schedules, each step of which is drawn among all that are enabled.

    Knuth, Estimating the Efficiency of Backtrack Programs (1975): the product of the numbers of choices along a random path
    is, on average, the number of paths.
    """

    def __init__(self, space: StateSpace, seed: int) -> None:
        self.space = space
        self.count = 0
        self._draw = random.Random(f"{seed}/probes")
        self._logs: list[float] = []
        self._preempted: Counter[str] = Counter()

    def walk(self) -> None:
        """Walk until there are enough, or the time is over."""
        end = time.monotonic() + PROBES_S
        while self.count < PROBES and time.monotonic() < end:
            try:
                self._walk_one(end)
            except Overflow:
                self.space.begin_anew()

    def _walk_one(self, end: float) -> None:
        state, choices, last, preempted = self.space.initial, 0.0, -1, Counter[str]()
        for _ in range(MOST_STEPS):
            following = self.space.following(state)
            if not following:
                self._logs.append(choices)
                break
            if time.monotonic() > end:
                return
            choices += log10(len(following))
            transition, after = self._draw.choice(following)
            if last >= 0 and transition.thread != last and any(one.thread == last for one, _ in following):
                preempted[self.space.threads(state)[last].name] += 1
            state, last = after, transition.thread
        self.count += 1
        self._preempted += preempted

    @property
    def estimate(self) -> float | None:
        """The logarithm of the mean of the products."""
        if not self._logs:
            return None
        highest = max(self._logs)
        return highest + log10(sum(10 ** (one - highest) for one in self._logs) / len(self._logs))

    def preempted(self) -> tuple[tuple[str, float], ...]:
        """How often each thread was preempted in a schedule, on average; most often first."""
        pairs: Iterator[tuple[str, int]] = iter(self._preempted.most_common())
        return tuple((name, times / self.count) for name, times in pairs)
