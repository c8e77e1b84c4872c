"""Tells the present execution of a scenario with its code: steps of the model, lines of code, and who waits at the end."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import structs

from scenrun.model.machine import Transition
from scenrun.model.move_schedule import OfCode
from scenrun.model.moves import Move
from scenrun.model.state import ENDED
from scenrun.own_code.running.steps import Controlled, Moved
from scenrun.own_code.searching.scenario_executions import ScenarioExecutions
from scenrun.own_code.telling.conflicts import switches_in
from scenrun.own_code.telling.result import CodeStep
from scenrun.own_code.telling.unexplained import bars_of, sentence_of
from scenrun.program.findings import LINEARIZABLE, Stuck
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.operation_bars import Bar
from scenrun.search.counterexample.trace import Trace, TraceStep, step_between
from scenrun.search.counterexample.waits import where_at
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.lock_holders import Holders
from scenrun.search.record import Counterexample


def counterexample_of(executions: ScenarioExecutions, about: FindingKey, *, is_shown: bool) -> Counterexample:
    """The present execution, whose places were recorded, as one that was to show a finding."""
    story = Story(executions).trace()
    bars = _bars(executions, about)  # what tells of calls that no order explains runs other executions
    said = _sentence(executions, about, story) if is_shown else "the same schedule does not show it again"
    switches = sum(1 for _ in groupby(step.thread for step in story.steps)) - 1 if story.steps else 0
    return Counterexample(
        about=about, sentence=said, story=story, moves=tuple(executions.moves_made), switches=max(0, switches),
        found_with=len(story.steps), of_code=bars,
        code=OfCode(executions.named_marks(), trace=tuple(sorted(executions.loader.traced))),
    )  # fmt: skip


def _bars(executions: ScenarioExecutions, about: FindingKey) -> tuple[Bar, ...]:
    """The calls on an object, if it is about these."""
    if not about.about.startswith(f"{LINEARIZABLE}: "):
        return ()
    name = about.about.removeprefix(f"{LINEARIZABLE}: ")
    return bars_of(executions.running.calls.recorders[name].history(), name)


def how_long(executions: ScenarioExecutions, schedule: tuple[int, ...]) -> int:
    """In how many steps a schedule is told; places must be recorded."""
    executions.lasting(executions.state_of(schedule))
    return len(Story(executions).trace().steps)


def _sentence(executions: ScenarioExecutions, about: FindingKey, story: Trace) -> str:
    if about.about.startswith(f"{LINEARIZABLE}: "):
        name = about.about.removeprefix(f"{LINEARIZABLE}: ")
        return sentence_of(executions.running.calls.recorders[name].history(), executions.alone(name), name)
    fault = executions.fault_of(about.about)
    if fault is not None:
        return fault
    waiting = [one for one in story.waiting if one.operation is None and one.object is not None]
    if about.kind == "deadlock" and waiting:
        return "; ".join(f"{one.thread} waits to {one.object}" for one in waiting)
    return sentence(executions.model.machine, about, story)


class Story:
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
        switches = switches_in(moved, [one.name for one in self.execution.threads])
        while at < len(moved):
            made = self.running.made.get(at)
            if made is not None:
                before, transition, after = made
                step = step_between(self.machine, number, before, transition, after)
                yield structs.replace(step, switched=switches.get(at))
                self.holders.follow(before, transition, after)
                at += 1
            else:
                some = self._of_one_line(moved, at)
                yield structs.replace(self._code_step(number, some, at), switched=switches.get(at))
                at += len(some)
            number += 1

    def _of_one_line(self, moved: Sequence[Moved], at: int) -> list[Moved]:
        """The steps of code that a thread makes one after another in one line."""
        first, end = moved[at], at + 1
        while end < len(moved) and end not in self.running.made and moved[end].where == first.where:
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

    def next_step(self, number: int, thread: int, alternative: int) -> TraceStep:
        """The next step of a controlled thread. number: its position, from 1; alternative: the way in which it is made."""
        one = self.execution.threads[thread]
        assert one.next is not None
        of_model = self.running.controlled.get(thread)
        late = not one.next.is_ready()
        if of_model is not None and not self.running.is_in_call(of_model):
            transition = Transition(of_model, late, alternative)
            after = self.machine.step(self.running.state, transition)
            assert after is not None
            return step_between(self.machine, number, self.running.state, transition, after)
        return self._code_step(
            number, [Moved(thread, one.next, late, self.execution.place_of(one))], len(self.execution.moved)
        )

    def waiting(self, able: Container[int]) -> list[Stuck]:
        """Those that have not ended and are not among the threads that can move, and what they wait for."""
        for _ in self._steps():  # follows who holds which lock
            pass
        return [self._waiting(one) for one in self.execution.threads if one.next is not None and one.number not in able]

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
