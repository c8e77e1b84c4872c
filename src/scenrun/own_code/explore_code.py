"""`explore_code`: searches the schedules of Python functions that run as threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import groupby
from typing import Any

from scenrun.errors import UsageError
from scenrun.language.time_limit import time_limit_ns
from scenrun.own_code import control
from scenrun.own_code.control import Uncontrolled
from scenrun.own_code.executions import CHECK, Body, Build, CodeExecutions, Different, choice_of
from scenrun.own_code.loader import Loader, World, named
from scenrun.own_code.result import CodeExplored, CodeFinding, CodeStep
from scenrun.own_code.shorten_code import shortened
from scenrun.own_code.steps import Moved, Place
from scenrun.own_code.walk import Walk, WalkOptions
from scenrun.search.options import DEPTH, STATELESS, STATES, SearchRequest
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.strategies.campaign import SCHEDULES
from scenrun.search.strategies.results import Found, Tally, in_order

MAX_STEPS = 5_000
"""Steps after which a schedule is cut off."""
NOT_ANNOUNCED = "`holds` cannot be said, as it is not known what these do to shared objects: "
ATOMIC = (
    "taken to be one step each, as they are with the GIL: methods of lists, dictionaries, sets, deques and bytearrays, patterns "
    "of `match`, and what functions in C do to one of these; time is free: a sleep or a time-out may take any time"
)
MOST_NAMED = 5
"""The most things that are not announced that a note names."""
Function = Callable[..., Any] | str


def explore_code(
    setup: Function, threads: Sequence[Function] | Mapping[str, Function], check: Function | None = None, *,
    strategy: str | None = None, seed: int = 0, schedules: int | None = None, time_limit: str | float | None = None,
    depth: int | None = None, bound: int | None = None, trace: Iterable[str] = (), max_steps: int = MAX_STEPS,
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

    A function is given itself, or as the text `package.module:name`. Raises UsageError where one cannot be found, or where an
    argument is wrong.
    """
    limit = time_limit_ns(time_limit)
    SearchRequest(
        strategy=strategy or "dpor", schedules=schedules, depth=depth, bound=bound, time_limit_ns=limit
    ).check()
    if strategy == STATES:
        raise UsageError(f"the states of code are not known; strategies are {', '.join(STATELESS)}")
    if max_steps < 1:
        raise UsageError(f"max_steps is at least 1, not {max_steps}")
    if control.current is not None:
        raise UsageError('this is searched already: put the call of `explore_code` under `if __name__ == "__main__":`')
    if schedules is None and limit is None:
        schedules = SCHEDULES
    build, modules = _build_of(setup, threads, check)
    executions = CodeExecutions(Loader([*([trace] if isinstance(trace, str) else trace), *modules]), build)
    how = WalkOptions(
        strategy, seed, schedules, None if limit is None else limit / 1e9, depth or DEPTH, bound, max_steps
    )
    return _Search(executions, how).run()


def extent_of(executions: CodeExecutions) -> str:
    """What keeps a search of all orders from `holds`, or what was taken to be one step."""
    named = executions.named_unaccounted()
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{NOT_ANNOUNCED}{', '.join(named[:MOST_NAMED])}{more}" if named else ATOMIC


# --- functions


def _build_of(
    setup: Function, threads: Sequence[Function] | Mapping[str, Function], check: Function | None
) -> tuple[Build, list[str]]:
    """What makes the threads of one execution, and the top-level modules of the functions."""
    if not isinstance(threads, Mapping | Sequence) or isinstance(threads, str):
        raise UsageError("`threads` is a list of functions, or a mapping of names to functions")
    pairs = (
        list(threads.items()) if isinstance(threads, Mapping) else [(_name(at), one) for at, one in enumerate(threads)]
    )
    if not pairs:
        raise UsageError("`threads` is empty: give the functions that run at the same time")
    first, last = _place("setup", setup), None if check is None else _place(CHECK, check)
    places = [(name, _place(name, one)) for name, one in pairs]

    def build(world: World) -> Body:
        bodies = [(name, _found(world, *place)) for name, place in places]
        return Body(_found(world, *first), bodies, None if last is None else _found(world, *last))

    every = [first, *(place for _, place in places), *([] if last is None else [last])]
    return build, sorted({module.partition(".")[0] for module, _ in every})


def _name(at: int) -> str:
    return chr(ord("a") + at) if at < 26 else f"t{at}"


