"""A scenario whose threads call Python: its own steps are the model's, and its calls run as code whose accesses are announced.

Each thread of the scenario is a controlled thread. It announces its next step of the model, and makes it once it is chosen; where
it comes to a `call`, it makes that, with all the steps that there are in it.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from msgspec import structs

from scenrun.errors import UsageError
from scenrun.model.machine import FREE, Machine, Transition, outcome_of_call
from scenrun.model.moves import Move, move_of
from scenrun.model.own_instructions import NonTerminatingStep
from scenrun.model.state import ENDED, State, Thread
from scenrun.own_code.histories.operations import Operation, looked_at
from scenrun.own_code.histories.recorder import Recorder
from scenrun.own_code.hooking import calls as hooked_calls
from scenrun.own_code.hooking.loader import Loader, World
from scenrun.own_code.hooking.sites import Site, number_of
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import NotControlled, Uncontrolled, Unwound
from scenrun.own_code.running.steps import Controlled, Step
from scenrun.own_code.searching.alone import Alone
from scenrun.own_code.searching.body import Body
from scenrun.own_code.searching.call_executions import CallExecutions, CallProgram
from scenrun.own_code.searching.executions import CodeExecutions, is_sure, stuck_kind
from scenrun.own_code.searching.modules import module_in
from scenrun.program.findings import LINEARIZABLE, kind_of_fault
from scenrun.program.ir import Instruction, Program
from scenrun.program.user_python import Calls, made_object
from scenrun.search.properties.end_states import EndState, FindingKey, end_state_of, stuck_names
from scenrun.search.properties.linearizability import explanation
from scenrun.search.reduction.may_access import MayAccesses
from scenrun.search.space.footprint import Touches
from scenrun.search.space.plain_search import faults_in

PASSING = (Unwound, Uncontrolled, NotControlled, RecursionError)
"""Exceptions that a call lets through: they are about the search, not about the code."""


def python_names(program: Program) -> set[str]:
    """What a scenario names of modules: `package.module:name`."""
    names = {one.python for one in program.objects}
    names |= {one.spec for one in program.expectations.linearizable if one.spec is not None}
    names |= {str(i.option("function")) for code in program.codes for i in code.instructions if i.op == "call"}
    return {name for name in names if ":" in name}


class Model:
    """The model of a scenario, for all executions."""

    def __init__(self, program: Program, seed: int) -> None:
        self.program = program
        program.refuse_clock("a search of code; code that reads `time.monotonic` is given a moment")
        if program.expectations.reach:
            raise UsageError("`reach` is for models: a search of code shows no state between two of its steps")
        if program.interrupts:
            raise UsageError(
                "`interrupts` are for models: a search of code calls the code, and nothing else, in its threads"
            )
        if program.expectations.liveness:
            what = program.expectations.liveness[0].what
            raise UsageError(f"`{what}` is for models: a search of code knows no state to come back to")
        self.machine = Machine(program, seed, folded=FREE, calls_outside=True)
        self.touches = MayAccesses(self.machine, Touches(self.machine))
        members = [group.member(at) for group in program.groups for at in range(group.count or 1)]
        self.names = ("main", *members)
        """The threads that the file declares."""
        self.changing: set[Hashable] = set()
        """The operations that return what may change afterwards: of these results, only the type is compared."""
        self._effects: dict[tuple[Any, ...], tuple[tuple[int, bool], ...]] = {}
        self._sites: dict[tuple[int, str], int] = {}

    def touched(self, thread: Thread) -> tuple[tuple[int, bool], ...]:
        """What a thread's next step touches: each bit of its footprint, with whether the step changes it."""
        place = thread.who.name, thread.pc, thread.phase, thread.slots
        found = self._effects.get(place)
        if found is None:
            effects = self.touches.of(thread).next
            both = effects.reads | effects.writes
            bits = [bit for bit in range(both.bit_length()) if both >> bit & 1]
            found = self._effects[place] = tuple([(bit, bool(effects.writes >> bit & 1)) for bit in bits])
        return found

    def site_of(self, instruction: Instruction) -> int:
        """The site of a `call` step."""
        place = instruction.line, instruction.step
        if place not in self._sites:
            about = Site(self.program.source.name, instruction.line, instruction.step, "call")
            self._sites[place] = number_of(about)
        return self._sites[place]


