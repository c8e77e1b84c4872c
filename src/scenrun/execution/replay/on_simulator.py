"""Replays a plan in the simulator: makes its moves; then, if the finding is a deadlock, lets the threads go on by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from scenrun.errors import InternalError
from scenrun.execution.replay.plan import ReplayPlan
from scenrun.execution.replay.stepped_simulation import AskingWriter
from scenrun.execution.simulator.actions import Action, Phase, SitedAction
from scenrun.execution.simulator.codegen import Simulated, compile_code
from scenrun.execution.simulator.interrupts import kept, restore
from scenrun.execution.simulator.loop import LOOK_EVERY, Ending, Loop
from scenrun.execution.simulator.operations import alarm
from scenrun.execution.simulator.schedulers.round_robin import RoundRobin
from scenrun.execution.simulator.simulate_program import Settings, SimulatedRun, run_id_of
from scenrun.execution.simulator.simulation import Setup, Simulation, StandsStill
from scenrun.execution.simulator.step_writer import Options
from scenrun.execution.simulator.stuck import describe
from scenrun.execution.simulator.threads import SimulatedThread
from scenrun.model.moves import COMES, ResolvedMove
from scenrun.model.state import BEGINNING, LEAVING
from scenrun.program.ir import Code, Interrupt, Program
from scenrun.program.primitives.kinds import Failed, Then
from scenrun.program.results import RunRecord
from scenrun.trace.recorder import Recorder

_FOR_EVER = 1 << 62


def follow_program(
    program: Program, plan: ReplayPlan, make_recorder: Callable[[str], Recorder], *, seed: int, level: str = "info",
    interrupted: Callable[[], str | None] = lambda: None,
) -> RunRecord:  # fmt: skip
    """Replays a plan in virtual time; the log has the same bytes every time."""
    recorder = make_recorder(run_id_of(program, seed))
    recorder.wall_ns = recorder.began_ns = 0
    one = _Followed(program, recorder, seed, level, plan)
    try:
        result = one.run(program.time_limit_ns, interrupted)
    finally:
        recorder.close()
    result.notes["shown"] = one.loop.is_through and plan.is_shown(result)
    return result


class _Moves(RoundRobin):
    """The scheduler of a replay: not used for the moves of the plan, and first come, first served after them."""

    name = "moves"


class _Followed(SimulatedRun):
    """One replayed run."""

    loop: _FollowingLoop

    def __init__(self, program: Program, recorder: Recorder, seed: int, level: str, plan: ReplayPlan) -> None:
        self.plan = plan
        super().__init__(program, recorder, seed, level, Settings(scheduler=lambda _: _Moves()))

    def _simulation(self, setup: Setup, hurry: Sequence[object]) -> Simulation:
        return _FollowedSimulation(self.plan, self.program, setup, self._drain, hurry)

    def _loop(self, simulation: Simulation, **how: Any) -> Loop:
        assert isinstance(simulation, _FollowedSimulation)
        self.loop = _FollowingLoop(simulation, **how)
        return self.loop

    def _ended_early(self, ending: Ending) -> None:
        if ending.details.get("limit") != "schedule":
            super()._ended_early(ending)
            return
        simulation = self.simulation
        live = tuple(describe(thread) for thread in simulation.threads if not thread.ended)
        swallowed = [thread.name for thread in self.swallowed()]
        if (finding := self.plan.last_word(simulation.findings, live, swallowed)) is not None:
            simulation.found(finding)

    def _nobody_can_end(self) -> bool:
        """Also reports the threads of the plan's finding, once parked, if the model proves that they can never move again."""
        # the search of a simulation cannot: to it, a thread that runs for ever may still do all that its code has left
        names = set((self.plan.finding or ("", ""))[1].split(", "))
        parked = [thread for thread in self.simulation.threads if thread.name in names and thread.parked]
        if len(parked) == len(names) and self.plan.is_proved:
            self._report([thread for thread in parked if thread not in self._deadlocked])  # nothing, if all were
            return True
        return super()._nobody_can_end()


class _Attempt(NamedTuple):
    """What a phase of an operation is given."""

    objects: tuple[Any, ...]
    me: SimulatedThread
    arguments: tuple[Any, ...]
    memo: Any
    """What the previous phase left."""


