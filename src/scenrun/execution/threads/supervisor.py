"""Watches a run until it ends: drains its log, looks for deadlocks, enforces the limits, then judges it and frees its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter_ns as now
from time import thread_time_ns
from typing import Any, Protocol

from scenrun.errors import InternalError
from scenrun.execution.expectation_checks import at_the_end
from scenrun.execution.threads import free_threads
from scenrun.execution.threads.context import Context, Wait
from scenrun.execution.threads.deadlock_detector import Detector
from scenrun.execution.threads.metrics import figures_of
from scenrun.execution.threads.run import Run
from scenrun.program.findings import Finding, Stuck
from scenrun.program.results import RunRecord
from scenrun.program.verdicts import deadlock, result_of, summary_fields

TICK_S = 0.02
"""Seconds that the supervisor rests between two rounds, at the most."""
DETECT_NS = 60_000_000
"""Nanoseconds between two searches for deadlocks, at the least."""
LOOK_SHARE = 20
"""Searches for deadlocks take at most one part in this many of the time, however many threads there are."""
BATCH = 1_000
"""With fewer records than this the supervisor rests: one that never does keeps the threads from the interpreter."""
SETTLE_S = 2.0
"""Seconds to wait for daemons that are cut off to stop."""


class Sink(Protocol):
    """The receiver of a run's records."""

    def take(self, records: Any, most: int) -> int:
        """Writes up to `most` of the waiting records; returns how many."""

    def flush(self) -> None:
        """Passes what was written on to the reader."""


