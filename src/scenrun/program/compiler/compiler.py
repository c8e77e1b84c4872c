"""The compiler's entry point: compiles a scenario's threads, timers and behaviours to codes and assembles the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from scenrun.errors import Place, Problem, ScenarioError
from scenrun.language.behaviours import names as shipped_names
from scenrun.language.behaviours import shipped
from scenrun.language.expect import Linearizable as LinearizableModel
from scenrun.language.expressions import Expression, ExpressionError
from scenrun.language.model import ANY_NUMBER, Behaviour, Scenario
from scenrun.language.model import Group as GroupModel
from scenrun.language.primitives import Timer
from scenrun.language.verbs.threads import Spawn
from scenrun.program.compiler import flow, futures, interrupts, operations, threads
from scenrun.program.compiler.arguments import bind_captured, bind_inline, expression_of, signature
from scenrun.program.compiler.assembler import Assembler, Size
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.main_thread import write_main
from scenrun.program.compiler.mentions import all_steps, raised_by
from scenrun.program.compiler.names import Names
from scenrun.program.compiler.observations import Observer
from scenrun.program.compiler.scope import Object, Scope
from scenrun.program.compiler.writer import Writer
from scenrun.program.exceptions import EXIT
from scenrun.program.findings import LINEARIZABLE
from scenrun.program.ir import (
    Cell,
    CellRef,
    Code,
    Expectations,
    Group,
    Linearizable,
    Liveness,
    Observation,
    Probe,
    Program,
    PythonObject,
)
from scenrun.program.primitives.future import KNOWS_ITSELF

MAX_CODES = 2_000
"""The most codes of one program; a behaviour that spawns itself with ever new expressions would need infinitely many."""
MAX_THREADS = 100_000
INLINE = 5
"""What inlining a behaviour once counts in addition to its steps and parameters: about its cost."""
__all__ = ["compile_scenario", "flow", "futures", "interrupts", "operations", "threads"]


def compile_scenario(scenario: Scenario, problems: list[Problem], overrides: dict[str, Any] | None = None) -> Program:
    """Compile a scenario; raises ScenarioError where `problems` is not empty or compiling found more, with all of them."""
    callbacks: dict[Any, Any] = {}
    while True:
        known = len(callbacks)
        program = _compiled(scenario, problems, overrides, callbacks)
        if len(callbacks) == known:
            return program


def _compiled(
    scenario: Scenario, problems: list[Problem], overrides: dict[str, Any] | None, callbacks: dict[Any, Any]
) -> Program:
    """Compile a scenario once, with the callbacks that are known already; adds those that it finds."""
    complaints = Complaints(scenario._unread)
    compiler = Compiler(scenario, complaints)
    compiler.callbacks = callbacks
    try:
        program = compiler.program(overrides or {})
    except ScenarioError as error:
        raise ScenarioError([*problems, *complaints.problems, *error.problems]) from None
    except RecursionError:
        deep = Problem(
            compiler.place, "behaviours run, spawn or start one another too deep; use a loop, or fewer of them"
        )
        raise ScenarioError([*problems, *complaints.problems, deep]) from None
    if problems or complaints.problems:
        raise ScenarioError([*problems, *complaints.problems])
    return replace(program, warnings=tuple(ScenarioError(complaints.warnings).problems))


class Compiler:
    """The state that the codes of one program share during compilation: names, complaints, and the codes by their use."""

    def __init__(self, scenario: Scenario, complaints: Complaints) -> None:
        self.scenario = scenario
        self.complaints = complaints
        self.names = Names(scenario, complaints)
        self.file_scope = Scope(self.names, thread=False)
        self.codes: list[Code | None] = []
        self.size = Size()
        self.place = scenario.place
        """The place of the step that is being lowered."""
        self.callbacks: dict[Any, Any] = {}
        self.started: set[int] = set()
        self._of_cell: dict[int, int] = {}
        self._of_target: dict[Any, int] = {}
        """The codes of spawned and submitted behaviours, by the signatures of their parameters."""
        self._spawning: list[str] = []
        self._pending: list[Cell] = []
        self._steps: dict[str, int] = {}

    @cached_property
    def timers_made(self) -> frozenset[str]:
        """The names that take the threads that are spawned to begin later."""
        spawns = (step for step in all_steps(self.scenario) if isinstance(step, Spawn))
        return frozenset(step.into for step in spawns if step.into and step.after is not None)

    @cached_property
    def raised(self) -> frozenset[str]:
        """The exceptions that steps of the file raise."""
        return frozenset(raised_by(self.scenario))

    # --- behaviours

    def behaviour(self, name: str, place: Place | None) -> Behaviour | None:
        """The behaviour of that name, the file's own or a shipped one; refuses an unknown name."""
        found = self.scenario.behaviours.get(name) or shipped(name)
        if found is None:
            known = [*self.scenario.behaviours, *shipped_names()]
            hint = self.complaints.hint(name, known) or "; `scenrun behaviours` lists the built-in ones"
            self.complaints.refuse(place, f"there is no behaviour `{name[:60]}`{hint}", about=name)
        return found

    def is_own(self, target: str) -> bool:
        """Whether a behaviour is the file's own."""
        return target in self.scenario.behaviours

    def names_for(self, target: str) -> Names | None:
        """The file's names that are visible in a behaviour: none in a shipped one."""
        return self.names if self.is_own(target) else None

    def path_of(self, target: str) -> str:
        """The path that the steps of a behaviour have in the log."""
        return f"behaviours.{target}.do" if self.is_own(target) else f"{target}.do"

    def expression(self, value: Any, w: Writer, place: Place | None) -> Expression:
        """An argument parsed as an expression; a wrong one is refused, and 0 stands for it."""
        try:
            return expression_of(value)
        except ExpressionError as error:
            where = error.place or getattr(value, "place", place)
            w.refuse(where.moved(error.offset) if where else None, str(error))
            return expression_of(0)

    def grow(self, target: str, behaviour: Behaviour, place: Place | None) -> None:
        """Count the steps of a behaviour that is inlined or compiled once more."""
        if target not in self._steps:
            self._steps[target] = INLINE + len(behaviour.params) + sum(1 for _ in all_steps(behaviour))
        self.size.grow(self._steps[target], place)

    # --- codes

    def reserve(self) -> int:
        """The number of a new code, which is to be put into `codes`."""
        if len(self.codes) >= MAX_CODES:
            message = "behaviours that spawn one another make ever new programs; pass `value` parameters instead"
            raise ScenarioError([Problem(self.place, message)])
        self.codes.append(None)
        return len(self.codes) - 1

    def code_of_cell(self, cell: Cell) -> int:
        """The code that the threads of a group, or a timer, run."""
        if cell.number not in self._of_cell:
            self._of_cell[cell.number] = self.reserve()
            self._pending.append(cell)
        return self._of_cell[cell.number]

    def _write_pending(self) -> None:
        """Compile the codes that are referred to but not yet compiled, and those that these refer to."""
        while self._pending:
            self._write_cell(self._pending.pop(0))

    def _write_cell(self, cell: Cell) -> None:
        number = self._of_cell[cell.number]
        writer = Writer(self, Assembler(number, cell.name, self.scenario.source, self.size))
        part = self.scenario.sync[cell.name] if cell.kind == "timer" else self.scenario.threads[cell.name]
        path = f"sync.{cell.name}" if cell.kind == "timer" else f"threads.{cell.name}"
        with writer.code.at(path, self.names.places.get(cell.name)):
            self._write_thread(writer, part, path)
        self.codes[number] = writer.code.finish()

    def _write_thread(self, w: Writer, part: GroupModel | Timer, path: str) -> None:
        is_thread = not (isinstance(part, GroupModel) and part.pool)
        scope = Scope(self.names, "" if getattr(part, "do", None) is not None else "__own_")
        if isinstance(part, GroupModel) and part.do is not None:
            w.code.prefix()
            w.declare_locals(part.do, scope, own=True)
            with w.quiet_exit("None") if is_thread else nullcontext():
                w.steps(part.do, scope, f"{path}.do")
            return
        target = str(part.target)
        behaviour = self.behaviour(target, part.place_of_key("target"))
        if behaviour is None:
            return
        inner = bind_inline(w, behaviour, target, part.args, scope, part.place_of_key("target"))
        self._write_new(w, behaviour, target, inner, is_thread=is_thread)

    def code_for_new(
        self,
        caller: Writer,
        target: str,
        args: dict[str, Any],
        scope: Scope,
        place: Place | None,
        given: dict[str, str],
        *,
        is_thread: bool = False,
    ) -> tuple[int, list[str]] | None:
        """The code of a spawned thread or submitted task, and the expressions that the caller evaluates for it.

        Uses whose parameters have the same signatures share one code. Returns None where the step is refused.
        """
        behaviour = self.behaviour(target, place)
        if behaviour is None:
            return None
        writer = Writer(self, Assembler(-1, target, self.scenario.source, self.size))
        writer.code.line = caller.code.line
        with writer.code.at(self.path_of(target), behaviour.place):
            inner, captured = bind_captured(writer, caller, behaviour, target, args, scope, place=place, given=given)
            knows_itself = not is_thread and bool(writer.callbacks_of(None))
            if knows_itself:
                captured.append("None")  # whoever starts it puts the future there
                writer.code.parameters.append(KNOWS_ITSELF)
            quietly = is_thread and EXIT in self.raised
            key = target, quietly, knows_itself, tuple((name, signature(inner.find(name))) for name in behaviour.params)
            if key in self._of_target:
                return self._of_target[key], captured
            if target in self._spawning and any(
                p.type == "expression" and n in args for n, p in behaviour.params.items()
            ):
                caller.refuse(place, f"`{target}` spawns itself with another expression; pass a `value` instead")
                return None
            self.grow(target, behaviour, place)
            number = writer.code.number = self._of_target[key] = self.reserve()
            self._spawning.append(target)
            self._write_new(writer, behaviour, target, inner, is_thread=is_thread, is_task=not is_thread)
            self._spawning.pop()
        self.codes[number] = writer.code.finish()
        return number, captured

    def _write_new(
        self,
        w: Writer,
        behaviour: Behaviour,
        target: str,
        scope: Scope,
        *,
        is_thread: bool = True,
        is_task: bool = False,
    ) -> None:
        """Compile the steps of a behaviour as the whole code of a thread, or of a task, whose future has every exception."""
        w.running.append(target)
        result = w.code.temporary("result")
        w.code.emit("let", arguments=("None",), into=result)
        around = w.quiet_exit(result) if is_thread else futures.completing(w, result) if is_task else nullcontext()
        with around, w.code.inline(result):
            w.steps(behaviour.do, scope, self.path_of(target))
        w.code.emit("end", arguments=(result,))

    # --- the whole

    def program(self, overrides: dict[str, Any]) -> Program:
        """Compile the whole scenario; the program is valid only if no problem was noted."""
        self._check_something_runs()
        main = Writer(self, Assembler(self.reserve(), "main", self.scenario.source, self.size))
        with main.code.at("main", self.scenario.place):
            write_main(main, self.scenario)
        self.codes[0] = main.code.finish()
        self._write_pending()
        groups = tuple(self._group(name, model) for name, model in self.scenario.threads.items())
        coming = interrupts.written(self)
        self._write_pending()
        expectations = self._expectations()
        self._check_threads(groups)
        self._check_conform()
        self.names.check_used()
        scenario = self.scenario
        return Program(
            name=scenario.scenario,
            description=scenario.description,
            source=scenario.source,
            seed=scenario.seed,
            cells=tuple(self.names.cells),
            codes=tuple(code for code in self.codes if code is not None),
            groups=groups,
            expectations=expectations,
            interrupts=coming,
            time_limit_ns=scenario.time_limit_ns,
            step_limit=scenario.limits.steps,
            log_fields=dict(scenario.log.fields),
            log_is_flat=scenario.log.flat,
            costs={verb: cost.numbers[0] for verb, cost in scenario.costs.items()},
            lock_of=dict(self.names.own_lock),
            overrides=overrides,
            objects=tuple(self._object(name) for name in scenario.objects),
            any_number=tuple(name for name, group in scenario.threads.items() if group.count == ANY_NUMBER),
        )

    def _check_something_runs(self) -> None:
        if not self.scenario.threads and self.scenario.main is None:
            self.complaints.refuse(
                self.scenario.place, "nothing runs: a scenario needs `threads` or `main`", about="threads"
            )
        limit, stop = self.scenario.limits.time, self.scenario.stop
        if limit and stop and limit.numbers[0] < stop.after.numbers[0]:
            place = self.scenario.limits.place_of_key("time")
            self.complaints.refuse(place, "the limit of time comes before `stop`, so the run would never be whole")

    def _object(self, name: str) -> PythonObject:
        declared, place = self.scenario.objects[name], self.names.places.get(name)
        return PythonObject(name, declared.python, dict(declared.args), place.line if place else 0)

    def _group(self, name: str, model: GroupModel) -> Group:
        binding = self.names.find(name)
        place = self.names.places.get(name)
        if not isinstance(binding, Object):
            raise ScenarioError([Problem(place, f"`{name}` cannot be a thread group")])
        cell = binding.cell
        if self.scenario.main is not None and cell.number not in self.started:
            self.complaints.refuse(place, f"`main` never starts `{name}`: add `- start: {name}`", about=name)
        return Group(
            name=name,
            cell=cell.number,
            code=self.code_of_cell(cell),
            count=cell.count,
            daemon=model.daemon,
            pool=cell.options.get("pool"),
            endless=model.endless,
            line=cell.line,
        )

    def _check_threads(self, groups: tuple[Group, ...]) -> None:
        total = sum(group.count or 1 for group in groups)
        if total > MAX_THREADS:
            self.complaints.refuse(
                self.scenario.place_of_key("threads"), f"{total:,} threads; at most {MAX_THREADS:,} are allowed"
            )

    def _check_conform(self) -> None:
        """Refuse names of `conform` that are nothing in the file."""
        about, scenario = self.scenario.conform, self.scenario
        threads = ["main", *scenario.threads]
        for name in about.calls:
            if name not in threads:
                hint = self.complaints.hint(name, threads)
                self.complaints.refuse(
                    about.place_of_key("calls"), f"there are no threads `{name[:60]}`{hint}", about=name
                )
        shared = [*scenario.sync, *scenario.state]
        for name in about.objects:
            if name not in shared:
                hint = self.complaints.hint(name, shared)
                message = f"there is no object of `sync` and no variable `{name[:60]}`{hint}"
                self.complaints.refuse(about.place_of_key("objects"), message, about=name)

    def _expectations(self) -> Expectations:
        expect = self.scenario.expect
        observer = Observer(self.names, self.complaints)
        outcomes = expect.outcomes
        return Expectations(
            final=tuple(observer.observation(e) for e in expect.final),
            always=(*(observer.observation(e) for e in expect.always), *self._explained()),
            reach=tuple(replace(observer.observation(e), is_reached=True) for e in expect.reach),
            liveness=(
                *(Liveness(observer.observation(e)) for e in expect.eventually),
                *(Liveness(observer.observation(then), observer.observation(when)) for when, then in expect.leads_to),
            ),
            observe=tuple(observer.observation(e) for e in outcomes.observe) if outcomes else (),
            allowed=_outcomes(outcomes and outcomes.allowed),
            required=_outcomes(outcomes and outcomes.required),
            forbidden=_outcomes(outcomes and outcomes.forbidden),
            race_never=expect.race == "never",
            linearizable=tuple(
                self._linearizable(one) for one in expect.linearizable if isinstance(one, LinearizableModel)
            ),
            verdicts={way: tuple(words) for way, words in expect.verdict.items()},
        )

    def _explained(self) -> Iterator[Observation]:
        """For each object that behaviours make up, that some order explains their calls."""
        for cell in {cell.number: cell for cell in self.names.calls.values()}.values():
            probe = Probe("__p0", "calls.explained", CellRef(cell.number))
            yield Observation("__p0", f"{LINEARIZABLE}: {cell.name}", (probe,), cell.line)

    def _linearizable(self, given: LinearizableModel) -> Linearizable:
        place = given.place_of_key("object")
        if given.object not in self.scenario.objects:
            hint = self.complaints.hint(given.object, list(self.scenario.objects))
            self.complaints.refuse(place, f"there is no object `{given.object}`{hint}", about=given.object)
        return Linearizable(given.object, given.spec, place.line if place else None)


def _outcomes(given: list[list[Any]] | None) -> tuple[tuple[Any, ...], ...] | None:
    return None if given is None else tuple(tuple(outcome) for outcome in given)
