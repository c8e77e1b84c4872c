"""Searches the schedules of a scenario: by its model, or, where its threads use objects of the author's, with their code."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from scenrun.errors import UsageError
from scenrun.own_code.hooking.loader import Loader, is_of_python
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.executions import choice_of
from scenrun.own_code.searching.explore_code import GIL, MAX_STEPS, check_build, extent_of
from scenrun.own_code.searching.output import silent
from scenrun.own_code.searching.scenario_executions import ScenarioExecutions, python_names
from scenrun.own_code.searching.shorten_code import shortened
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.own_code.searching.with_gil import with_gil
from scenrun.own_code.telling.story import counterexample_of, how_long
from scenrun.program.expectations import missing_outcomes
from scenrun.program.ir import Program
from scenrun.program.loaded import Loaded
from scenrun.search.any_number import explore_loaded
from scenrun.search.counterexample.trace import Trace
from scenrun.search.options import STATELESS, STATES, SearchOptions
from scenrun.search.record import Counterexample, is_expected
from scenrun.search.result import Explored
from scenrun.search.strategies.campaign import SCHEDULES
from scenrun.search.strategies.results import Found, Tally, in_order

SHOWN = 3
"""Findings that are shortened and told."""
NO_RACES = (
    "whether there are data races is not judged for a scenario with `objects`; accesses of code that race are steps"
)


@dataclass(frozen=True, slots=True)
class CodeOptions:
    """Options of the search of code."""

    trace: tuple[str, ...] = ()
    """Top-level modules that are compiled with hooks beside those that the scenario names."""
    build: str | None = None
    """As for `explore_code`."""


def explore_any(
    loaded: Loaded, seed: int | None = None, how: SearchOptions | None = None, code: CodeOptions = CodeOptions()
) -> Explored:
    """Search the schedules of a scenario, with the code of its `objects` if it has some."""
    if not loaded.program.objects:
        if code != CodeOptions():
            raise UsageError(
                f"trace and build are for scenarios with `objects`, whose code is searched; {loaded.name} has none"
            )
        return explore_loaded(loaded, seed, how)
    how = how or SearchOptions()
    _refuse(how)
    check_build(code.build, how.strategy)
    if loaded.program.any_number:
        given = " ".join(f"--set threads.{one}.count=3" for one in loaded.program.any_number)
        names = " and ".join(loaded.program.any_number)
        raise UsageError(f"`count: any` of {names} is proved of a model alone, not of `objects`; say how many: {given}")
    return _Exploring(loaded.program, loaded.program.seed if seed is None else seed, how, code).run()


def searched_places(
    loaded: Loaded, seed: int | None, how: SearchOptions, code: CodeOptions, places: dict[tuple[str, int], str],
    off: frozenset[tuple[str, int]] = frozenset(),
) -> Explored:  # fmt: skip
    """Search a scenario with its code, with some locks that do nothing.

    - places: takes where locks are made in code that was searched, by file and line, each with its kind.
    - off: where the locks are made that do nothing.
    """
    _refuse(how)
    exploring = _Exploring(loaded.program, loaded.program.seed if seed is None else seed, how, code)
    exploring.executions.locks_off = off
    found = exploring.run()
    files = exploring.executions.loader.files
    places.update({place: kind for place, kind in exploring.executions.locks_made.items() if place[0] in files})
    return found


def _refuse(how: SearchOptions) -> None:
    """Raises UsageError for options that have no effect where code is searched."""
    if how.strategy == STATES:
        raise UsageError(
            f"the states of `objects` are not known; strategies for them are {', '.join(STATELESS)} (dpor, if none is given)"
        )
    given = {
        "virtual time": how.is_timed, "a count of all schedules": how.count, "reduction": how.reduction != "auto",
        "several jobs": how.jobs > 1, "a cluster": how.make_executor is not None, "races": how.races,
    }  # fmt: skip
    for name, is_given in given.items():
        if is_given:
            raise UsageError(f"{name} is not for scenarios with `objects`: their schedules are walked one by one")


def executions_of(
    program: Program, seed: int, trace: Iterable[str] = (), *, with_gil: bool = False
) -> ScenarioExecutions:
    """The executions of a scenario, with hooks in the modules that it names, and in those of `trace`.

    with_gil: whether threads are changed only where a Python with the GIL may do so.
    """
    tops = {name.partition(":")[0].partition(".")[0] for name in python_names(program)}
    own = [top for top in tops if not is_of_python(top)]
    return ScenarioExecutions(program, seed, Loader([*own, *trace], with_gil=with_gil))


class _Exploring:
    """One search of a scenario with its code."""

    def __init__(self, program: Program, seed: int, how: SearchOptions, code: CodeOptions) -> None:
        self.program = program
        self.how = how
        self.seed = seed
        self.executions = executions_of(program, seed, code.trace, with_gil=code.build == GIL)
        schedules, seconds = how.schedules, how.limits.seconds
        if schedules is None and seconds is None:
            schedules = SCHEDULES
        self.walk = Walk(
            self.executions,
            WalkOptions(
                how.strategy, seed, schedules, seconds, how.depth, how.bound, MAX_STEPS, how.first,
                lambda: how.look(None),
            ),
        )  # fmt: skip

    def run(self) -> Explored:
        """The result."""
        with silent():
            return self._searched()

    def _searched(self) -> Explored:
        program, how = self.program, self.how
        try:
            tally, ended_by = self.walk.run()
            found = in_order(tally.findings.values())
            told = tuple(self._told(one) for one in found[:SHOWN])
        finally:
            self.executions.close()
        bound = ended_by or self._kept_from_holds()
        missing = missing_outcomes(program.expectations, tally.outcomes.values()) if bound is None else []
        kinds = Counter(one.about.kind for one in found)
        kinds.update(["violated"] * len(missing))
        expected = program.expectations.verdict("explore")
        strategy = " and ".join(self.walk.strategies) or how.strategy or "dpor"
        verdict = next(iter(kinds), "holds" if bound is None else "incomplete")
        return Explored(
            scenario=program.name, digest=program.digest, seed=self.seed, verdict=verdict, expected=expected,
            ok=is_expected(set(kinds), expected, bound is None, is_first=self.how.first), kinds=tuple(kinds),
            time_mode="free", strategy=strategy, closed=bound is None, bound=bound,
            seconds=time.perf_counter() - self.walk.began, counterexamples=told, found=dict(kinds),
            outcomes=tuple(tally.outcomes.values()), missing=tuple(missing), schedules=tally.schedules,
            schedules_to_first=found[0].schedule + 1 if found else None, notes=tuple(self._notes(tally, ended_by)),
            file=program.source.name, overrides=dict(program.overrides),
        )  # fmt: skip

    def _kept_from_holds(self) -> str | None:
        """What keeps a walk of all schedules from a proof, in a few words."""
        if self.walk.cut_off:
            return f"schedules that were cut off after {MAX_STEPS:,} steps"
        if self.executions.left_behind:
            return "threads that would not end"
        if self.program.expectations.race_never:
            return "race: never"
        return "what is not announced" if self.executions.unaccounted else None

    def _notes(self, tally: Tally, ended_by: str | None) -> Iterator[str]:
        if ended_by is None:
            yield extent_of(self.executions)
        if tally.cut_off:
            yield f"{tally.cut_off:,} of the schedules had not ended after {MAX_STEPS:,} steps: cut off there"
        if self.executions.left_behind:
            yield f"threads that would not end: {', '.join(self.executions.left_behind)}"
        if self.program.expectations.race_never:
            yield NO_RACES

    # --- telling

    def _told(self, found: Found) -> Counterexample:
        """A finding with a short schedule that shows it, and the story of its steps."""
        self.executions.settle(found.transitions)
        whole = found.transitions
        transitions = shortened(self.executions, whole, found.about) if self.how.shorten else whole
        self.executions.close()
        self.executions.records = True
        length = 0
        try:
            if transitions is not whole:
                length = how_long(self.executions, tuple(map(choice_of, whole)))
            state = self.executions.state_of(tuple(map(choice_of, transitions)))
            shown = (*self.executions.end(state).findings, *self.executions.lasting(state))
            told = counterexample_of(self.executions, found.about, is_shown=found.about in shown)
        except (Different, Uncontrolled) as error:
            story = Trace((), (), self.executions.model.machine.initial(), ())
            told = Counterexample(found.about, f"{found.about.about}: not shown again, as {error}", story, (), 0, 0)
        finally:
            self.executions.records = False
        told = replace(told, schedule=found.schedule, found_with=length or told.found_with)
        return replace(told, with_gil=self._with_gil(told)) if told.moves else told

    def _with_gil(self, told: Counterexample) -> str:
        """Whether a finding comes with the GIL, in words."""
        if self.executions.loader.with_gil or told.code is None:
            return ""
        self.executions.close()
        there = executions_of(self.program, self.seed, told.code.trace, with_gil=True)
        there.locks_off = self.executions.locks_off
        return with_gil(there, told.moves, told.code.marks, told.about)
