"""Replays a plan on real threads: the objects are those of any run, and each thread requests its turns from the baton."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns as now
from typing import Any

from scenrun.execution.codegen import Compiled
from scenrun.execution.replay.baton import Baton
from scenrun.execution.replay.plan import ReplayPlan
from scenrun.execution.replay.stepped_threads import AskingWriter
from scenrun.execution.replay.work_queue import WorkQueue
from scenrun.execution.site import Site
from scenrun.execution.threads.codegen import Options, compile_code
from scenrun.execution.threads.context import TURN, Context, Cut, FaultLeft, Wait, current
from scenrun.execution.threads.futures import held
from scenrun.execution.threads.interrupts import kept_waiting
from scenrun.execution.threads.pools import RealPool
from scenrun.execution.threads.run import Run
from scenrun.execution.threads.run_program import refuse_unknown_to_python, started_fields, watched
from scenrun.execution.threads.supervisor import Supervisor
from scenrun.execution.threads.threads import RealTimer
from scenrun.execution.threads.waiting import Parked, RealActingBarrier, RealBarrier, RealCondition, RealEvent
from scenrun.model.moves import COMES, ResolvedMove
from scenrun.model.state import BEGINNING, LEAVING
from scenrun.program.findings import Stuck
from scenrun.program.ir import Code, Program
from scenrun.program.results import RunRecord
from scenrun.trace.events import LEVELS
from scenrun.trace.recorder import Recorder

PATIENCE_S = 10.0
"""Seconds that a move may take; it should return at once."""
SETTLE_S = 1.0
"""Seconds that freed threads may take to reach their deadlock; after that, the deadlock found so far is reported."""
SHORT_NS = 1_000_000
"""Nanoseconds to which sleeps and work are shortened after the last move."""
QUIET_LOOKS = 3
"""Searches in a row without a new deadlocked thread after which the deadlock is complete, although others run."""


def replay_program(
    program: Program, plan: ReplayPlan, make_recorder: Callable[[str], Recorder], *, seed: int, level: str = "info",
    interrupted: Callable[[], str | None] = lambda: None,
) -> RunRecord:  # fmt: skip
    """Replays a plan on real threads; `notes["shown"]` of the result says whether it showed its finding."""
    refuse_unknown_to_python(program)
    run_id = os.urandom(6).hex()
    recorder = make_recorder(run_id)
    run = ReplayedRun(program, seed, LEVELS[level], plan)
    recorder.wall_ns, recorder.began_ns = time.time_ns(), now()
    run.event("run.started", "info", {**started_fields(run, level), "scheduler": "moves"})
    result = watched(_Watching(run, recorder, interrupted), run, recorder, run_id)
    result.notes["shown"] = run.baton.is_through and plan.is_shown(result)
    return result


class ReplayedRun(Run):
    """A run whose threads take their steps in the order of a plan."""

    watches_everything = True

    def __init__(self, program: Program, seed: int, level: int, plan: ReplayPlan) -> None:
        self.plan = plan
        self.baton = Baton(plan.made, plan.frees)
        self._last_ns = 0
        """The last moment that was read."""
        super().__init__(program, seed, level)
        self.baton.when_over = self.pulse.set
        for made in self.flat_objects():
            if isinstance(made, RealPool):
                made.real._work_queue = WorkQueue(self.baton, keeps_cancelled=made.keeps_cancelled)  # type: ignore[assignment]
                made.about_to_wait = lambda me: self.ask_again(me, 1)
            elif isinstance(made, RealTimer):
                self.timer_made(made)
            elif isinstance(made, RealCondition):
                _ask_in_condition(self, made)
            elif isinstance(made, RealEvent | RealBarrier) and not isinstance(made, RealActingBarrier):
                _ask_in_wait(self, made.real._cond)  # type: ignore[union-attr]

    def _compile_code(self, code: Code, namespace: dict[str, Any], options: Options) -> Compiled:
        asking = {**namespace, "__ask": self.ask, "__way": self.way, "__moment": self.moment, "__held": held}
        asked = self.plan.asked[code.number]
        return compile_code(code, asking, options, partial(AskingWriter, asked=asked))

    # --- called by generated code

    def ask(self, me: Context, site: Site, timeout: int | None = None) -> int | None:
        """Blocks until the thread's turn; returns the timeout for its operation in nanoseconds: 0 if it times out in the plan."""
        self._look(me)
        made = self._turn(me, site)
        return 0 if made is not None and self.baton.is_cut_short(me, made) else timeout

    def way(self, me: Context, site: Site, own: Any) -> Any:
        """Blocks until the thread's turn; returns the alternative of its move in place of the thread's own choice."""
        self._look(me)
        made = self._turn(me, site)
        return own if made is None else made.move.alternative

    def moment(self, me: Context, site: Site, own: int) -> int:
        """Blocks until the thread's turn; returns the moment that reading the clock gives: that of its move, in the plan."""
        self._last_ns = max(self._last_ns, self.way(me, site, own))
        return self._last_ns

    def ask_again(self, me: Context, phase: int) -> None:
        """Blocks until the thread's turn in the middle of an operation."""
        self._look(me)
        wait, site = me.wait, me.seen
        assert site is not None
        self._turn(me, site, phase)
        me.wait = wait

    def _turn(self, me: Context, site: Site, phase: int = 0, pc: int | None = None) -> ResolvedMove | None:
        """Blocks until the thread's turn; the interrupts that come before it run first."""
        while True:
            made = self.baton.ask(me, site, site.pc if pc is None else pc, phase)
            if made is None or made.move.op != COMES:
                return made
            with kept_waiting(me):
                self._interrupted(me, self.program.interrupt_at(made.move.step), site)

    def _expect_interrupts(self, context: Context) -> None:
        """Nothing comes but what the plan has come."""

    def _look(self, me: Context) -> None:
        """Checks `always` after each move."""
        if me.seen is not None and not self.baton.is_free and not me.cut:
            self.watch.check_all(me, me.seen)

    def _sleep(self, me: Context, site: Site, nanoseconds: int) -> None:
        if self.baton.is_free:
            super()._sleep(me, site, min(nanoseconds, SHORT_NS))
        me.waited_ns = 0

    def _work(self, me: Context, site: Site, nanoseconds: int) -> None:
        if self.baton.is_free:
            super()._work(me, site, min(nanoseconds, SHORT_NS))

    # --- where threads begin and end

    def about_to_leave(self, context: Context, left: FaultLeft) -> None:
        """Blocks until the turn of the step in which a fault ends the thread."""
        self._look(context)
        self._turn(context, left.site, pc=LEAVING)

    def timer_made(self, made: RealTimer) -> None:
        """Makes a timer ask for its turn."""
        made.about_to_begin = partial(self._timer_begins, made.context)
        made.when_over = partial(self.baton.left, made.context.name)

    def _timer_begins(self, context: Context, timer: threading.Timer) -> None:
        """Lets a timer fire at its turn, not after its delay."""
        assert context.seen is not None
        if self.baton.ask(context, context.seen, BEGINNING) is not None:
            timer.interval = 0

    def _end(self, context: Context) -> None:
        self._look(context)
        super()._end(context)
        if context.pool is None:  # the end of a task is visible only when its worker comes back for the next
            self.baton.left(context.name)

    def let_go(self) -> None:
        """Lets every thread go on that the baton blocks."""
        self.baton.close()