class HookedCalls(Calls):
    """The author's Python in one execution: modules compiled with hooks, objects of its own."""

    def __init__(self, model: Model, world: World) -> None:
        super().__init__(model.program, partial(module_in, world), PASSING)
        self.site = 0
        """The site of the call that is made."""
        assert control.current is not None
        recorded = [one.object for one in model.program.expectations.linearizable]
        self.recorders = {name: Recorder(control.current, model.names, model.changing) for name in recorded}
        """What is called on the objects of which that is expected to be explained by an order."""

    def _function(self, name: str) -> Any:
        found = hooked_calls.function(super()._function(name), self.site)
        label, _, method = name.partition(".")
        return found if label not in self.recorders else self._recorded(self.recorders[label], label, method, found)

    def _recorded(self, recorder: Recorder, label: str, method: str, function: Any) -> Any:
        """The method, whose call is recorded, with what it came to."""

        def call(*arguments: Any, **by_name: Any) -> Any:
            operation = Operation.of(method, arguments, by_name)
            number = recorder.began(operation, operation.written(label))
            try:
                result = looked_at(function(*arguments, **by_name), self.site)
            except PASSING:
                raise
            except Exception as error:
                recorder.raised(number, error)
                raise
            recorder.returned(number, result)
            return result

        return call


class Made(NamedTuple):
    """A step of the model that was made."""

    before: State
    transition: Transition
    after: State


@dataclass(slots=True)
class Called:
    """A call that a thread of the scenario made."""

    number: int
    """The thread, in the model."""
    instruction: Instruction
    since: int
    """The number of steps before it."""
    until: int | None = None
    """The number of steps when it came back; None while it lasts."""

    def has(self, number: int, at: int) -> bool:
        """Whether a step is a thread's, in this call."""
        return number == self.number and self.since <= at and (self.until is None or at < self.until)


class Running:
    """The scenario in one execution."""

    def __init__(self, model: Model, world: World) -> None:
        self.model = model
        self.machine = model.machine
        self.state = model.machine.initial()
        self.calls = HookedCalls(model, world)
        assert control.current is not None
        self.execution = control.current
        self.made: dict[int, Made] = {}
        """The steps of the model, by their position among all steps."""
        self.called: list[Called] = []
        self.controlled: dict[int, int] = {}
        """For each controlled thread that is one of the scenario's, its number in the model."""

    def is_in_call(self, number: int) -> bool:
        """Whether a thread of the scenario makes steps of code."""
        thread = self.state.threads[number]
        instruction = self.machine.instruction_of(thread) if thread.pc >= 0 else None
        return instruction is not None and instruction.op == "call"

    def run(self, number: int) -> None:
        """What a thread of the scenario does."""
        found = control.here()
        assert found is not None
        self.controlled[found[1].number] = number
        try:
            while (thread := self.state.threads[number]).pc != ENDED:
                instruction = self.machine.instruction_of(thread)
                if instruction is not None and self.is_in_call(number):
                    self._call(number, thread, instruction)
                else:
                    self._step(number, thread, found[1])
        except NonTerminatingStep as error:
            raise Uncontrolled(str(error)) from None

    def _call(self, number: int, thread: Thread, instruction: Instruction) -> None:
        self.calls.site = self.model.site_of(instruction)
        call = Called(number, instruction, len(self.execution.moved))
        self.called.append(call)
        outcome = outcome_of_call(self.calls, instruction, thread)
        call.until = len(self.execution.moved)
        self.state = self.machine.returned(self.state, number, outcome)

    def _step(self, number: int, thread: Thread, me: Controlled) -> None:
        late = self.execution.point(self._announced(number, thread))
        transition = Transition(number, late, me.alternative)
        before = self.state
        after = self.machine.step(before, transition)
        assert after is not None
        self.made[len(self.execution.moved) - 1] = Made(before, transition, after)
        self.state = after
        for started in range(len(before.threads), len(after.threads)):
            who = after.threads[started].who
            self.execution.add(who.name, partial(self.run, started), daemon=who.daemon, announces_end=False)

    def _announced(self, number: int, thread: Thread) -> Step:
        instruction = self.machine.instruction_of(thread)
        kind = "end" if instruction is None or instruction.op == "end" else instruction.op
        cells = [(self.execution.cell_of(self, str(bit)), writes) for bit, writes in self.model.touched(thread)]
        own = self.execution.cell_of(self, f"thread {number}")
        expires = self.machine.step(self.state, Transition(number, expires=True)) is not None
        step = "" if instruction is None else instruction.step
        ways = self.machine.alternatives(thread)
        return Step(
            kind,
            own,
            True,
            f"{kind} {step}".strip(),
            None,
            partial(self._is_enabled, number),
            expires,
            tuple(cells),
            ways,
        )

    def _is_enabled(self, number: int) -> bool:
        """Whether a thread's next step is enabled, other than by its time-out."""
        ways = range(self.machine.alternatives(self.state.threads[number]))
        return any(self.machine.step(self.state, Transition(number, alternative=way)) is not None for way in ways)