def _place(which: str, function: Function) -> tuple[str, str]:
    """The module and the name of a function."""
    if not isinstance(function, str) and not callable(function):
        raise UsageError(f"`{which}` is a function, or `package.module:name`, not {type(function).__name__}")
    module, name = named(function)
    if not module or not name or "<" in name:
        raise UsageError(
            f"`{which}` is `{name or function}`, which has no name in a module: modules are compiled anew with hooks, and "
            "functions are looked up there by their names. Give a function at the top of a module, or `package.module:name`"
        )
    return module, name


def _found(world: World, module: str, name: str) -> Any:
    try:
        return reduce(getattr, name.split("."), world.load(module))
    except (UsageError, Uncontrolled):
        raise
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UsageError(f"`{module}:{name}` cannot be found: {error}") from None
    except Exception as error:
        raise UsageError(f"`{module}` cannot be loaded: {type(error).__name__}: {error}") from error


# --- the search


class _Search:
    """One search."""

    def __init__(self, executions: CodeExecutions, how: WalkOptions) -> None:
        self.executions = executions
        self.how = how
        self.walk = Walk(executions, how)

    def run(self) -> CodeExplored:
        """The result."""
        try:
            tally, ended_by = self.walk.run()
            strategy = " and ".join(self.walk.strategies) or self.how.strategy or "dpor"
            first = in_order(tally.findings.values())[:1]
            findings = tuple(self._told(found) for found in first)
            # how many were walked beyond the first finding depends on the machine
            schedules = first[0].schedule + 1 if first else tally.schedules
        finally:
            self.executions.close()
        return CodeExplored(
            self._verdict(findings, ended_by), strategy, self.how.seed, schedules, findings,
            ended_by is None, ended_by, time.perf_counter() - self.walk.began, tuple(sorted(self.executions.loader.uncontrolled)),
            self.executions.named_unaccounted(), tuple(self._notes(tally, bool(findings), ended_by is None)),
        )  # fmt: skip

    def _verdict(self, findings: Sequence[CodeFinding], ended_by: str | None) -> str:
        if findings:
            return findings[0].kind
        executions = self.executions
        is_whole = ended_by is None and not self.walk.cut_off
        return "holds" if is_whole and not executions.unaccounted and not executions.left_behind else "incomplete"

    def _notes(self, tally: Tally, is_found: bool, is_closed: bool) -> list[str]:
        out: list[str] = []
        if not is_found and is_closed:
            out.append(extent_of(self.executions))
        if tally.cut_off:
            schedules = f"{tally.cut_off:,} schedule{'s' * (tally.cut_off != 1)}"
            out.append(f"{schedules} had not ended after {self.how.max_steps:,} steps: cut off there")
        if self.executions.left_behind:
            out.append(f"threads that would not end: {', '.join(self.executions.left_behind)}")
        return out

    # --- telling

    def _told(self, found: Found) -> CodeFinding:
        """A finding with its shortest schedule, and the places of its steps."""
        self.executions.settle(found.transitions)
        transitions = shortened(self.executions, found.transitions, found.about)
        schedule = tuple(map(choice_of, transitions))
        self.executions.records = True
        shows = self._shows(schedule, found.about)
        message = self._message(found.about) if shows else "the schedule that showed it does not show it again"
        steps = tuple(self._steps(self.executions.present.moved))
        self.executions.records = False
        return CodeFinding(found.about.kind, found.about.about, message, steps, schedule, len(found.transitions), shows)

    def _shows(self, schedule: tuple[int, ...], about: FindingKey) -> bool:
        """Whether a schedule, made from the beginning, shows a finding."""
        self.executions.close()
        try:
            state = self.executions.state_of(schedule)
            return about in (*self.executions.end(state).findings, *self.executions.lasting(state))
        except (Different, Uncontrolled):
            return False

    def _message(self, about: FindingKey) -> str:
        execution = self.executions.present
        if about.about == CHECK:
            return f"the check does not hold: {self.executions.complaint()}"
        fault = self.executions.fault_of(about.about)
        if fault is not None:
            return fault
        waiting = [one for one in execution.threads if one.is_needed]
        told = [
            f"{one.name} waits to {one.next.text}{_at(execution.place_of(one))}"
            for one in waiting
            if one.next is not None
        ]
        return "; ".join(told)

    def _steps(self, moved: Sequence[Moved]) -> Iterable[CodeStep]:
        """The steps, those of a thread in one line together."""
        names = [one.name for one in self.executions.present.threads]
        for (thread, place), some in groupby(moved, lambda one: (one.thread, one.place)):
            made = list(some)
            texts = tuple(dict.fromkeys(one.step.text for one in made))
            file, line = (None, None) if place is None else (place.file, place.line)
            yield CodeStep(names[thread], texts, file, line, any(one.is_late for one in made))


def _at(place: Place | None) -> str:
    return "" if place is None else f" (line {place.line}, {place.function})"
