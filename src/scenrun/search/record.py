"""The result of a search as data: the verdict, the figures of the search, and each counterexample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenrun.model.move_schedule import MoveSchedule, OfCode
from scenrun.model.moves import Move
from scenrun.program.findings import LINEARIZABLE
from scenrun.search.counterexample.operation_bars import Bar, bars_of
from scenrun.search.counterexample.rows import brackets_of
from scenrun.search.counterexample.time_needed import TimeNeeded
from scenrun.search.counterexample.trace import Trace
from scenrun.search.coverage import Coverage
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.schedule_count import Counted


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A finding, with a schedule that shows it."""

    about: FindingKey
    sentence: str
    """What went wrong."""
    story: Trace
    moves: tuple[Move, ...]
    switches: int
    """Context switches: moves by another thread than the move before."""
    found_with: int
    """The number of steps of the schedule as found, before shortening."""
    cycle_from: int | None = None
    """For a livelock, the index in `moves` of the first move of the cycle."""
    schedule: int | None = None
    """The number, from 0, of the first schedule that showed it, for a strategy that walks schedules."""
    code: OfCode | None = None
    """Where the user's own code makes steps in it."""
    with_gil: str = ""
    """There, whether it comes with the GIL, in words; empty where that was not asked."""
    of_code: tuple[Bar, ...] = ()
    """The calls of the user's own code that no order explains."""
    time: TimeNeeded | None = None
    """What the schedule needs of time; None where that is not known."""

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Where it is about calls that no order explains, these."""
        return self.of_code or (bars_of(self.story.steps) if self.about.about.startswith(f"{LINEARIZABLE}: ") else ())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        last = self.story.steps[-1].line if self.story.steps else None
        pairs: dict[str, Any] = {
            "kind": self.about.kind, "about": self.about.about, "message": self.sentence, "line": last,
            "switches": self.switches, "found_with_steps": self.found_with, "cycle_from": self.cycle_from,
            "schedule": self.schedule, "steps": [step.as_dict() for step in self.story.steps],
            "threads": [stuck.as_dict() for stuck in self.story.waiting], "with_gil": self.with_gil or None,
            "calls": [bar.as_dict() for bar in self.bars] or None,
            "rounds": [one.as_dict() for one in brackets_of(self.story.steps, self.cycle_from)] or None,
            "time": None if self.time is None else self.time.as_dict(),
        }  # fmt: skip
        return {name: value for name, value in pairs.items() if value is not None}


PROVABLE = ("always", "assert", "exceptions")
"""What can be proved for every number of replicas."""


@dataclass(frozen=True, slots=True)
class AnyNumber:
    """What a search says of groups with `count: any`."""

    groups: tuple[str, ...]
    searched: int = 0
    """Up to so many replicas of these groups in all, every number was searched without a finding."""
    least: dict[str, int] | None = None
    """With a finding: the replicas of each group; with fewer in all there is none, or only `some`."""
    some: dict[str, int] | None = None
    """The replicas of each group with which some of the findings came first, where the file expects several kinds."""
    size: int | None = None
    """Where `PROVABLE` is proved for every number: the replicas of the views that prove it."""
    views: int = 0
    why: str = ""
    """Why it is not proved, in words."""
    ended: str = ""
    """What ended the search with more replicas, in words."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        proved = list(PROVABLE) if self.size is not None else []
        out = {
            "groups": list(self.groups), "proved": proved, "searched_up_to": self.searched or None, "least": self.least,
            "some_with": self.some, "replicas_in_a_view": self.size, "views": self.views or None,
            "not_proved": self.why or None, "ended_by": self.ended or None,
        }  # fmt: skip
        return {name: value for name, value in out.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """The data of a result of `explore`.

    `verdict` is the kind of the first finding; `holds` where the search is closed without a finding; `incomplete` where
    a limit was reached without a finding. `ok`: whether the file expects this.
    """

    scenario: str
    digest: str
    seed: int
    verdict: str
    expected: tuple[str, ...]
    ok: bool
    kinds: tuple[str, ...]
    """Every kind of finding."""
    time_mode: str
    strategy: str
    closed: bool
    """Whether the search covered everything."""
    bound: str | None
    """The limit that ended the search early, in words."""
    seconds: float
    counterexamples: tuple[Counterexample, ...]
    found: dict[str, int]
    """The number of different findings of each kind."""
    outcomes: tuple[tuple[Any, ...], ...]
    witnesses: tuple[Counterexample, ...] = ()
    """For each of `expect.reach` that is reached, a short schedule that comes to it."""
    unreached: tuple[str, ...] = ()
    """Those of `expect.reach` that no schedule comes to."""
    missing: tuple[tuple[Any, ...], ...] = ()
    """Required outcomes that no schedule gives."""
    states: int | None = None
    states_s: float = 0.0
    """Seconds that visiting the states took, without judging them."""
    transitions: int | None = None
    depth: int | None = None
    memory_bytes: int | None = None
    reduced: bool = False
    symmetric: bool = False
    schedules: int | None = None
    schedules_to_first: int | None = None
    races: tuple[Any, ...] = ()
    lock_cycles: tuple[Any, ...] = ()
    counted: Counted | None = None
    notes: tuple[str, ...] = ()
    coverage: Coverage | None = None
    """Where the search of states is not closed: what it covered."""
    interrupted: str | None = None
    any_number: AnyNumber | None = None
    """Where groups have `count: any`: what is known for every number. All other figures are of the last search."""
    file: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Counterexample, ...]:
        """Every schedule that the search shows: of findings, then of what was to be reached."""
        return (*self.counterexamples, *self.witnesses)

    @property
    def states_per_second(self) -> float | None:
        """States visited per second; None where no states were kept."""
        return self.states / self.states_s if self.states and self.states_s else None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        out: dict[str, Any] = {
            "scenario": self.scenario, "digest": self.digest, "seed": self.seed, "verdict": self.verdict,
            "expected": list(self.expected), "ok": self.ok, "kinds": list(self.kinds), "time_mode": self.time_mode,
            "strategy": self.strategy, "closed": self.closed, "bound": self.bound, "states": self.states,
            "transitions": self.transitions, "depth": self.depth, "schedules": self.schedules,
            "schedules_to_first": self.schedules_to_first, "seconds": round(self.seconds, 6),
            "states_per_second": None if self.states_per_second is None else round(self.states_per_second),
            "memory_bytes": self.memory_bytes, "reduced": self.reduced, "symmetric": self.symmetric,
            "findings": [one.as_dict() for one in self.counterexamples], "found": self.found,
            "outcomes": [list(outcome) for outcome in self.outcomes],
            "witnesses": [one.as_dict() for one in self.witnesses], "unreached": list(self.unreached),
            "missing_outcomes": [list(outcome) for outcome in self.missing],
            "races": [race.as_dict() for race in self.races],
            "lock_cycles": [cycle.as_dict() for cycle in self.lock_cycles],
            "notes": list(self.notes),
        }  # fmt: skip
        if self.coverage is not None:
            out["coverage"] = self.coverage.as_dict()
        if self.any_number is not None:
            out["any_number"] = self.any_number.as_dict()
        if self.counted is not None:
            out |= {
                "schedules": self.counted.schedules, "bad_schedules": self.counted.bad,
                "bad_probability": self.counted.bad_probability, "least_preemptions": self.counted.least_preemptions,
            }  # fmt: skip
        return out

    def schedule_of(self, one: Counterexample) -> MoveSchedule:
        """A counterexample in the form of a schedule file."""
        about = "outcome" if one.about.about.startswith("outcome [") else one.about.about
        return MoveSchedule(
            scenario=self.scenario, file=self.file, digest=self.digest, seed=self.seed, moves=one.moves,
            overrides=self.overrides, time=self.time_mode, finding=(one.about.kind, about), cycle_from=one.cycle_from,
            code=one.code,
        )  # fmt: skip


def is_expected(found: set[str], expected: tuple[str, ...], closed: bool, *, is_first: bool = False) -> bool:
    """Whether the kinds found are as the file expects: no other kind, and every expected one unless `holds` is expected too.

    Without a finding, `holds` must be expected and the search closed. is_first: whether the search ended at its first finding,
    which need not be of every kind.
    """
    if not found:
        return closed and "holds" in expected
    if is_first and not closed:
        return found <= set(expected)
    return found <= set(expected) and (found == set(expected) - {"holds"} or "holds" in expected)
