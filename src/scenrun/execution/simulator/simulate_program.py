"""Simulates a program once, from the header of its log to its result; the same seed gives the same log."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct, field

from scenrun.execution.expectation_checks import at_the_end
from scenrun.execution.simulator.costs import STEP_NS, Costs, stronger
from scenrun.execution.simulator.loop import Ending, Loop
from scenrun.execution.simulator.metrics import figures_of
from scenrun.execution.simulator.schedulers.registry import RoundRobin
from scenrun.execution.simulator.schedulers.scheduler import Scheduler
from scenrun.execution.simulator.simulation import Setup, Simulation
from scenrun.execution.simulator.stuck import Search, describe, is_cancelled
from scenrun.execution.simulator.threads import SimulatedThread
from scenrun.model.turn_schedule import Turn
from scenrun.program.any_number import refuse_any_number
from scenrun.program.findings import Finding
from scenrun.program.ir import Program
from scenrun.program.results import RunRecord
from scenrun.program.verdicts import deadlock, result_of, summary_fields
from scenrun.trace.events import LEVELS
from scenrun.trace.recorder import Recorder
from scenrun.trace.run_header import program_fields, shared_fields

__all__ = ["Settings", "run_id_of", "simulate_program"]


class Settings(Struct, frozen=True):
    """The settings of a simulation."""

    cpus: int = 1
    """The number of processors, each of which runs one thread at a time; one, as under the GIL."""
    step_ns: int = STEP_NS
    """The cost in nanoseconds of a step for which neither the file nor `costs` gives one."""
    costs: dict[str, int] = field(default_factory=dict)
    """Costs by verb, in nanoseconds; those of the file take precedence."""
    epoch_ns: int = 0
    """The time at which the virtual clock starts, in nanoseconds since 1970."""
    scheduler: Callable[[int], Scheduler] = lambda seed: RoundRobin()
    """Makes the scheduler from the run's seed."""
    record: bool = False
    """Whether the schedule is recorded: its turns are in `RunRecord.notes["schedule"]`."""


def run_id_of(program: Program, seed: int) -> str:
    """Returns the identifier of a simulated run: the same for the same program and seed."""
    return hashlib.sha256(f"{program.digest}/{seed}".encode()).hexdigest()[:12]


def simulate_program(
    program: Program,
    make_recorder: Callable[[str], Recorder],
    *,
    seed: int | None = None,
    level: str = "info",
    time_limit_ns: int | None = None,
    interrupted: Callable[[], str | None] = lambda: None,
    settings: Settings | None = None,
    hurry: Sequence[object] = (),
) -> RunRecord:
    """Simulates a program once; returns its result.

    `time_limit_ns` is virtual time and replaces the scenario's own limit. `interrupted` is called regularly and returns the
    name of the signal that is to end the run, None while there is none. `hurry` is no longer empty once there is a signal,
    so that the run ends even if its threads take long in real time.
    """
    refuse_any_number(program)
    settings = settings or Settings()
    seed = program.seed if seed is None else seed
    recorder = make_recorder(run_id_of(program, seed))
    recorder.wall_ns, recorder.began_ns = settings.epoch_ns, 0
    one = SimulatedRun(program, recorder, seed, level, settings, hurry)
    try:
        return one.run(time_limit_ns or program.time_limit_ns, interrupted)
    finally:
        recorder.close()


