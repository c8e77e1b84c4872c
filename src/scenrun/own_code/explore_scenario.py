"""Searches the schedules of a scenario: by its model, or, where its threads use objects of the author's, with their code."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from scenrun.errors import UsageError
from scenrun.model.moves import Move
from scenrun.model.state import ENDED
from scenrun.own_code.control import Uncontrolled
from scenrun.own_code.executions import Different, choice_of
from scenrun.own_code.explore_code import MAX_STEPS, extent_of
from scenrun.own_code.loader import Loader, is_of_python
from scenrun.own_code.result import CodeStep
from scenrun.own_code.scenario_executions import ScenarioExecutions
from scenrun.own_code.shorten_code import shortened
from scenrun.own_code.steps import Controlled, Moved
from scenrun.own_code.walk import Walk, WalkOptions
from scenrun.program.expectations import missing_outcomes
from scenrun.program.findings import Stuck
from scenrun.program.ir import Program
from scenrun.program.loaded import Loaded
from scenrun.search.any_number import explore_loaded
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.trace import Trace, TraceStep, step_between, where_at
from scenrun.search.options import STATELESS, STATES, SearchOptions
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.lock_holders import Holders
from scenrun.search.record import Counterexample, is_expected
from scenrun.search.result import Explored
from scenrun.search.strategies.campaign import SCHEDULES
from scenrun.search.strategies.results import Found, Tally, in_order

SHOWN = 3
"""Findings that are shortened and told."""
NO_RACES = (
    "whether there are data races is not judged for a scenario with `objects`; accesses of code that race are steps"
)


def explore_any(loaded: Loaded, seed: int | None = None, how: SearchOptions | None = None) -> Explored:
    """Search the schedules of a scenario, with the code of its `objects` if it has some."""
    if not loaded.program.objects:
        return explore_loaded(loaded, seed, how)
    how = how or SearchOptions()
    _refuse(how)
    if loaded.program.any_number:
        given = " ".join(f"--set threads.{one}.count=3" for one in loaded.program.any_number)
        names = " and ".join(loaded.program.any_number)
        raise UsageError(f"`count: any` of {names} is proved of a model alone, not of `objects`; say how many: {given}")
    return _Exploring(loaded.program, loaded.program.seed if seed is None else seed, how).run()


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


class _Exploring:
    """One search of a scenario with its code."""

    def __init__(self, program: Program, seed: int, how: SearchOptions) -> None:
        self.program = program
        self.how = how
        self.seed = seed
        names = [one.python for one in program.objects]
        names += [str(i.option("function")) for code in program.codes for i in code.instructions if i.op == "call"]
        tops = {name.partition(":")[0].partition(".")[0] for name in names if ":" in name}
        self.executions = ScenarioExecutions(program, seed, Loader(top for top in tops if not is_of_python(top)))
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
        try:
            state = self.executions.state_of(tuple(map(choice_of, transitions)))
            shown = (*self.executions.end(state).findings, *self.executions.lasting(state))
            story = _Story(self.executions).trace()
        except (Different, Uncontrolled) as error:
            story = Trace((), (), self.executions.model.machine.initial(), ())
            return self._counterexample(found, f"{found.about.about}: not shown again, as {error}", story)
        finally:
            self.executions.records = False
        said = (
            self._sentence(found.about, story) if found.about in shown else "the same schedule does not show it again"
        )
        return self._counterexample(found, said, story)

    def _counterexample(self, found: Found, said: str, story: Trace) -> Counterexample:
        switches = sum(1 for _ in groupby(step.thread for step in story.steps)) - 1 if story.steps else 0
        return Counterexample(
            about=found.about, sentence=said, story=story, moves=(), switches=max(0, switches), found_with=len(story.steps),
            schedule=found.schedule,
        )  # fmt: skip

    def _sentence(self, about: FindingKey, story: Trace) -> str:
        fault = self.executions.fault_of(about.about)
        if fault is not None:
            return fault
        waiting = [one for one in story.waiting if one.operation is None and one.object is not None]
        if about.kind == "deadlock" and waiting:
            return "; ".join(f"{one.thread} waits to {one.object}" for one in waiting)
        return sentence(self.executions.model.machine, about, story)


class _Story:
    """The steps of the present execution: of the model as they are told elsewhere, of code by lines of its source."""

    def __init__(self, executions: ScenarioExecutions) -> None:
        self.execution = executions.present
        self.running = executions.running
        self.machine = executions.model.machine
        self.holders = Holders(self.machine)

    def trace(self) -> Trace:
        """The whole of it."""
        steps = tuple(self._steps())
        state = self.running.state
        waiting = [self._waiting(one) for one in self.execution.threads if one.next is not None]
        return Trace(steps, tuple(waiting), state, tuple(one.name for one in self.execution.threads))

    def _steps(self) -> Iterator[TraceStep]:
        at, number = 0, 1
        moved = self.execution.moved
        while at < len(moved):
            made = self.running.made.get(at)
            if made is not None:
                before, transition, after = made
                yield step_between(self.machine, number, before, transition, after)
                self.holders.follow(before, transition, after)
                at += 1
            else:
                some = self._of_one_line(moved, at)
                yield self._code_step(number, some, at)
                at += len(some)
            number += 1

    def _of_one_line(self, moved: Sequence[Moved], at: int) -> list[Moved]:
        """The steps of code that a thread makes one after another in one line."""
        first, end = moved[at], at + 1
        while end < len(moved) and end not in self.running.made and moved[end][::3] == first[::3]:
            end += 1
        return list(moved[at:end])

    def _code_step(self, number: int, some: Sequence[Moved], at: int) -> TraceStep:
        first = some[0]
        name, place = self.execution.threads[first.thread].name, first.place
        texts = tuple(dict.fromkeys(one.step.text for one in some))
        told = CodeStep(
            name, texts, None if place is None else place.file, None if place is None else place.line,
            any(one.is_late for one in some),
        )  # fmt: skip
        line, step = self._call_of(first.thread, at)
        where = "" if place is None else f"  ({place.file.rpartition('/')[2]}:{place.line})"
        return TraceStep(number, name, f"{told}{where}", None, None, line, step, Move(name, "call", step))

    def _call_of(self, thread: int, at: int) -> tuple[int | None, str]:
        """The line of the scenario, and the step, of the call in which a thread made a step."""
        number = self.running.controlled.get(thread)
        for call in self.running.called if number is not None else ():
            if call.has(number or 0, at):
                return call.instruction.line or None, call.instruction.step
        return None, ""

    def _waiting(self, one: Controlled) -> Stuck:
        number = self.running.controlled.get(one.number)
        assert one.next is not None
        if number is not None and self.running.state.threads[number].pc != ENDED:
            instruction = self.machine.instruction_of(self.running.state.threads[number])
            if instruction is None or instruction.op != "call":
                return where_at(self.machine, self.running.state, number, self.holders)
        line, step = self._call_of(one.number, len(self.execution.moved))
        place = self.execution.place_of(one)
        where = "" if place is None else f" ({place.file.rpartition('/')[2]}:{place.line})"
        about: Any = f"{one.next.text}{where}"
        return Stuck(one.name, "running" if one.is_enabled else "blocked", None, about, line=line, step=step or None)