def _ask_in_wait(run: ReplayedRun, condition: Any) -> None:
    """Makes a thread that is parked in an event or a barrier request a turn before it blocks."""
    lock = condition._lock

    def park() -> None:
        lock.release()
        try:
            run.ask_again(current(), 1)
        except Cut:
            lock.acquire()  # the caller's `with` releases it
            raise

    condition._release_save = park


def _ask_in_condition(run: ReplayedRun, made: RealCondition) -> None:
    """Makes each phase of a condition's wait a move: being woken, acquiring the lock again, leaving the line."""
    real: Any = made.real
    release_save, acquire_restore = real._release_save, real._acquire_restore

    def park() -> Any:
        saved = release_save()
        run.ask_again(current(), 1)
        return saved

    def come_back(saved: Any) -> None:
        run.ask_again(current(), 2)
        acquire_restore(saved)

    real._release_save, real._acquire_restore = park, come_back
    real._waiters = _Line(run)


class _Line(Parked):
    """The waiters of a condition; a thread that leaves the line after a timeout requests a turn first."""

    def __init__(self, run: ReplayedRun) -> None:
        super().__init__()
        self._run = run

    def remove(self, waiter: Any) -> None:
        """Removes a waiter: called by a notify, and by a waiter whose timeout has fired."""
        me = current()
        if waiter is me.waiter:  # its own waiter, so it is not a notify
            self._run.ask_again(me, 3)
        super().remove(waiter)


