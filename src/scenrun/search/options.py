"""The options of a search: as a user gives them (`SearchRequest`, with all checks) and as a search takes them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from scenrun.errors import UsageError
from scenrun.search.space.breadth_first import Limits

STATES = "states"
"""The strategy that visits all states, breadth first."""
SAMPLED = ("random", "pct", "pos", "surw")
"""Strategies that draw each schedule at random."""
BOUNDED = ("preemptions", "delays")
"""Strategies that enumerate schedules, those with fewer preemptions or delays first."""
STATELESS = (*SAMPLED, *BOUNDED, "dpor")
"""Strategies that walk schedules one by one and keep no states."""
REDUCED = ("dpor",)
"""Those that have to know what each thread may do next."""
TIMES = ("free", "virtual")
REDUCTIONS = ("auto", "on", "off")
DEPTH = 3
"""The default depth of the bugs that PCT looks for: how many ordering constraints a bug needs."""
MOST_JOBS = 256
_AT_LEAST = {"max_states": 1, "memory_bytes": 1, "schedules": 1, "jobs": 1, "depth": 1, "bound": 0}
_FOR_STATES = ("max_states", "memory_bytes", "reduction", "symmetry", "count")
_FOR_SCHEDULES = ("schedules", "jobs")


class SearchOptions(Struct, frozen=True):
    """The options of `explore_program`. None leaves the choice to the search."""

    strategy: str | None = None
    """`states` or one of the stateless strategies; None: states, and if they are too many, random schedules and PCT."""
    limits: Limits = field(default_factory=Limits)
    schedules: int | None = None
    """The most schedules that are walked."""
    jobs: int = 1
    make_executor: Callable[[], Executor] | None = None
    """Makes the executor that walks schedules; None: processes of this machine."""
    depth: int = DEPTH
    """The depth of the bugs that PCT looks for."""
    bound: int | None = None
    """The most preemptions or delays of a schedule, for a bounded strategy."""
    reduction: str = "auto"
    symmetry: bool = True
    time_mode: str = "free"
    is_time_given: bool = False
    """Whether the mode of time was asked for, and is not the default."""
    races: bool = False
    """Whether a race is a finding even where the file does not expect `race: never`."""
    count: bool = False
    """Whether all schedules are counted."""
    shorten: bool = True
    first: bool = False
    """Whether the search ends at the first finding."""
    found: Callable[[Any], None] | None = None
    """Called with the first finding of a state search, a `Counterexample`, while the search goes on; None: not at all."""
    found_after_s: float = 0.0
    """The seconds of a search from which on `found` is called."""
    look: Callable[[Any], str | None] = lambda progress: None
    """Called now and then with the progress; a reason that it returns ends the search."""

    @property
    def is_timed(self) -> bool:
        """Whether time is virtual: transitions keep the order of the clock."""
        return self.time_mode == "virtual"

    def for_clock(self, line: int) -> SearchOptions:
        """The options for a program whose step at `line` reads the clock: in virtual time, where a reading has a value."""
        reads = f"line {line} reads the clock with `now()`, which has no value where time is free"
        if self.strategy not in (None, STATES):
            raise UsageError(
                f"{reads}, as it is for the strategy {self.strategy}; only the search of states has a clock"
            )
        if self.is_time_given and not self.is_timed:
            raise UsageError(f"{reads}; it is searched in virtual time, where steps take none")
        return replace(self, time_mode="virtual")

    def for_interrupts(self, line: int) -> SearchOptions:
        """The options for a program in which an interrupt, declared at `line`, comes between any two steps of a thread."""
        comes = f"what line {line} lets come at any moment is part of no thread's steps"
        if self.strategy in REDUCED:
            raise UsageError(f"{comes}, as the strategy {self.strategy} has to know them; take another one")
        if self.reduction == "on":
            raise UsageError(f"{comes}, as a reduction has to know them; search without one")
        return replace(self, reduction="off", symmetry=False)


class SearchRequest(Struct, frozen=True):
    """A search as a user requests it, on the command line or in Python. None: the option was not given."""

    strategy: str | None = None
    max_states: int | None = None
    memory_bytes: int | None = None
    """The limit of this process's memory, in bytes."""
    time_limit_ns: int | None = None
    schedules: int | None = None
    jobs: int | None = None
    cluster: str | None = None
    """The address of a Dask scheduler whose workers walk schedules."""
    depth: int | None = None
    bound: int | None = None
    time: str | None = None
    reduction: str | None = None
    symmetry: bool | None = None
    races: bool = False
    count: bool = False
    shorten: bool = True
    first: bool = False
    """Whether the search ends at the first finding."""

    def check(self, shown: Callable[[str], str] = str) -> None:
        """Refuse impossible values and options without effect, with a UsageError; `shown` gives an option's user-visible name."""
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
        """Refuse options that belong to another strategy than the requested one."""
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
        """Refuse options of reduction and symmetry that have no effect together."""
        for name in ("reduction", "symmetry"):
            if self.time == "virtual" and getattr(self, name) not in (None, "off"):
                raise UsageError(
                    f"{shown(name)} has no effect with {shown('time')} virtual, which is searched as a whole"
                )
        if self.symmetry is not None and self.reduction == "off":
            raise UsageError(f"{shown('symmetry')} has no effect without reduction")
        if self.count and self.first:
            raise UsageError(f"{shown('count')} walks every schedule; {shown('first')} ends at the first finding")
        if self.count and self.reduction == "on":
            raise UsageError(
                f"{shown('count')} walks every schedule; it goes without reduction ({shown('reduction')} off)"
            )

    def _is_given(self, name: str) -> bool:
        return getattr(self, name) not in (None, False) or (name == "symmetry" and self.symmetry is False)

    def options(
        self, look: Callable[[Any], str | None] = lambda progress: None, memory_bytes: int | None = None
    ) -> SearchOptions:
        """The options for the search, with defaults for those that were not given.

        look: called now and then with the progress; a reason that it returns ends the search. memory_bytes: the memory
        limit, in bytes, where the request has none.
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
            symmetry=self.symmetry is not False, time_mode=self.time or "free",
            is_time_given=self.time is not None, races=self.races, count=self.count,
            shorten=self.shorten, first=self.first, look=look,
        )  # fmt: skip