class _FollowedSimulation(Simulation):
    """A simulation whose threads yield before each step of the model."""

    draws_interrupts = False

    def __init__(
        self, plan: ReplayPlan, program: Program, setup: Setup, drain: Callable[[], None], hurry: Sequence[object]
    ) -> None:
        self.plan = plan
        self.follows = True
        """Whether moves of the plan are left to make."""
        self.move: ResolvedMove | None = None
        """The move that is under way."""
        self._last_ns = 0
        """The last moment that was read."""
        self.phases: dict[SimulatedThread, int] = {}
        """For each thread that has stopped inside an operation, the number of the phase that comes next."""
        super().__init__(program, setup, drain, hurry)

    def _compile_code(self, code: Code, namespace: dict[str, Any], options: Options) -> Simulated:
        asked = self.plan.asked[code.number]
        return compile_code(code, {**namespace, "__run": self}, options, partial(AskingWriter, asked=asked))

    def way(self, own: Any) -> Any:
        """Returns the alternative of the current move; after the last move, the thread's own choice."""
        return self.move.move.alternative if self.follows and self.move is not None else own

    def come(self, me: SimulatedThread, interrupt: Interrupt, t: int) -> None:
        """Has an interrupt come in a thread, whose own steps stand still until it is over."""
        before, phase, own = kept(me), self.phases.pop(me, None), me.send
        steps = self.interrupt(me, interrupt, t)

        def send(moments: tuple[int, int]) -> int:
            try:
                return steps.send(moments)
            except StopIteration as over:
                me.send = own
                restore(me, before)
                self.resumed(me, interrupt, over.value)
                if phase is not None:
                    self.phases[me] = phase
                moment: int = over.value
                return moment

        me.send = send

    def moment(self, t: int) -> int:
        """Returns the moment that a reading of the clock gives: that of the current move; afterwards none before the last."""
        self._last_ns = max(self._last_ns, self.way(t))
        return self._last_ns

    def _stands_still(self, me: SimulatedThread) -> bool:
        return not self.follows and super()._stands_still(me)

    def operate(
        self,
        me: SimulatedThread,
        at: SitedAction,
        objects: tuple[Any, ...],
        arguments: tuple[Any, ...],
        t: int,
        until: int,
    ) -> Any:
        """Performs an operation, each of its phases in a turn of its own: a generator that returns (result, t, until)."""
        act = at.action
        timeout = None if act.timeout_at is None else arguments[act.timeout_at]
        deadline = None if timeout is None else t + timeout
        me.site, memo, waited, waits = at.site, None, 0, False
        name, first = act.operation.name, objects[0]
        for number, phase in enumerate(act.phases):
            if name != "begin" or number:
                blocked, since = act.waits and not phase.enabled(objects, me, arguments, memo), t
                self.phases[me] = number
                t, until = yield t
                del self.phases[me]
                blocked = blocked and _would_wait(act, arguments)
                waits, waited = waits or blocked, waited + (t - since) * blocked
            while True:
                outcome, t = self._tried(phase, _Attempt(objects, me, arguments, memo), deadline, t)
                if outcome is not None:
                    break
                me.action, me.arguments, me.memo = act, arguments, memo
                self.park(me, phase, objects, alarm(phase, deadline, t), t, waits)
                since, waits = t, True
                t, until = yield t
                waited += t - since
            first.noted(name, number, outcome, objects, me, t)
            for made in objects:
                if made.waiting:
                    self.wake(made, t)
            if not isinstance(outcome, Then):
                break
            memo = outcome.memo
            me.moves += 1
            t += self.costs.of(act.op)
        me.waited_ns = waited
        me.waited_total_ns += waited
        first.waited_for(name, waited if waits else None)
        if isinstance(outcome, Failed):
            me.resumed = t, until
            self._fail(me, at.site, outcome, objects)
        return getattr(outcome, "result", None), t, until

    def _tried(self, phase: Phase, attempt: _Attempt, deadline: int | None, t: int) -> tuple[Any, int]:
        """Returns a phase's outcome and the time; while the plan is followed, a timeout fires only in a move that expires."""
        if self.follows:
            assert self.move is not None
            if self.move.move.expires and phase.expire is not None:
                return phase.expire(*attempt), max(t, deadline or t)
            outcome = phase.act(*attempt)
            if outcome is None:
                raise InternalError(f"the model can make a move that the simulation cannot: {self.move.move}")
            return outcome, t
        outcome = phase.act(*attempt)
        if outcome is None and deadline is not None and t >= deadline and phase.expire is not None:
            outcome = phase.expire(*attempt)
        return outcome, t