class Supervisor:
    """Watches one run on the thread that called for it. `time_limit_ns` is wall time."""

    def __init__(self, run: Run, sink: Sink, interrupted: Callable[[], str | None], time_limit_ns: int) -> None:
        self.run = run
        self.sink = sink
        self.interrupted = interrupted
        self.time_limit_ns = time_limit_ns
        self.detector = Detector(run)
        self._deadlocked: set[Context] = set()
        self._next_look = 0
        self._folding = [made for made in run.flat_objects() if hasattr(made, "fold")]
        """Objects with samples, which are folded during the run so that they do not grow with its length."""

    def watch(self) -> str | None:
        """Watches until every needed thread has ended or none of them can; returns the signal that ended the run, if any."""
        run = self.run
        run.start_main()
        deadline = run.began_ns + self.time_limit_ns
        self._next_look = now() + DETECT_NS
        while True:
            drained = self.sink.take(run.records, 20_000)
            if run.broken is not None:
                return None
            if self._is_done():
                return None
            if signal := self.interrupted():
                self._give_up(f"the run was ended by {signal}", {"signal": signal})
                return signal
            if now() > deadline and self._only_endless():
                return None
            if now() > deadline:
                self._give_up(f"the limit of {self.time_limit_ns / 1e9:g} s was reached", {"limit": "time"})
                return None
            if self._too_many_steps():
                self._give_up(f"the limit of {run.program.step_limit:,} steps was reached", {"limit": "steps"})
                return None
            if now() >= self._next_look and self._look():
                return None
            if drained < BATCH:
                self.sink.flush()
                run.pulse.wait(min(TICK_S, max(0, deadline - now()) / 1e9))
                run.pulse.clear()

    def _is_done(self) -> bool:
        """Whether the watch is over; a replay ends it in other cases, too."""
        return self._is_over()

    def _is_over(self) -> bool:
        """Whether main, every non-daemon thread, every task and every timer has ended."""
        return self._all(lambda c: c.ended or c.daemon)

    def _all(self, is_so: Callable[[Context], bool]) -> bool:
        """Whether a condition holds for every thread, including those started during the check."""
        looked_at = list(self.run.contexts)
        return all(map(is_so, looked_at)) and len(self.run.contexts) == len(looked_at)

    def _only_endless(self) -> bool:
        """Whether every thread left is endless, a daemon or joining an endless thread, and so need not end."""
        live = [c for c in list(self.run.contexts) if not c.ended and not c.daemon and not c.endless]
        waits = [c.wait for c in live]
        return any(c.endless for c in self.run.contexts) and all(
            w is not None and w.op == "thread.join" and w.object is not None and w.object.context.endless  # type: ignore[attr-defined]
            for w in waits
        )

    def _too_many_steps(self) -> bool:
        limit = self.run.program.step_limit
        return limit is not None and sum(c.steps for c in list(self.run.contexts)) > limit

    def _look(self) -> bool:
        """Searches for deadlocked threads and reports new ones; returns whether every thread that is needed is deadlocked."""
        began = thread_time_ns()
        found = self.detector.deadlocked()
        for made in self._folding:
            made.fold()
        self._next_look = now() + max(DETECT_NS, LOOK_SHARE * (thread_time_ns() - began))
        if not found:
            return False
        if more := [(context, wait) for context, wait in found if context not in self._deadlocked]:
            self._report(more)
            self._deadlocked |= {context for context, _ in more}
        return self._all(lambda c: c.ended or c.daemon or c in self._deadlocked)

    def _report(self, found: list[tuple[Context, Wait | None]]) -> None:
        self.run.found(deadlock([self.describe(c, wait) for c, wait in found]))

    def describe(self, context: Context, wait: Wait | None) -> Stuck:
        """Describes what a thread is doing, for a finding."""
        began = self.run.began_ns
        if wait is None:
            if context.pool is not None and context.started_ns == 0:
                return Stuck(context.name, "blocked", "pool.worker", context.pool.label)
            site = context.seen
            return Stuck(
                context.name, "running", line=site.line if site else None, step=site.instruction.step if site else None
            )
        site = wait.site
        held_by = tuple(wait.object.held_by()) if wait.object is not None else ()
        since = round((wait.since_ns - began) / 1e9, 6)
        state = "sleeping" if wait.op == "sleep" else "blocked" if wait.deadline_ns is None else "waiting"
        label = wait.object.label if wait.object is not None else None
        return Stuck(context.name, state, wait.op, label, since, held_by, site.line, site.instruction.step)

    def _give_up(self, reason: str, details: dict[str, Any]) -> None:
        live = [c for c in list(self.run.contexts) if not c.ended]
        threads = tuple(self.describe(c, c.wait) for c in live)
        self.run.found(Finding("incomplete", reason, threads=threads, details=details))

    # --- the end

    def finish(self, run_id: str, signal: str | None) -> RunRecord:
        """Takes the figures, evaluates the expectations, frees every thread, and writes the last line of the log."""
        run = self.run
        reached = self._is_over()
        if reached:
            self._still_daemons()
        elapsed_ns = now() - run.began_ns
        if not any(finding.kind == "incomplete" for finding in run.findings):
            self._swallowed()
        checked, findings, outcome = at_the_end(run.program, run.objects, run.watch, reached)
        for finding in findings:
            run.found(finding)
        state = {c.name: run.objects[c.number].value for c in run.program.cells if c.kind == "variable"}
        self.sink.take(run.records, len(run.records))  # messages are counted as they are written
        figures = figures_of(run, elapsed_ns)
        left = free_threads.free_all(run, lambda: self.sink.take(run.records, 20_000))
        if run.broken is not None:
            raise InternalError(f"{type(run.broken).__name__}: {run.broken}") from run.broken
        result = result_of(
            run.program, run_id, "run", run.seed, findings=run.findings, expectations=checked,
            figures=figures, state=state, outcome=outcome, elapsed_ns=elapsed_ns, signal=signal,
        )  # fmt: skip
        result.notes["not_ended"] = left
        run.event("run.finished", "info", summary_fields(result, left))
        while self.sink.take(run.records, 100_000):
            pass
        self.sink.flush()
        return result

    def _still_daemons(self) -> None:
        """Cuts the daemons off and waits until none of them can take another step."""
        daemons = [c for c in list(self.run.contexts) if not c.ended]
        for context in daemons:
            context.cut = True
        end = now() + int(SETTLE_S * 1e9)
        pause = threading.Event()
        while any(not c.ended and c.wait is None for c in daemons) and now() < end:
            self.sink.take(self.run.records, 20_000)
            pause.wait(0.0005)

    def _swallowed(self) -> None:
        """Reports the faults of tasks whose result was never requested."""
        for context in self.swallowed():
            assert context.left_with is not None
            self.run.found_fault(context, context.left_with, swallowed=True)

    def swallowed(self) -> list[Context]:
        """Returns the tasks that ended with a fault and whose result was not requested."""
        known = list(self.run.contexts)
        return [one for one in known if one.left_with is not None and one.pool is not None and not one.asked]