class ScenarioExecutions(CodeExecutions):
    """Executions of a scenario whose threads call Python."""

    def __init__(self, program: Program, seed: int, loader: Loader) -> None:
        self.model = Model(program, seed)
        modules = sorted({name.partition(":")[0] for name in python_names(program)})

        def build(world: World) -> Body:
            for name in modules:  # what there is in them decides how executions are made
                with suppress(ImportError, SyntaxError, UsageError):  # the setup says what is wrong with one
                    module_in(world, name)

            def main(running: Running) -> None:
                running.run(0)

            return Body(partial(Running, self.model, world), [("main", main)], announce_ends=False)

        super().__init__(loader, build, seed)
        self._explained: dict[Hashable, bool] = {}
        """For each object and what was called on it, whether an order explains that."""
        self._alone: dict[str, Alone] = {}

    def alone(self, name: str) -> Alone:
        """What one thread alone sees of an object whose calls are to be explained."""
        if name not in self._alone:
            program = self.model.program
            declared = next(one for one in program.objects if one.name == name)
            expected = next(one for one in program.expectations.linearizable if one.object == name)
            made = declared if expected.spec is None else structs.replace(declared, python=expected.spec)

            def make(world: World) -> Any:
                return made_object(program, made, partial(module_in, world))

            def executions(calls: CallProgram) -> CallExecutions:
                found = CallExecutions(self.loader, make, calls, self.seed)
                found.by_type = self.model.changing
                return found

            self.close()  # one execution at a time
            self._alone[name] = Alone(executions, CallProgram(()), self.close)
        return self._alone[name]

    @property
    def running(self) -> Running:
        """The scenario in the execution that was looked up last."""
        assert self._present is not None
        found: Running = self._present.shared
        return found

    def move_of(self, one: Controlled) -> Move:
        running = self.running
        number = running.controlled.get(one.number)
        if number is None or running.is_in_call(number):
            return super().move_of(one)
        late = one.next is not None and not one.next.is_ready()
        return move_of(self.model.machine, running.state, Transition(number, late))

    def end(self, state: int) -> EndState:
        execution, running = self.at(state), self.running
        self.note_end(state)
        mine = running.controlled
        children = [one.name for one in execution.threads if one.is_needed and one.number not in mine]
        faults = [key for key in self.lasting(state) if key.kind != "violated"]
        unexplained = self._unexplained(state)
        if not children and self.model.machine.is_over(running.state):
            found = end_state_of(self.model.machine, running.state)
            return EndState(tuple(dict.fromkeys((*found.findings, *faults, *unexplained))), found.outcome)
        names = ", ".join(filter(None, [stuck_names(running.state), *sorted(children)]))
        if not is_sure(execution):
            return EndState((*self.lasting(state), *unexplained), None)
        return EndState((*self.lasting(state), *unexplained, FindingKey(stuck_kind(execution), names)), None)

    def _unexplained(self, state: int) -> tuple[FindingKey, ...]:
        """The objects whose calls no order explains."""
        running, out = self.running, []
        if not self.is_whole(self.present):
            return ()
        histories = {name: one.history() for name, one in running.calls.recorders.items()}
        for one in running.calls.recorders.values():
            self.model.changing.update(one.results_that_changed())
        for name, history in histories.items():
            shape = name, history.shape
            if shape not in self._explained:
                self._explained[shape] = explanation(history, self.alone(name)) is not None
            if not self._explained[shape]:
                out.append(FindingKey("violated", f"{LINEARIZABLE}: {name}"))
        return tuple(out)

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        execution, running = self.at(state), self.running
        always = self.model.program.expectations.always
        tasks = {thread.who.name for thread in running.state.threads if thread.who.kind in ("task", "future")}
        found = [FindingKey("violated", always[number].text) for number in running.state.broken]
        found += [FindingKey(*fault) for fault in faults_in(running.state) if fault[1] not in tasks]
        children = [(one.name, one.fault) for one in execution.threads if one.fault is not None]
        return (*found, *[FindingKey(kind_of_fault(type(fault).__name__), name) for name, fault in children])
