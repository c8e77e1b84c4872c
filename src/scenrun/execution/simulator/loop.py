"""The simulation's main loop: resumes one thread after another, on one processor or several, until all end or none can move."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from scenrun.execution.simulator.simulation import PATIENCE, Simulation, StandsStill
from scenrun.execution.simulator.threads import SimulatedThread
from scenrun.model.turn_schedule import Turn

LOOK_EVERY = 64
"""Slices between two checks of signals, limits and the records to be written."""
FIRST_SEARCH = 100_000
"""Slices before the first search for deadlocked threads while others still run; each later one comes at twice as many."""


class Ending(Exception):
    """Ends the simulation before its threads have ended: at a limit, at a signal, or with a deadlock beside running threads."""

    def __init__(self, reason: str, details: dict[str, Any]) -> None:
        self.reason = reason
        self.details = details
        super().__init__(reason)


class Loop:
    """Resumes threads in the scheduler's order. `recorded` receives the schedule, if one is wanted."""

    def __init__(
        self,
        simulation: Simulation,
        *,
        time_limit_ns: int,
        cpus: int = 1,
        interrupted: Callable[[], str | None] = lambda: None,
        stuck: Callable[[], bool] = lambda: False,
        recorded: list[Turn] | None = None,
    ) -> None:
        self.simulation = simulation
        self.scheduler = simulation.scheduler
        self.clock = simulation.clock
        self.time_limit_ns = time_limit_ns
        self.cpus = cpus
        self.interrupted = interrupted
        self.stuck = stuck
        """Searches for deadlocked threads; whether no needed thread outside them is left, although others run."""
        self.recorded = recorded
        self.slices = 0
        self.next_search = FIRST_SEARCH
        self._moved_at = -1
        self._still_since = 0

    def run(self) -> None:
        """Runs until every needed thread has ended or none can move; raises Ending if something else ends it first."""
        simulation = self.simulation
        simulation.begin()
        try:
            if self.cpus == 1:
                self._on_one()
            else:
                self._on_many()
        except StandsStill:
            raise self._standing_still() from None

    def _on_one(self) -> None:
        # Each slice passes through here: the loop is one long function, with attributes in locals and with what the clock
        # does written out, as calls would take more of the time than the rest.
        simulation, scheduler, clock = self.simulation, self.scheduler, self.clock
        take, add, slice_ns, switch_ns = scheduler.take, scheduler.add, scheduler.slice_ns, simulation.costs.switch_ns
        entries, limit, look_at, recorded = clock.entries, self.time_limit_ns, LOOK_EVERY, self.recorded
        heappop, unpark = heapq.heappop, simulation.unpark
        follows: Callable[[], int] | None = getattr(scheduler, "until_ns", None)
        add_first: Any = getattr(scheduler, "add_first", None)
        asked_ns: Callable[[], int] | None = getattr(scheduler, "asked_ns", None)
        prefer: Any = getattr(scheduler, "prefer", None)
        t, slices, until, last = simulation.now_ns, 0, 0, None
        hurry = simulation.hurry
        while simulation.needed:
            try:
                thread = take()
            except IndexError:
                simulation.now_ns = t
                following = clock.first()
                if following is None:
                    return
                if following > t:
                    t = following
                    if t >= limit:
                        self._look(limit)
                entries = clock.entries
                while entries and entries[0][0] <= t:
                    _, count, thread = heappop(entries)
                    if thread.timer == count:
                        unpark(thread)
                thread = take()
            if thread is not last:
                if last is None or succeeds(last, thread):
                    last = thread
                else:
                    t += switch_ns
                    last, until = thread, 0
            moves, parks = thread.moves, thread.parks
            if until <= t:
                until = t + slice_ns if follows is None else follows()
                if until > limit > t:
                    until = limit
            t = thread.send((t, until))
            waits = thread.parked  # read before the clock wakes threads: this one's own moment may have come already
            if entries and entries[0][0] <= t:
                self._wake_due(t)
            if waits:
                until = 0
            elif thread.ended:
                thread.over()
                if thread.beside is not None and prefer is not None:
                    prefer(lambda after, before=thread: succeeds(before, after))
            elif asked_ns is not None and (until := asked_ns()) > t:
                add_first(thread)  # as under the GIL: the next thread has not waited for a whole slice yet
            else:
                thread.ready_ns = t
                add(thread)
            if recorded is not None:
                record(recorded, thread.name, thread.moves - moves, None if thread.parks > parks or thread.ended else t)
            slices += 1
            if t >= limit or slices >= look_at or hurry:
                look_at = slices + LOOK_EVERY
                self.slices = slices
                self._look(t)
                entries = clock.entries
        simulation.now_ns = t

    def _idle(self, t: int) -> int:
        """Advances to the next moment at which a thread wakes, as none is ready; returns it, or -1 if none ever wakes."""
        simulation = self.simulation
        following = self.clock.first()
        simulation.now_ns = t
        if following is None:
            return -1
        t = max(t, following)
        if t >= self.time_limit_ns:
            self._look(self.time_limit_ns)
        self._wake_due(t)
        return t

    def _wake_due(self, t: int) -> None:
        unpark = self.simulation.unpark
        for thread in self.clock.due(t):
            unpark(thread)

    def _on_many(self) -> None:
        """Simulates several processors: resumes the thread that is earliest in time, up to the time of the next one."""
        simulation, scheduler = self.simulation, self.scheduler
        running: list[tuple[int, int, SimulatedThread | None, int]] = []
        now = order = slices = 0
        while simulation.needed:
            while len(scheduler) and len(running) < self.cpus:
                order += 1
                heapq.heappush(running, (now, order, scheduler.take(), now + max(0, scheduler.slice_ns)))
            if not any(entry[2] is not None for entry in running):
                if len(scheduler):  # every processor is still busy with the last step of a thread that now waits
                    now = max(now, heapq.heappop(running)[0])
                    continue
                now = self._idle(max([now, *(entry[0] for entry in running)]))
                running.clear()
                if now < 0:
                    return
                continue
            wakes = self.clock.first()
            if wakes is not None and wakes <= running[0][0]:
                now = max(now, wakes)
                self._wake_due(wakes)
                continue
            now, _, thread, until = heapq.heappop(running)
            if thread is None:
                continue
            others = running[0][0] if running else until
            if wakes is not None:
                others = min(others, wakes)
            after = thread.send((now, min(until, others)))
            order += 1
            if thread.ended:
                thread.over()
            if thread.parked or thread.ended:
                heapq.heappush(running, (after, order, None, after))
            elif after >= until and len(scheduler):
                scheduler.add(thread)
                heapq.heappush(running, (after, order, None, after))
            else:
                heapq.heappush(
                    running, (after, order, thread, until if after < until else after + max(0, scheduler.slice_ns))
                )
            slices += 1
            if now >= self.time_limit_ns or not slices % LOOK_EVERY or simulation.hurry:
                self.slices = slices
                self._look(now)
        simulation.now_ns = max([now, *(thread.ended_ns for thread in simulation.threads)])

    # --- what is no thread's affair

    def _look(self, t: int) -> None:
        simulation = self.simulation
        simulation.now_ns = t
        if len(simulation.records) > 1_000:
            simulation.drain()
        if (signal := self.interrupted()) is not None:
            raise Ending(f"the run was ended by {signal}", {"signal": signal})
        if t >= self.time_limit_ns:
            simulation.now_ns = self.time_limit_ns
            raise Ending(f"the limit of {self.time_limit_ns / 1e9:g} s was reached", {"limit": "time"})
        limit = simulation.program.step_limit
        if limit is not None and sum(thread.steps for thread in simulation.threads) > limit:
            raise Ending(f"the limit of {limit:,} steps was reached", {"limit": "steps"})
        if t != self._moved_at:
            self._moved_at, self._still_since = t, self.slices + simulation.zero_steps
        elif self.slices + simulation.zero_steps - self._still_since > PATIENCE:
            raise self._standing_still()
        if self.slices >= self.next_search:
            self.next_search *= 2
            if self.stuck():
                raise Ending("", {})

    def _standing_still(self) -> Ending:
        if (signal := self.interrupted()) is not None:
            return Ending(f"the run was ended by {signal}", {"signal": signal})
        return Ending(f"the clock stood still for {PATIENCE:,} steps", {"limit": "steps"})


def succeeds(ended: SimulatedThread, begins: SimulatedThread) -> bool:
    """Whether a task follows another on the same worker, so that no switch of threads takes place."""
    return ended.ended and begins.beside is not None and begins.beside is ended.beside and not begins.has_begun


def record(recorded: list[Turn], thread: str, steps: int, until_ns: int | None) -> None:
    """Adds a turn to the schedule; joins it with the last one if that was the same thread's and did not end in a wait."""
    if recorded and recorded[-1].thread == thread and recorded[-1].until_ns is not None:
        steps += recorded.pop().steps
    recorded.append(Turn(thread, steps, until_ns))