class _Watching(Supervisor):
    """Watches a replay until its moves are made and its finding has shown, or a move fails."""

    run: ReplayedRun

    def __init__(self, run: ReplayedRun, sink: Recorder, interrupted: Callable[[], str | None]) -> None:
        limit_ns = run.program.time_limit_ns + int(1e9 * (PATIENCE_S + len(run.plan.made) / 100))
        super().__init__(run, sink, interrupted, limit_ns)
        self._free_since = 0
        self._quiet = 0
        """Searches in a row that found no new deadlocked thread."""

    def _is_done(self) -> bool:
        """Whether the moves are made and nothing is left to show, or a move has failed."""
        baton, plan = self.run.baton, self.run.plan
        if baton.is_moving and now() - baton.moved_ns > PATIENCE_S * 1e9 and not self._is_calling():
            baton.fail(baton.is_on_its_way())
        if baton.failed is not None:
            self._give_up(f"the replay failed at {baton.failed}", {"limit": "schedule"})
            return True
        if not baton.is_through:
            return False
        if self._is_over():
            return True
        if not plan.frees:
            threads = tuple(self.describe(c, c.wait) for c in list(self.run.contexts) if not c.ended)
            swallowed = [context.name for context in self.swallowed()]
            if (finding := plan.last_word(self.run.findings, threads, swallowed)) is not None:
                self.run.found(finding)
            return True
        if not self._free_since:
            self._free_since = self._next_look = now()
        return self._quiet >= QUIET_LOOKS and self._about() <= {context.name for context in self._deadlocked}

    def _about(self) -> set[str]:
        """Returns the names of the threads of the finding."""
        return set((self.run.plan.finding or ("", ""))[1].split(", "))

    def _is_settled(self) -> bool:
        """Whether all threads of the finding have reached their waits, so that one finding contains them all."""
        about = self._about()
        on_their_way = (
            context
            for context in list(self.run.contexts)
            if context.name in about and context.started_ns and (context.wait is None or context.wait.op == TURN)
        )
        return next(on_their_way, None) is None or now() - self._free_since > SETTLE_S * 1e9

    def _is_calling(self) -> bool:
        return any(context.calling for context in list(self.run.contexts))

    def _look(self) -> bool:
        if self.run.baton.is_moving or not self._is_settled():
            return False
        before = len(self._deadlocked)
        nobody_is_left = super()._look()
        self._quiet = self._quiet + 1 if len(self._deadlocked) == before else 0
        return nobody_is_left or (self._quiet >= QUIET_LOOKS and self._is_known())

    def _is_known(self) -> bool:
        """Whether all threads of the finding are blocked and the model proves that they can never move again; reports them then.

        The detector cannot: to it, a thread that runs for ever may still do every operation that its code has left.
        """
        about = self._about()
        blocked = [(c, wait) for c in list(self.run.contexts) if c.name in about and (wait := c.wait) and wait.object]
        if len(blocked) < len(about) or not self.run.plan.is_proved:
            return False
        more: list[tuple[Context, Wait | None]] = [(c, wait) for c, wait in blocked if c not in self._deadlocked]
        if more:
            self._report(more)
        self._deadlocked |= {context for context, _ in blocked}
        return True

    def describe(self, context: Context, wait: Wait | None) -> Stuck:
        """Describes a thread that waits for its turn as running: it waits for the baton, not for another thread."""
        if wait is None or wait.op != TURN:
            return super().describe(context, wait)
        return Stuck(context.name, "running", line=wait.site.line, step=wait.site.instruction.step)
