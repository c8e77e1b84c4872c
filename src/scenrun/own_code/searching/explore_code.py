"""`explore_code`: searches the schedules of Python functions that run as threads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scenrun.errors import UsageError
from scenrun.language.time_limit import time_limit_ns
from scenrun.model.move_schedule import OfCode
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.executions import CodeExecutions, choice_of
from scenrun.own_code.searching.functions import Function, Functions
from scenrun.own_code.searching.output import silent
from scenrun.own_code.searching.shorten_code import shortened
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.own_code.searching.with_gil import with_gil
from scenrun.own_code.telling.code_story import finding_of
from scenrun.own_code.telling.result import CodeExplored, CodeFinding
from scenrun.search.options import DEPTH, STATELESS, STATES, SearchRequest
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.strategies.campaign import SCHEDULES
from scenrun.search.strategies.results import Found, Tally, in_order

MAX_STEPS = 5_000
"""Steps after which a schedule is cut off."""
ODD = "if this looks odd: `scenrun explore --self-test` tells whether searches of code work in this environment"
NOT_ANNOUNCED = "`holds` cannot be said, as it is not known what these do to shared objects: "
ATOMIC = (
    "taken to be one step each, as they are with the GIL: methods of lists, dictionaries, sets, deques and bytearrays, patterns "
    "of `match`, and what functions in C do to one of these; time is free: a sleep or a time-out may take any time"
)
GIL, FREE_THREADED = "gil", "free-threaded"
MOST_NAMED = 5
"""The most things that are not announced that a note names."""


def explore_code(
    setup: Function, threads: Sequence[Function] | Mapping[str, Function], check: Function | None = None, *,
    strategy: str | None = None, seed: int = 0, schedules: int | None = None, time_limit: str | float | None = None,
    depth: int | None = None, bound: int | None = None, trace: Iterable[str] = (), max_steps: int = MAX_STEPS,
    build: str | None = None,
) -> CodeExplored:  # fmt: skip
    """Search the schedules of functions that run as threads, for one that breaks the check, raises, or deadlocks.

    The functions are found by name in their modules, which are compiled anew, with a hook before each access that threads
    can share; so are all modules of yours that these import. The functions themselves are not called.

    - setup: makes what the threads share; called before each schedule, without arguments.
    - threads: the functions that run as threads, each with what `setup` returned; a mapping gives them names.
    - check: called with the same when all threads have ended that are no daemons; must not return False or raise.
    - strategy: `dpor` (one of all schedules that differ only in the order of independent steps), `preemptions`, `delays`,
      `random`, `pct`, `pos` or `surw` (docs/strategies.md). None, the default, is `dpor`, with random schedules and PCT as soon
      as there are many schedules.
    - seed, depth, bound: as for `explore`.
    - schedules, time_limit: limits of the search, whichever comes first; by default 10,000 schedules, where no time is given.
    - trace: top-level modules that are compiled with hooks although they are installed.
    - max_steps: steps after which a schedule is cut off.
    - build: `free-threaded` (None: another thread may come between any two accesses, and each finding says whether it comes with
      the GIL, too), or `gil` (threads are changed only where CPython with the GIL may do so).

    A function is given itself, or as the text `package.module:name`. Raises UsageError where one cannot be found, or where an
    argument is wrong.
    """
    request = CodeRequest(strategy, seed, schedules, time_limit, depth, bound, _listed(trace), max_steps, build)
    return _search(Functions.of(setup, threads, check), request)


def explore_main(
    main: Function, *, strategy: str | None = None, seed: int = 0, schedules: int | None = None,
    time_limit: str | float | None = None, depth: int | None = None, bound: int | None = None, trace: Iterable[str] = (),
    max_steps: int = MAX_STEPS, arguments: Mapping[str, Any] | None = None, build: str | None = None,
) -> CodeExplored:  # fmt: skip
    """Search the schedules of a program: a function that starts threads, and whose assertions must hold.

    - main: the function, which runs as the main thread; the threads that it starts are the others.
    - arguments: its keyword arguments, the same objects for each schedule; by default none.
    - strategy, seed, schedules, time_limit, depth, bound, trace, max_steps, build: as for `explore_code`.

    What it prints goes nowhere. Raises UsageError as `explore_code`.
    """
    request = CodeRequest(strategy, seed, schedules, time_limit, depth, bound, _listed(trace), max_steps, build)
    return _search(Functions.of_main(main, arguments or {}), request)


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """The options of a search of functions."""

    strategy: str | None
    seed: int
    schedules: int | None
    time_limit: str | float | None
    depth: int | None
    bound: int | None
    trace: tuple[str, ...]
    max_steps: int
    build: str | None = None

    def walk_options(self) -> WalkOptions:
        """The options of the walk; raises UsageError for those that are wrong or have no effect."""
        limit, schedules = time_limit_ns(self.time_limit), self.schedules
        SearchRequest(
            strategy=self.strategy or "dpor",
            schedules=schedules,
            depth=self.depth,
            bound=self.bound,
            time_limit_ns=limit,
        ).check()
        if self.strategy == STATES:
            raise UsageError(f"the states of code are not known; strategies are {', '.join(STATELESS)}")
        check_build(self.build, self.strategy)
        if self.max_steps < 1:
            raise UsageError(f"max_steps is at least 1, not {self.max_steps}")
        if schedules is None and limit is None:
            schedules = SCHEDULES
        seconds = None if limit is None else limit / 1e9
        return WalkOptions(
            self.strategy, self.seed, schedules, seconds, self.depth or DEPTH, self.bound, self.max_steps
        )


def check_build(build: str | None, strategy: str | None) -> None:
    """Raises UsageError for a build that there is not, or a strategy that is not for it."""
    if build not in (None, GIL, FREE_THREADED):
        raise UsageError(f"there is no build `{build}`; builds are {GIL} and {FREE_THREADED}")
    if build == GIL and strategy == "dpor":
        raise UsageError(
            "dpor is not for the build `gil`, in which only one thread may go on now and then; `preemptions` is"
        )


def _listed(trace: Iterable[str]) -> tuple[str, ...]:
    return (trace,) if isinstance(trace, str) else tuple(trace)


def _search(functions: Functions, request: CodeRequest) -> CodeExplored:
    how = request.walk_options()
    if control.current is not None:
        raise UsageError('this is searched already: put the call of `explore_code` under `if __name__ == "__main__":`')
    return _Search(
        functions, functions.executions(request.trace, request.seed, with_gil=request.build == GIL), how
    ).run()


def extent_of(executions: CodeExecutions) -> str:
    """What keeps a search of all orders from `holds`, or what was taken to be one step."""
    named = executions.named_unaccounted()
    if named:
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        return f"{NOT_ANNOUNCED}{', '.join(named[:MOST_NAMED])}{more}"
    drawn = f"; what is drawn at random is drawn with seed {executions.seed}" if executions.has_drawn else ""
    switches = "; threads are changed only where CPython with the GIL may do so" if executions.loader.with_gil else ""
    return f"{ATOMIC}{drawn}{switches}"


# --- the search


class _Search:
    """One search."""

    def __init__(self, functions: Functions, executions: CodeExecutions, how: WalkOptions) -> None:
        self.functions = functions
        self.executions = executions
        self.how = how
        self.walk = Walk(executions, how)

    def run(self) -> CodeExplored:
        """The result."""
        with silent():
            return self._searched()

    def _searched(self) -> CodeExplored:
        try:
            tally, ended_by = self.walk.run()
            strategy = " and ".join(self.walk.strategies) or self.how.strategy or "dpor"
            first = in_order(tally.findings.values())[:1]
            findings = tuple(self._told(found) for found in first)
            # how many were walked beyond the first finding depends on the machine
            schedules = first[0].schedule + 1 if first else tally.schedules
            distinct = min(schedules, self.executions.distinct)
        finally:
            self.executions.close()
        return CodeExplored(
            self._verdict(findings, ended_by), strategy, self.how.seed, schedules, distinct, findings,
            ended_by is None, ended_by, time.perf_counter() - self.walk.began, tuple(sorted(self.executions.loader.uncontrolled)),
            self.executions.named_unaccounted(), tuple(self._notes(tally, findings, ended_by is None)),
        )  # fmt: skip

    def _verdict(self, findings: Sequence[CodeFinding], ended_by: str | None) -> str:
        if findings:
            return findings[0].kind
        executions = self.executions
        is_whole = ended_by is None and not self.walk.cut_off
        return "holds" if is_whole and not executions.unaccounted and not executions.left_behind else "incomplete"

    def _looks_odd(self, findings: Sequence[CodeFinding]) -> bool:
        """Whether something came that seldom comes where all is well."""
        return bool(self.executions.left_behind or self.walk.broke_off) or not all(
            one.is_reproduced for one in findings
        )

    def _notes(self, tally: Tally, findings: Sequence[CodeFinding], is_closed: bool) -> list[str]:
        out: list[str] = []
        if not findings and is_closed:
            out.append(extent_of(self.executions))
        if tally.cut_off:
            schedules = f"{tally.cut_off:,} schedule{'s' * (tally.cut_off != 1)}"
            out.append(f"{schedules} had not ended after {self.how.max_steps:,} steps: cut off there")
        if self.executions.left_behind:
            out.append(f"threads that would not end: {', '.join(self.executions.left_behind)}")
        if self._looks_odd(findings):
            out.append(ODD)
        return out

    # --- telling

    def _told(self, found: Found) -> CodeFinding:
        """A finding with its shortest schedule, and the places of its steps."""
        self.executions.settle(found.transitions)
        transitions = shortened(self.executions, found.transitions, found.about)
        schedule = tuple(map(choice_of, transitions))
        self.executions.records = True
        shows = self._shows(schedule, found.about)
        told = finding_of(self.executions, found.about, is_shown=shows)
        self.executions.records = False
        told = replace(told, schedule=schedule, found_with=len(found.transitions), code=self._of_code())
        return replace(told, with_gil=self._with_gil(told, found.about)) if shows else told

    def _with_gil(self, told: CodeFinding, about: FindingKey) -> str:
        """Whether a finding comes with the GIL, in words."""
        if self.executions.loader.with_gil or told.code is None:
            return ""
        self.executions.close()
        there = self.functions.executions(told.code.trace, self.how.seed, with_gil=True)
        return with_gil(there, told.moves, told.code.marks, about)

    def _of_code(self) -> OfCode:
        executions = self.executions
        return OfCode(executions.named_marks(), self.functions.as_dict(), tuple(sorted(executions.loader.traced)))

    def _shows(self, schedule: tuple[int, ...], about: FindingKey) -> bool:
        """Whether a schedule, made from the beginning, shows a finding."""
        self.executions.close()
        try:
            state = self.executions.state_of(schedule)
            return about in (*self.executions.end(state).findings, *self.executions.lasting(state))
        except (Different, Uncontrolled):
            return False