def _place(thread: SimulatedThread) -> int | None:
    """Returns the instruction that a thread is about to do, as the model numbers it."""
    if not thread.has_begun:
        return BEGINNING
    if thread.left_with is not None:
        return LEAVING
    return thread.site.pc if thread.site is not None else None


def _would_wait(act: Action, arguments: tuple[Any, ...]) -> bool:
    """Whether the arguments of an operation allow it to wait."""
    given = dict(zip(act.operation.parameters, arguments, strict=False))
    return bool(given.get("blocking", True) and given.get("block", True))


SEARCH_AFTER = 100
"""Slices between the last move and the first search for deadlocked threads."""


class _FollowingLoop(Loop):
    """Resumes threads in the order of a plan's moves, and lets them go on after that if the finding is a deadlock."""

    simulation: _FollowedSimulation
    is_through = False
    """Whether all moves were made."""

    def run(self) -> None:
        """Runs until every needed thread has ended; raises Ending when the schedule or a limit ends the run before."""
        simulation = self.simulation
        simulation.begin()
        try:
            self._follow()
            simulation.follows, simulation.move, self.is_through = False, None, True
            if not simulation.needed:
                return
            if not simulation.plan.frees:
                raise Ending("the schedule ends here", {"limit": "schedule"})
            self._free()
        except StandsStill:
            raise self._standing_still() from None

    def _follow(self) -> None:
        t, known = self._settled(0, 0)
        for number, made in enumerate(self.simulation.plan.made):
            if not number % LOOK_EVERY:
                self._look_around(t)
            thread = self.simulation.threads[made.transition.thread]
            self._compare(number, thread, made)
            self.simulation.move = made
            if made.move.op == COMES:
                self.simulation.come(thread, self.simulation.program.interrupt_at(made.move.step), t)
            if thread.parked:  # a task or timer that has not begun
                self.simulation.unpark(thread)
            t = self._moved(thread, t)
            if made.pc == BEGINNING and not thread.ended:
                t = self._moved(thread, t)  # now that it has begun, it comes to its first step
            t, known = self._settled(t, known)
        self.simulation.now_ns = t

    def _settled(self, t: int, known: int) -> tuple[int, int]:
        """Resumes threads that were just started up to their first step; tasks and timers wait for their own move to begin."""
        for thread in self.simulation.threads[known:]:
            if thread.kind.begin is None:
                t = self._moved(thread, t)
        return t, len(self.simulation.threads)

    def _moved(self, thread: SimulatedThread, t: int) -> int:
        t = thread.send((t, _FOR_EVER))
        if thread.ended:
            thread.over()
        return t

    def _compare(self, number: int, thread: SimulatedThread, made: ResolvedMove) -> None:
        """Raises unless the thread is at the move's place: Ending if a call of Python may be the reason, else InternalError."""
        phase = self.simulation.phases.get(thread, 0) if made.move.op != COMES else made.move.phase
        place = _place(thread)
        if (thread.name, place, phase) == (made.move.thread, made.pc, made.move.phase):
            return
        now = (
            f"{thread.site.op} at {thread.site.instruction.step} (line {thread.site.line})" if thread.site else "begin"
        )
        reason = f"move {number + 1:,} of {len(self.simulation.plan.made):,} ({made.move}): {thread.name} is about to do {now}"
        if any(i.op == "call" for code in self.simulation.program.codes for i in code.instructions):
            raise Ending(f"the replay failed at {reason}", {"limit": "moves"})
        raise InternalError(f"the simulation is not where the model is, at {reason}")

    def _look_around(self, t: int) -> None:
        simulation = self.simulation
        simulation.now_ns = t
        if len(simulation.records) > 1_000:
            simulation.drain()
        if (signal := self.interrupted()) is not None:
            raise Ending(f"the run was ended by {signal}", {"signal": signal})

    def _free(self) -> None:
        """Lets the threads go on by themselves, for at most the time limit of the scenario."""
        simulation, scheduler = self.simulation, self.scheduler
        while len(scheduler):
            scheduler.take()
        for thread in simulation.threads:
            if not thread.ended and not thread.parked:
                scheduler.add(thread)
        self.time_limit_ns += simulation.now_ns
        self.next_search = self.slices + SEARCH_AFTER
        self._on_one()