class SimulatedRun:
    """One simulated run, from its first line in the log to its last."""

    def __init__(
        self, program: Program, recorder: Recorder, seed: int, level: str, settings: Settings,
        hurry: Sequence[object] = (),
    ) -> None:  # fmt: skip
        self.program = program
        self.recorder = recorder
        self.settings = settings
        self.level = level
        costs = Costs(stronger(program.costs, settings.costs), settings.step_ns)
        scheduler = settings.scheduler(seed)
        moves = settings.record or scheduler.name == "replay"
        setup = Setup(seed, LEVELS[level], scheduler, costs, count_moves=moves)
        self.simulation = self._simulation(setup, hurry)
        self.search: Search | None = None
        self._deadlocked: list[SimulatedThread] = []
        self.schedule: list[Turn] | None = [] if settings.record else None
        self._event("run.started", self._started())

    def _simulation(self, setup: Setup, hurry: Sequence[object]) -> Simulation:
        return Simulation(self.program, setup, self._drain, hurry)

    def _loop(self, simulation: Simulation, **how: Any) -> Loop:
        return Loop(simulation, **how)

    def _started(self) -> dict[str, Any]:
        scheduler = self.simulation.scheduler
        return {
            **program_fields(self.program, self.simulation.seed, "simulate"),
            "cpus": self.settings.cpus,
            "gil": self.settings.cpus == 1,
            **({"switch_interval_s": scheduler.slice_ns / 1e9} if scheduler.slice_ns >= 0 else {}),
            "scheduler": scheduler.name,
            "step_cost_s": self.simulation.costs.step_ns / 1e9,
            **shared_fields(self.program, self.level),
        }

    def _event(self, name: str, fields: dict[str, Any]) -> None:
        self.simulation.records.append((self.simulation.now_ns, None, None, "event", name, "info", fields))

    def _drain(self, everything: bool = False) -> None:
        """Writes the records, those of several processors in order of time.

        With several processors, threads add records out of order; those at or after the current time may still be preceded
        by others, so they are written only if `everything` is.
        """
        records = self.simulation.records
        if self.settings.cpus == 1:
            self.recorder.take(records, len(records))
            return
        in_order = sorted(records, key=lambda record: record[0])
        past = len(in_order) if everything else bisect_left(in_order, self.simulation.now_ns, key=lambda r: r[0])
        records.clear()
        records.extend(in_order)
        self.recorder.take(records, past)

    def run(self, time_limit_ns: int, interrupted: Callable[[], str | None]) -> RunRecord:
        """Runs the simulation, evaluates the expectations and writes the log's last line. `time_limit_ns` is virtual time."""
        simulation = self.simulation
        loop = self._loop(
            simulation, time_limit_ns=time_limit_ns, cpus=self.settings.cpus, interrupted=interrupted,
            stuck=self._nobody_can_end, recorded=self.schedule,
        )  # fmt: skip
        signal = None
        try:
            loop.run()
        except Ending as ending:
            signal = ending.details.get("signal")
            self._ended_early(ending)
        else:
            if simulation.needed:
                self._report([thread for thread in simulation.threads if not thread.ended])
        return self._finish(signal)

    # --- findings and the end

    def _nobody_can_end(self) -> bool:
        """Searches for deadlocked threads and reports new ones; whether every needed thread has ended or is deadlocked."""
        self.search = self.search or Search(self.simulation)
        self._report([thread for thread in self.search.found() if thread not in self._deadlocked])
        stuck = set(self._deadlocked)
        return all(thread.ended or thread.daemon or thread in stuck for thread in self.simulation.threads)

    def _report(self, threads: list[SimulatedThread]) -> None:
        if threads and not all(thread.daemon for thread in threads):
            self.simulation.found(deadlock([describe(thread) for thread in threads if not is_cancelled(thread)]))
            self._deadlocked += threads

    def _ended_early(self, ending: Ending) -> None:
        """Reports that a limit or a signal ended the run, unless the threads left need not end or are deadlocked."""
        if not ending.reason or self._nobody_can_end():
            return
        if ending.details.get("limit") == "time" and self._only_endless():
            return
        live = [thread for thread in self.simulation.threads if not thread.ended]
        threads = tuple(describe(thread) for thread in live)
        self.simulation.found(Finding("incomplete", ending.reason, threads=threads, details=ending.details))

    def _only_endless(self) -> bool:
        """Whether every thread left is endless, a daemon or joining an endless thread, and so need not end."""
        threads = self.simulation.threads
        live = [t for t in threads if not (t.ended or t.daemon or t.endless)]
        return any(t.endless for t in threads) and all(
            t.parked
            and t.action is not None
            and t.action.operation.name == "join"
            and getattr(t.objects[0], "endless", False)
            for t in live
        )

    def _finish(self, signal: str | None) -> RunRecord:
        simulation = self.simulation
        reached = not simulation.needed
        elapsed_ns = simulation.now_ns
        if not any(finding.kind == "incomplete" for finding in simulation.findings):
            self._swallowed()
        checked, findings, outcome = at_the_end(self.program, simulation.objects, simulation.watch, reached)
        for finding in findings:
            simulation.found(finding)
        state = {c.name: simulation.objects[c.number].value for c in self.program.cells if c.kind == "variable"}
        self._cut_off()
        self._drain(everything=True)
        result = result_of(
            self.program, self.recorder.run_id, "simulate", simulation.seed, findings=simulation.findings,
            expectations=checked, figures=figures_of(simulation, elapsed_ns),
            state=state, outcome=outcome, elapsed_ns=elapsed_ns, signal=signal,
        )  # fmt: skip
        if self.schedule is not None:
            result.notes["schedule"] = self.schedule
        self._event("run.finished", summary_fields(result))
        self._drain(everything=True)
        self.recorder.flush()
        return result

    def _cut_off(self) -> None:
        """Logs that each thread that has begun and not ended is cut off before its next step."""
        simulation = self.simulation
        for thread in simulation.threads:
            if not thread.ended and thread.has_begun:
                simulation.records.append(
                    (simulation.now_ns, thread, thread.site, "event", "thread.cut_off", "info", {})
                )

    def _swallowed(self) -> None:
        """Reports the faults of tasks whose result was never requested."""
        for thread in self.swallowed():
            self.simulation.found_fault(thread, thread.left_with, swallowed=True)

    def swallowed(self) -> list[Any]:
        """Returns the tasks that ended with a fault and whose result was not requested."""
        return [
            thread
            for thread in self.simulation.threads
            if thread.ended and thread.left_with is not None and thread.beside is not None and not thread.value[4]
        ]
