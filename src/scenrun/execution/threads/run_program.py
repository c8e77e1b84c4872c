"""Runs a program once on real threads, from the header of its log to its result."""

from __future__ import annotations

import os
import platform
import queue
import sys
import time
from collections.abc import Callable
from time import perf_counter_ns as now
from typing import Any

from scenrun.errors import OutputError, UsageError
from scenrun.execution.threads import free_threads
from scenrun.execution.threads.run import Run
from scenrun.execution.threads.supervisor import Supervisor
from scenrun.program.any_number import refuse_any_number
from scenrun.program.ir import Program
from scenrun.program.results import RunRecord
from scenrun.trace.events import LEVELS
from scenrun.trace.recorder import OutputClosed, Recorder
from scenrun.trace.run_header import program_fields, shared_fields

Interrupted = Callable[[], str | None]
__all__ = ["run_program"]


def run_program(
    program: Program,
    make_recorder: Callable[[str], Recorder],
    *,
    seed: int | None = None,
    level: str = "info",
    time_limit_ns: int | None = None,
    interrupted: Interrupted = lambda: None,
) -> RunRecord:
    """Runs a program once; returns its result after every thread has left.

    `make_recorder` makes the log's recorder from the run's identifier. `interrupted` returns the name of the signal that
    is to end the run, None while there is none. `time_limit_ns` is wall time and replaces the scenario's own limit.
    """
    refuse_any_number(program)
    refuse_unknown_to_python(program)
    run_id = os.urandom(6).hex()
    recorder = make_recorder(run_id)
    run = Run(program, program.seed if seed is None else seed, LEVELS[level])
    recorder.wall_ns, recorder.began_ns = time.time_ns(), now()
    run.event("run.started", "info", started_fields(run, level))
    return watched(
        Supervisor(run, recorder, interrupted, time_limit_ns or program.time_limit_ns), run, recorder, run_id
    )


def refuse_unknown_to_python(program: Program) -> None:
    """Raise UsageError for what this Python's standard library does not have."""
    if program.queues_shut_down and not hasattr(queue.Queue, "shutdown"):
        line, version = next(iter(program.queues_shut_down.values())), platform.python_version()
        raise UsageError(
            f"line {line} shuts a queue down, which real queues can be from Python 3.13 on; this is Python {version}: "
            "simulate it, or explore it"
        )


def watched(supervisor: Supervisor, run: Run, recorder: Recorder, run_id: str) -> RunRecord:
    """Watches a run to its end; returns its result after every thread has left."""
    try:
        signal = supervisor.watch()
        result = supervisor.finish(run_id, signal)
    except (OutputError, OutputClosed):
        free_threads.free_all(run, run.records.clear)
        raise
    except BaseException:
        free_threads.free_all(run, lambda: _drain(run, recorder))
        _drain(run, recorder)
        recorder.close()
        raise
    recorder.close()
    return result


def started_fields(run: Run, level: str) -> dict[str, Any]:
    """Returns the fields of `run.started`."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return {
        **program_fields(run.program, run.seed, "run"),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": sys.platform,
        "cpus": os.cpu_count() or 1,
        "gil": bool(gil),
        "switch_interval_s": sys.getswitchinterval(),
        **shared_fields(run.program, level),
    }


def _drain(run: Run, recorder: Recorder) -> None:
    """Writes the waiting records, or drops them if writing fails, so that no thread waits for room."""
    try:
        recorder.take(run.records, len(run.records))
    except BaseException:  # the first error is already being raised to the caller
        run.records.clear()
