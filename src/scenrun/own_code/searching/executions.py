"""The executions of code as strategies see them: a state is a schedule, whose steps are made when the state is looked up."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scenrun.errors import ScenarioError, UsageError
from scenrun.model.machine import Transition
from scenrun.model.moves import Move
from scenrun.own_code.hooking import hooks
from scenrun.own_code.hooking.library_calls import Draws
from scenrun.own_code.hooking.loader import Loader, World
from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Chosen, Execution, Mark, Uncontrolled
from scenrun.own_code.running.steps import Controlled
from scenrun.own_code.searching import live_states
from scenrun.own_code.searching.body import Body, Different
from scenrun.own_code.searching.live_states import LiveStates, chosen
from scenrun.own_code.searching.present import Present
from scenrun.own_code.searching.schedule_tree import ROOT, THREAD_BITS, Choice, ScheduleTree, thread_of
from scenrun.own_code.telling.labels import LabelledMarks, Labels
from scenrun.program.findings import kind_of_fault
from scenrun.search.properties.end_states import EndState, FindingKey
from scenrun.search.reduction.may_access import Effects
from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.search.strategies.executions import Executions, Known, Option, Point
from scenrun.search.strategies.known_states import KnownStates

CHECK = "check"
"""The subject of the finding that the check does not hold."""
LOOK_EVERY_S = 0.01
"""Seconds between two calls of the alarm, at least."""
MOST_STATES = 200_000
"""Schedules and beginnings of schedules that are kept at a time."""


Build = Callable[[World], Body]


class CodeExecutions(Executions):
    """Executions of Python code on controlled threads."""

    has_drawn = False
    """Whether something was drawn at random so far."""
    is_settled = False
    """Whether no more sites are marked: a finding is told with the steps with which it was found."""
    records = False
    """Whether the places of steps are recorded, which takes time."""
    steps = 0
    """All steps that were made so far."""

    def __init__(self, loader: Loader, build: Build, seed: int = 0) -> None:
        """seed: of what the code draws at random."""
        self.loader = loader
        self.seed = seed
        self._draws: Draws | None = None
        self.build = build
        self.objects = -1
        self.alarm: Callable[[], None] | None = None
        self.turn: tuple[int, str] | None = None
        """After how many steps a walk ends for now, whatever the machine, and what it says then."""
        self._looked_at = 0.0
        """When it was called last."""
        self.left_behind: dict[str, None] = {}
        """Threads that did not end with their execution."""
        self.unaccounted: dict[str, int] = {}
        """What threads did that is not announced, each with a site where they did."""
        self.marks: set[Mark] = set()
        """Sites that were seen in a race, whose accesses are steps; and names of attributes that are written on classes."""
        self.on_marks: type[Exception] = Overflow
        """What a look-up raises where sites were marked, as there are more steps now: all states are invalid."""
        self._raced: set[Mark] = set()
        """Those that were seen since."""
        self._ended: set[int] = set()
        """The schedules that have ended, each by a number."""
        self.locks_off: frozenset[tuple[str, int]] = frozenset()
        """Where locks are made that do nothing, by file and line."""
        self.locks_made: dict[tuple[str, int], str] = {}
        """Where locks were made so far."""
        self._marks_of: dict[tuple[Choice, ...], frozenset[Mark]] = {}
        """For each schedule that is kept, the marks with which it was found."""
        self._tree = ScheduleTree()
        self._steps: dict[int, tuple[str, int, bool]] = {}
        """By state, the step that led to it: the same each time, unless the code is different each time."""
        self._made = ROOT
        """The state of the present execution."""
        self._present: Present | None = None
        self._world: World | None = None
        self._is_loaded = False
        self._complaints: list[str | None] = []
        """What the check said of the present execution, once it was asked: it may change what it looks at."""
        self.labels = Labels(loader)
        self.moves_made: list[Move] = []
        """The steps of the present execution by name, if places are recorded."""
        self.fixed_marks: LabelledMarks | None = None
        """The accesses that are steps, if they are known by name."""

    def begin(self) -> int:
        self.close()
        self._tree.clear()
        self._steps.clear()
        return ROOT

    def tidy(self) -> bool:
        return len(self._tree) > MOST_STATES

    def close(self) -> None:
        """End the threads of the present execution."""
        control.end()
        if self._present is not None:
            self.left_behind.update(dict.fromkeys(self._present.execution.left_behind))
            self._raced |= self._present.execution.raced
            self.unaccounted = self._present.execution.unaccounted | self.unaccounted
            self.has_drawn |= self._present.execution.has_drawn
            self.locks_made = self._present.execution.locks_made | self.locks_made
            self._present = None
        if self._draws is not None:
            self._draws.end()
            self._draws = None
        if self._world is not None:
            self._world.leave()
            self._world = None

    # --- states

    def state_of(self, schedule: Sequence[Choice]) -> int:
        """The state after a schedule; looking it up raises LookupError where a thread of it cannot move."""
        state = ROOT
        for choice in schedule:
            state = self._tree.after(state, choice)
        return state

    @property
    def present(self) -> Execution:
        """The execution that was looked up last."""
        assert self._present is not None
        return self._present.execution

    def at(self, state: int) -> Execution:
        """The execution at a state: the present one taken on, or a new one where it went another way."""
        ahead = None if self._present is None else self._tree.beyond(self._made, state)
        if ahead is None:
            self._restart()
            ahead = self._tree.beyond(ROOT, state) or []
        execution, way = self.present, iter(ahead)
        if self.records:
            for one in way:
                execution.move(*self.about_to_make(execution, one))
        elif ahead:
            execution.drive(
                lambda: self.about_to_make(execution, one) if (one := next(way, None)) is not None else None
            )
        return execution

    def about_to_make(self, execution: Execution, state: int) -> Chosen:
        """Note that the last step to a state is made next; gives it as the execution takes it."""
        self._check_step(execution, state)
        self._look()
        self.steps += 1
        thread, way = chosen(self._tree.choice(state))
        if self.records:
            self.moves_made.append(self.move_of(execution.threads[thread])._replace(alternative=way))
        self._made = state
        return thread, way

    def after(self, state: int, choice: Choice) -> int:
        """The state after one more step."""
        return self._tree.after(state, choice)

    def _look(self) -> None:
        """Raises Stopped where the turn is over, and calls the alarm, if it was not called just now."""
        if self.turn is not None and self.steps >= self.turn[0]:
            raise Stopped(self.turn[1])
        now = time.perf_counter()
        if self.alarm is not None and now > self._looked_at + LOOK_EVERY_S:
            self._looked_at = now
            self.alarm()

    def _check_step(self, execution: Execution, state: int) -> None:
        """Raises Different where the last step to a state cannot be made, or is another one than before."""
        thread = thread_of(self._tree.choice(state))
        if thread >= len(execution.threads) or not execution.threads[thread].is_enabled:
            raise Different(self._tree.depth(state), f"thread {thread} cannot move")
        step = execution.threads[thread].next
        assert step is not None
        about = step.text, step.cell, step.writes
        before = self._steps.setdefault(state, about)
        if before != about:
            other = " of another object" if before[0] == step.text else ""
            name = execution.threads[thread].name
            raise Different(
                self._tree.depth(state), f"{name} was to {before[0]} before, and is to {step.text}{other} now"
            )

    def _restart(self) -> None:
        if self.mark():
            raise self.on_marks
        if not self._is_loaded:  # what modules there are, and whether they look at when objects end
            self._is_loaded = True
            first = World(self.loader)
            try:
                self.build(first)
            finally:
                first.leave()
        self._world = World(self.loader)
        files, keeps = self.loader.files if self.records else frozenset(), not self.loader.has_finalizers
        marks = self.marks if self.fixed_marks is None else self.fixed_marks
        if "random" in self.loader.uncontrolled:
            self._draws = Draws(self.seed)
        execution = control.begin(files, marks, keeps=keeps, with_gil=self.loader.with_gil)
        execution.locks_off = self.locks_off
        self.moves_made = []
        body = self.build(self._world)
        try:
            shared = body.setup()
        except (ScenarioError, UsageError, Uncontrolled):
            raise
        except (Exception, SystemExit) as error:
            raise UsageError(f"`setup` ends with {type(error).__name__}: {error}") from error
        execution.is_set_up = True
        before = len(execution.threads)  # after those that the setup has started
        self._present, self._made, self._complaints = Present(execution, body, shared, before), ROOT, []
        for name, do in body.threads:
            execution.add(name, _bound(do, shared), announces_end=body.announce_ends)

    def mark(self) -> bool:
        """Mark the sites that were seen in a race; returns whether there are new ones, and so more steps from now on."""
        self.close()
        if self.is_settled or self._raced <= self.marks:
            return False
        self.marks |= self._raced
        self._ended.clear()
        return True

    def named_unaccounted(self) -> tuple[str, ...]:
        """What threads did that is not announced, each with the place."""
        places = [(what, SITES[site]) for what, site in self.unaccounted.items()]
        return tuple(f"{what} ({Path(site.file).name}:{site.line})" for what, site in places)

    def settle(self, transitions: Sequence[Transition]) -> None:
        """Mark no more sites, and have those marked that were when a schedule was found."""
        self.is_settled = True
        self.marks = set(self._marks_of.get(tuple(map(choice_of, transitions)), self.marks))
        self.begin()  # what is known of the steps is of other marks, if there are more since

    def move_of(self, one: Controlled) -> Move:
        """The name of a thread's next step; places must be recorded."""
        return self.labels.of_step(self.present, one)

    def follow_marks(self, named: tuple[dict[str, str], ...]) -> None:
        """Take for steps the accesses that have these names, and no others."""
        self.is_settled = True
        self.fixed_marks = LabelledMarks(self.labels, named)
        hooks.note_written_on_classes(self.fixed_marks.attributes)

    def named_marks(self) -> tuple[dict[str, str], ...]:
        """The names of the accesses that are steps."""
        if self.fixed_marks is not None:
            return self.fixed_marks.named
        return tuple(sorted(map(self.labels.of_mark, self.marks), key=lambda one: sorted(one.items())))

    # --- what strategies ask

    def successors(self, state: int) -> Sequence[int]:
        return [after for _, afters in self.moves(state) for after in afters]

    def moves(self, state: int) -> Sequence[tuple[int, Sequence[int]]]:
        found = live_states.moves(self.at(state))
        return [(thread, [self._tree.after(state, one) for one in ways]) for thread, ways in found]

    def known(self, look_up: Callable[[int], Known]) -> KnownStates[Known]:
        options = {"successors": live_states.choices, "moves": live_states.moves}.get(look_up.__name__)
        return KnownStates(look_up) if options is None or self.records else LiveStates(self, look_up, options)

    def afters_of(self, state: int, thread: int) -> Sequence[int]:
        return dict(self.moves(state)).get(thread, ())

    def point(self, state: int) -> Point:
        execution = self.at(state)
        afters_of = dict(self.moves(state))
        options = [
            self._option(one, afters_of.get(one.number, ())) for one in execution.threads if one.next is not None
        ]
        return Point(tuple(o for o in options if o.afters), tuple(o for o in options if not o.afters))

    def _option(self, one: Controlled, afters: Sequence[int]) -> Option:
        step = one.next
        assert step is not None
        effects = Effects()
        for cell, writes in self.present.touches(one):
            effects |= Effects(1 << cell, 1 << cell if writes else 0)
        waits = step.has_timeout and not step.is_ready()
        return Option(one.number, one.name, afters, effects, waits, step.ready is None and not one.daemon)

    def end(self, state: int) -> EndState:
        execution = self.at(state)
        self.note_end(state)
        found = list(self.lasting(state))
        stuck = [one.name for one in execution.threads if one.is_needed]
        if stuck and is_sure(execution):
            return EndState((*found, FindingKey(stuck_kind(execution), ", ".join(sorted(stuck)))), None)
        if stuck:
            return EndState(tuple(found), None)
        if not found and self.complaint() is not None:
            found.append(FindingKey("violated", CHECK))
        return EndState(tuple(found), None)

    def is_whole(self, execution: Execution) -> bool:
        """Whether all accesses of an execution that race are steps.

        Only then does whatever a thread did before a step come before that step: else a call may have begun before its first one.
        Where it is not so, they are steps from the next execution on.
        """
        return all(mark in execution.marks for mark in execution.raced)

    def note_end(self, state: int) -> None:
        """Count a schedule that has ended, if it has not been walked before."""
        if len(self._ended) < MOST_STATES * 10:
            self._ended.add(hash(self._tree.schedule(state)))

    @property
    def distinct(self) -> int:
        """How many different schedules have ended, since accesses came to be steps last."""
        return len(self._ended)

    def complaint(self) -> str | None:
        """Why the check does not hold after the present execution, in words; None where it does."""
        if not self._complaints:
            self._complaints.append(self._checked())
        return self._complaints[0]

    def _checked(self) -> str | None:
        assert self._present is not None
        body, shared = self._present.body, self._present.shared
        if body.check is None:
            return None
        try:
            holds = body.check(shared)
        except Uncontrolled:
            raise
        except (Exception, SystemExit) as error:
            return f"{type(error).__name__}{self._said(error)}"
        return "it returned False" if holds is not None and not holds else None

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        faults = [(one.name, one.fault) for one in self.at(state).threads if one.fault is not None]
        return tuple(FindingKey(kind_of_fault(type(fault).__name__), name) for name, fault in faults)

    def fault_of(self, name: str) -> str | None:
        """What a thread of the present execution has ended with, in words; None where it did not end with an exception."""
        fault = next((one.fault for one in self.present.threads if one.name == name and one.fault is not None), None)
        if fault is None:
            return None
        return f"{name} ends with {type(fault).__name__}{self._said(fault)}"

    def _said(self, fault: BaseException) -> str:
        """What an exception says, or where it has nothing to say, the line that raised it."""
        if str(fault):
            return f": {fault}"
        lines = [one.line for one in traceback.extract_tb(fault.__traceback__) if one.filename in self.loader.files]
        return f" at `{lines[-1]}`" if lines else ""

    def transitions(self, states: Sequence[int]) -> list[Transition]:
        schedule = self._tree.schedule(states[-1])
        self._marks_of[schedule] = frozenset(self.marks)
        return [Transition(thread_of(one), alternative=one >> THREAD_BITS) for one in schedule]


def choice_of(transition: Transition) -> Choice:
    """The choice that a transition is."""
    return transition.thread | transition.alternative << THREAD_BITS


def is_sure(execution: Execution) -> bool:
    """Whether threads that can never go on are a finding: what is not announced may have changed what a loop looks at."""
    return not execution.unaccounted or not any(one.is_spinning for one in execution.threads)


def stuck_kind(execution: Execution) -> str:
    """What it is that threads can never go on: some of them may go round in a loop for ever."""
    return "livelock" if any(one.is_needed and one.is_spinning for one in execution.threads) else "deadlock"


def _bound(do: Callable[[Any], object], shared: Any) -> Callable[[], object]:
    return lambda: do(shared)
