"""`conform`: whether a class does only what a scenario says: every execution of its threads is one of the model's."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenrun.errors import UsageError
from scenrun.language.time_limit import time_limit_ns
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.own_code.checking.subject import Subject
from scenrun.own_code.conforming.counterparts import Counterparts, counterparts_of
from scenrun.own_code.conforming.differences import Row, rows_of
from scenrun.own_code.conforming.events import End, Event
from scenrun.own_code.conforming.executions import DIFFERS, ConformExecutions
from scenrun.own_code.conforming.model_runs import Compared, ModelRuns, TooMany
from scenrun.own_code.conforming.result import Conformed
from scenrun.own_code.hooking.loader import World
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.running.steps import Controlled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.executions import choice_of
from scenrun.own_code.searching.explore_code import check_build, extent_of
from scenrun.own_code.searching.modules import Named
from scenrun.own_code.searching.output import silent
from scenrun.own_code.searching.shorten_code import shortened
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.own_code.telling.labels import thread_name
from scenrun.program.ir import Program
from scenrun.program.loaded import Loaded
from scenrun.program.primitives.barrier import ACTING_BARRIER
from scenrun.program.primitives.own_future import OWN_FUTURE
from scenrun.search.options import DEPTH
from scenrun.search.strategies.results import Found, in_order

TIME = "60s"
MAX_STEPS = 5_000
"""Steps after which a schedule is cut off."""
SPINS = "threads of the code may go round for ever, and that is not compared"
LEFT_BEHIND = "threads would not end"


def _refuse_what_is_not_compared(program: Program) -> None:
    """Raise UsageError for what a scenario has and a comparison with code does not know."""
    program.refuse_clock("a comparison with code")
    if program.queues_shut_down:
        line = next(iter(program.queues_shut_down.values()))
        raise UsageError(f"line {line} shuts a queue down, which a comparison with code does not know yet")
    if program.interrupts:
        raise UsageError("`interrupts` come in the model alone, so that a comparison with code does not know them")
    future = next((cell for cell in program.cells if cell.kind == OWN_FUTURE.name), None)
    if future is not None:
        raise UsageError(f"`{future.name}` is a future, which a comparison with code does not know yet")
    acting = next((cell for cell in program.cells if cell.kind == ACTING_BARRIER.name), None)
    if acting is not None:
        raise UsageError(f"`{acting.name}` has an action, which a comparison with code does not know yet")


@dataclass(frozen=True, slots=True)
class ConformRequest:
    """What is compared, and how."""

    against: str
    """`package.module:Class`."""
    make: str | None = None
    """`package.module:function`: makes the object, without arguments; None: the class does, with arguments that are guessed."""
    calls: Mapping[str, str] = field(default_factory=dict)
    """Calls of methods, such as `produce(3)`, by the threads that they stand for."""
    objects: Mapping[str, str] = field(default_factory=dict)
    """Attributes by the object or variable of the scenario that they stand for."""
    compare_values: bool = True
    """Whether items and results are compared, beside which calls there are."""
    strategy: str | None = None
    """None: every schedule, by DPOR, and drawn ones beside it where there are many."""
    schedules: int | None = None
    time_limit: str | float | None = TIME
    seed: int = 0
    trace: tuple[str, ...] = ()


def conform(
    loaded: Loaded,
    request: ConformRequest,
    tell: Callable[[str], None] = lambda text: None,
    stopped: Callable[[], str | None] = lambda: None,
) -> Conformed:
    """Compare a class with a scenario; raises UsageError for what cannot be compared.

    - tell: called now and then with how far it is.
    - stopped: called now and then; a reason that it returns ends it, with what was found until then.
    """
    if control.current is not None:
        raise UsageError("this is searched already: a class cannot be compared in what is searched")
    if loaded.program.objects:
        raise UsageError(
            f"{loaded.name} has `objects` of its own; it is a model, without Python, that code is compared with"
        )
    if loaded.program.any_number:
        names = " and ".join(loaded.program.any_number)
        raise UsageError(
            f"`count: any` of {names}: say how many with --set threads.{loaded.program.any_number[0]}.count=2"
        )
    _refuse_what_is_not_compared(loaded.program)
    check_build(None, request.strategy)
    return _Conform(loaded, request, tell, stopped).run()


class _Conform:
    """One comparison."""

    def __init__(
        self, loaded: Loaded, request: ConformRequest, tell: Callable[[str], None], stopped: Callable[[], str | None]
    ) -> None:
        self.loaded = loaded
        self.request = request
        self.tell = tell
        self.stopped = stopped
        make = None if request.make is None else Named.of(request.make, "--make")
        with silent():
            self.subject = Subject(Named.of(request.against, "--against"), make, request.trace)
            self.counterparts = self._counterparts()
        self.values_left_out = _not_comparable(loaded.program, request)
        found = self.counterparts
        arguments = frozenset(("n",) if self.values_left_out else ("n", "item"))
        compared = Compared(found.labels(), frozenset(found.threads), arguments, not self.values_left_out)
        self.runs = ModelRuns(Machine(loaded.program, request.seed, folded=FREE), compared)
        self.seen: dict[tuple[Any, ...], bool] = {}
        self.executions = ConformExecutions(
            self.subject.loader, self.subject.make, found, self._is_of_model, request.seed
        )

    def _counterparts(self) -> Counterparts:
        world = World(self.subject.loader)
        try:
            owner = self.subject.make(world)
            return counterparts_of(self.loaded, owner, str(self.subject.what), self.request.calls, self.request.objects)
        finally:
            world.leave()

    def _is_of_model(self, events: Sequence[Event], end: End | None) -> bool:
        shape = (tuple(events), end)
        if shape not in self.seen:
            seen, count = self.runs.explain(events)
            self.seen[shape] = count == len(events) and (end is None or self.runs.can_end(seen, end))
            self.tell(f"{len(self.seen):,} different executions, each a run of {self.loaded.name}")
        return self.seen[shape]

    def run(self) -> Conformed:
        """The result."""
        with silent():
            return self._compared()

    def _compared(self) -> Conformed:
        limit = time_limit_ns(self.request.time_limit)
        how = WalkOptions(
            self.request.strategy, self.request.seed, self.request.schedules, None if limit is None else limit / 1e9, DEPTH, None,
            MAX_STEPS, look=self.stopped,
        )  # fmt: skip
        walk = Walk(self.executions, how)
        rows: tuple[Row, ...] = ()
        different = 0
        found: Sequence[Found] = ()
        try:
            tally, ended_by = walk.run()
            different = len(self.seen)
            found = in_order(tally.findings.values())[:1]
            rows = tuple(self._told(found[0])) if found else ()
        except TooMany as why:
            ended_by = str(why)
        finally:
            self.executions.close()
        bound = ended_by or self._kept_from_proof(walk)
        verdict = "differs" if found else "conforms" if bound is None else "incomplete"
        return Conformed(
            self.loaded.name, str(self.subject.what), self.subject.made_by, verdict, rows, self.counterparts,
            walk.tally.schedules, different or len(self.seen), self.request.seed, time.perf_counter() - walk.began, bound,
            extent_of(self.executions), self.values_left_out, tuple(sorted(self.executions.unlike)),
        )  # fmt: skip

    def _kept_from_proof(self, walk: Walk) -> str | None:
        """What keeps a walk of all schedules from a proof."""
        if walk.cut_off:
            return f"schedules that were cut off after {MAX_STEPS:,} steps"
        if self.executions.left_behind:
            return LEFT_BEHIND
        if self.executions.spins:
            return SPINS
        return extent_of(self.executions) if self.executions.unaccounted else None

    def _told(self, found: Found) -> list[Row]:
        """What both did until they differ, in a short schedule that shows it."""
        executions = self.executions
        executions.settle(found.transitions)
        transitions: Sequence[Transition] = shortened(executions, found.transitions, DIFFERS)
        executions.close()
        executions.records = True
        try:
            state = executions.state_of(tuple(map(choice_of, transitions)))
            while after := executions.successors(state):  # what was cut off at its end goes on
                state = after[0]
            execution = executions.at(state)
            recording = executions.shared.recording
            end = executions.end_of(execution)
            places = [_where(executions, at - 1) for at in recording.moments]
            needed = [one for one in execution.threads if one.is_needed]
            waiting = {thread_name(execution, one.number): _waits(one, execution.place_of(one)) for one in needed}
            return rows_of(self.runs, recording.events, places, end, waiting)
        except (Different, Uncontrolled) as error:
            return [Row("", f"not shown again, as {error}", "", is_different=True)]
        finally:
            executions.records = False


def _where(executions: ConformExecutions, at: int) -> str:
    moved = executions.present.moved
    return _place_text(moved[at].place) if 0 <= at < len(moved) else ""


def _waits(one: Controlled, place: Any) -> str:
    """What a thread of the code waits for at the end, and where."""
    about = "" if one.next is None else f" to {one.next.text}"
    return f"waits for ever{about}{_place_text(place)}"


def _place_text(place: Any) -> str:
    return "" if place is None else f" ({place.file.rpartition('/')[2]}:{place.line})"


def _not_comparable(program: Program, request: ConformRequest) -> str:
    """Why items and results are not compared; empty where they are."""
    if not request.compare_values:
        return "as asked"
    draws = any("random." in text for code in program.codes for i in code.instructions for text in i.arguments)
    return "the scenario draws values at random" if draws else ""
