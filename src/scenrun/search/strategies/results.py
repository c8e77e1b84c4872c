"""Data classes for the results of strategies: findings with their first schedules, a running tally, and a campaign's result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from scenrun.model.machine import Transition
from scenrun.program.values import key
from scenrun.search.properties.end_states import FindingKey


class Found(Struct, frozen=True):
    """A finding, and the first schedule that showed it."""

    about: FindingKey
    schedule: int
    """Its number, from 0; for a strategy that draws, its seed is the campaign's seed plus this number."""
    transitions: tuple[Transition, ...]
    """The path from the initial state to the step that shows it."""


class Tally(Struct):
    """Counts and findings of some schedules."""

    schedules: int = 0
    cut_off: int = 0
    """Schedules that were cut off: after the maximal number of steps, or where they returned to one of their own states."""
    failing: int = 0
    """Schedules that showed a finding."""
    steps: int = 0
    longest: int = 0
    """The number of steps of the longest schedule."""
    outcomes: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    findings: dict[FindingKey, Found] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the counts, outcomes and findings of other schedules."""
        self.schedules += other.schedules
        self.cut_off += other.cut_off
        self.failing += other.failing
        self.steps += other.steps
        self.longest = max(self.longest, other.longest)
        self.outcomes.update(other.outcomes)
        for found in other.findings.values():
            self.add_finding(found)

    def add_finding(self, found: Found) -> None:
        """Keep a finding, with the lowest-numbered schedule that showed it."""
        known = self.findings.get(found.about)
        if known is None or found.schedule < known.schedule:
            self.findings[found.about] = found

    def add_outcome(self, outcome: tuple[Any, ...] | None) -> None:
        """Keep an outcome, each one once; None is none."""
        if outcome is not None:
            self.outcomes.setdefault(key(list(outcome)), outcome)


class Chances(Struct, frozen=True):
    """The lower bound on the probability that one schedule of PCT finds a bug of its depth."""

    depth: int
    threads: int
    """The largest number of threads in a schedule, including main."""
    points: int
    """The largest number of points in a schedule at which more than one thread was enabled."""

    @property
    def probability(self) -> float:
        """1 / (n k^(d-1))."""
        return 1.0 / (self.threads * float(max(1, self.points)) ** (self.depth - 1))


class Campaign(Struct, frozen=True):
    """The result of a strategy."""

    strategy: str
    seed: int
    schedules: int
    """The number of schedules that were walked, numbered from 0."""
    cut_off: int
    """Those that did not end within `max_steps`, or returned to one of their own states; that alone is no finding."""
    failing: int
    steps: int
    longest: int
    seconds: float
    jobs: int
    outcomes: tuple[tuple[Any, ...], ...]
    findings: tuple[Found, ...]
    """One for each kind and subject, in the order of the schedules that first showed them."""
    closed: bool
    """Whether the search is complete: no other schedule can show another finding or outcome."""
    ended_by: str | None
    """Why it ended before the search was complete, as a sentence without its full stop; None where it is closed."""
    max_steps: int
    bound: int | None = None
    """The bound up to which every schedule was walked, for a bounded search."""
    redundant: int = 0
    """Schedules that DPOR began and gave up as redundant; they are not counted in `schedules`."""
    chances: Chances | None = None

    @property
    def first(self) -> Found | None:
        """The finding of the lowest failing schedule."""
        return self.findings[0] if self.findings else None


def in_order(findings: Iterable[Found]) -> tuple[Found, ...]:
    """Findings in the order of the schedules that showed them."""
    return tuple(sorted(findings, key=lambda found: (found.schedule, len(found.transitions), found.about)))
