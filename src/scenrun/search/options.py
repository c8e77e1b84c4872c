"""How a user wants schedules to be searched: checked in one place, whoever asks, and turned into what a search takes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from scenrun.errors import UsageError
from scenrun.search.space.breadth_first import Limits

STATES = "states"
"""The strategy that sees all states, breadth first."""
SAMPLED = ("random", "pct", "pos", "surw")
"""Strategies that draw each schedule by itself."""
BOUNDED = ("preemptions", "delays")
"""Strategies that go through the schedules with few preemptions or delays first."""
STATELESS = (*SAMPLED, *BOUNDED, "dpor")
"""Strategies that walk schedules one by one, and keep no states."""
TIMES = ("free", "virtual")
REDUCTIONS = ("auto", "on", "off")
DEPTH = 3
"""The depth of the bugs that PCT looks for unless told otherwise."""
MOST_JOBS = 256
_AT_LEAST = {"max_states": 1, "memory_bytes": 1, "schedules": 1, "jobs": 1, "depth": 1, "bound": 0}
_FOR_STATES = ("max_states", "memory_bytes", "reduction", "symmetry", "count")
_FOR_SCHEDULES = ("schedules", "jobs")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to explore. What is None is chosen."""

    strategy: str | None = None
    """`states` or one of the stateless strategies; None: states, and if they are too many, random schedules and PCT."""
    limits: Limits = field(default_factory=Limits)
    schedules: int | None = None
    jobs: int = 1
    make_executor: Callable[[], Executor] | None = None
    """Where schedules are walked, if not in processes of this machine."""
    depth: int = 3
    """Of PCT."""
    bound: int | None = None
    """The most preemptions or delays."""
    reduction: str = "auto"
    symmetry: bool = True
    time_mode: str = "free"
    races: bool = False
    """Whether a race is a finding even where the file does not ask."""
    count: bool = False
    shorten: bool = True
    look: Callable[[Any], str | None] = lambda progress: None

    @property
    def is_timed(self) -> bool:
        """Whether the clock's order is kept."""
        return self.time_mode == "virtual"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as a user asks for it, on the command line or in Python. What is None was not said."""

    strategy: str | None = None
    max_states: int | None = None
    memory_bytes: int | None = None
    """Bytes that this process may have in all."""
    time_limit_ns: int | None = None
    schedules: int | None = None
    jobs: int | None = None
    cluster: str | None = None
    """The address of a Dask scheduler, whose workers walk schedules."""
    depth: int | None = None
    bound: int | None = None
    time: str | None = None
    reduction: str | None = None
    symmetry: bool | None = None
    races: bool = False
    count: bool = False
    shorten: bool = True

    def check(self, shown: Callable[[str], str] = str) -> None:
        """Refuse what cannot be and what would have no effect; `shown` names an option as its user knows it."""
        self._check_values(shown)
        self._check_strategy(shown)
        self._check_cluster(shown)
        self._check_space(shown)

    def _check_values(self, shown: Callable[[str], str]) -> None:
        for name, words in (
            ("strategy", (STATES, *STATELESS)), ("time", TIMES), ("reduction", REDUCTIONS),
        ):  # fmt: skip
            given = getattr(self, name)
            if given is not None and given not in words:
                raise UsageError(f"there is no {name} `{given}`; there is {', '.join(words)}")
        for name, least in _AT_LEAST.items():
            given = getattr(self, name)
            if given is not None and given < least:
                raise UsageError(f"{shown(name)} is at least {least}, not {given}")
        if self.jobs is not None and self.jobs > MOST_JOBS:
            raise UsageError(f"{shown('jobs')} is at most {MOST_JOBS}, not {self.jobs}")

    def _check_strategy(self, shown: Callable[[str], str]) -> None:
        """What belongs to other strategies than the one that is asked for."""
        which = f"{shown('strategy')} {self.strategy}"
        if self.strategy not in (None, STATES):
            for name in _FOR_STATES:
                if self._is_given(name):
                    raise UsageError(f"{shown(name)} is for the search of states; {which} keeps none")
            if self.time == "virtual":
                raise UsageError(f"{shown('time')} virtual is for the search of states; {which} leaves time free")
        if self.strategy == STATES:
            for name in _FOR_SCHEDULES:
                if self._is_given(name):
                    raise UsageError(f"{shown(name)} is for strategies that walk schedules; {which} sees all of them")
        if self.depth is not None and self.strategy not in (None, "pct"):
            raise UsageError(f"{shown('depth')} is PCT's; it has no effect with {which}")
        if self.bound is not None and self.strategy not in BOUNDED:
            raise UsageError(f"{shown('bound')} is for {shown('strategy')} {' and '.join(BOUNDED)}")

    def _check_cluster(self, shown: Callable[[str], str]) -> None:
        if self.cluster is None:
            return
        if self.strategy not in (None, *SAMPLED):
            which = f"{shown('strategy')} {self.strategy}"
            raise UsageError(
                f"{shown('cluster')} is for strategies that draw schedules; {which} has one order of its own"
            )
        if self.jobs is not None:
            raise UsageError(
                f"{shown('jobs')} has no effect with {shown('cluster')}, which runs as much at a time as it has threads"
            )

    def _check_space(self, shown: Callable[[str], str]) -> None:
        """What has no effect on the space of states that is searched."""
        for name in ("reduction", "symmetry"):
            if self.time == "virtual" and getattr(self, name) not in (None, "off"):
                raise UsageError(
                    f"{shown(name)} has no effect with {shown('time')} virtual, which is searched as a whole"
                )
        if self.symmetry is not None and self.reduction == "off":
            raise UsageError(f"{shown('symmetry')} has no effect without reduction")
        if self.count and self.reduction == "on":
            raise UsageError(
                f"{shown('count')} walks every schedule; it goes without reduction ({shown('reduction')} off)"
            )

    def _is_given(self, name: str) -> bool:
        return getattr(self, name) not in (None, False) or (name == "symmetry" and self.symmetry is False)

    def options(
        self, look: Callable[[Any], str | None] = lambda progress: None, memory_bytes: int | None = None
    ) -> SearchOptions:
        """What the search takes, with what was not said chosen.

        look: called now and then with how far the search is; what it returns ends the search. memory_bytes: the limit
        where none was asked for.
        """
        default = Limits()
        limits = Limits(
            self.max_states or default.states,
            self.memory_bytes or memory_bytes or default.memory,
            None if self.time_limit_ns is None else self.time_limit_ns / 1e9,
        )
        return SearchOptions(
            strategy=self.strategy, limits=limits, schedules=self.schedules, jobs=self.jobs or 1,
            depth=self.depth or DEPTH, bound=self.bound, reduction="off" if self.count else self.reduction or "auto",
            symmetry=self.symmetry is not False, time_mode=self.time or "free", races=self.races, count=self.count,
            shorten=self.shorten, look=look,
        )  # fmt: skip
