"""What schedules have shown so far, and what is left of it in the end: the first schedule of each finding, the outcomes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scenrun.model.machine import Transition
from scenrun.program.values import key
from scenrun.search.properties.end_states import FindingKey


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the first schedule that showed it."""

    about: FindingKey
    schedule: int
    """Its number, from 0; for a strategy that draws, its seed is the campaign's and this number together."""
    choices: tuple[Transition, ...]
    """The path from the initial state to the step that shows it."""


@dataclass(slots=True)
class Tally:
    """Counts and findings of some schedules."""

    schedules: int = 0
    cut_off: int = 0
    """Schedules that did not end within the most steps of one."""
    failing: int = 0
    """Schedules that showed a finding."""
    steps: int = 0
    longest: int = 0
    """The most steps of a schedule."""
    outcomes: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    findings: dict[FindingKey, Found] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take in what other schedules have shown."""
        self.schedules += other.schedules
        self.cut_off += other.cut_off
        self.failing += other.failing
        self.steps += other.steps
        self.longest = max(self.longest, other.longest)
        self.outcomes.update(other.outcomes)
        for found in other.findings.values():
            self.add_finding(found)

    def add_finding(self, found: Found) -> None:
        """Keep the first schedule of each finding."""
        known = self.findings.get(found.about)
        if known is None or found.schedule < known.schedule:
            self.findings[found.about] = found

    def add_outcome(self, outcome: tuple[Any, ...] | None) -> None:
        """Keep each outcome once."""
        if outcome is not None:
            self.outcomes.setdefault(key(list(outcome)), outcome)


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely PCT finds a bug of its depth with one schedule, at the least."""

    depth: int
    threads: int
    """The most threads of a schedule, main among them."""
    points: int
    """The most points of a schedule at which more than one thread could go on."""

    @property
    def probability(self) -> float:
        """1 / (n k^(d-1))."""
        return 1.0 / (self.threads * float(max(1, self.points)) ** (self.depth - 1))


@dataclass(frozen=True, slots=True)
class Campaign:
    """The result of a strategy."""

    strategy: str
    seed: int
    schedules: int
    """Schedules that were walked; numbers 0 to one less."""
    cut_off: int
    """Those of them that did not end within `max_steps`, or came back to a state of their own: no findings by that."""
    failing: int
    steps: int
    longest: int
    seconds: float
    jobs: int
    outcomes: tuple[tuple[Any, ...], ...]
    findings: tuple[Found, ...]
    """The first of each kind and what it is about, in the order of the schedules."""
    closed: bool
    """Whether nothing was left out: no schedule can show anything else."""
    ended_by: str | None
    """Why it ended before everything was seen, as a sentence without its full stop; None where it is closed."""
    max_steps: int
    bound: int | None = None
    """The bound up to which every schedule was walked, for a bounded search."""
    redundant: int = 0
    """Schedules that DPOR began and gave up, as they could show nothing new; they are not counted in `schedules`."""
    chances: Chances | None = None

    @property
    def first(self) -> Found | None:
        """The finding of the lowest failing schedule."""
        return self.findings[0] if self.findings else None


def in_order(findings: Iterable[Found]) -> tuple[Found, ...]:
    """Findings by the schedules that showed them."""
    return tuple(sorted(findings, key=lambda found: (found.schedule, len(found.choices), found.about)))
