"""Walks the chunks of a schedule queue in this process, in worker processes or on an executor, with one sampler for each."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from scenrun.errors import InternalError
from scenrun.program.ir import Program
from scenrun.search.space.state_space import Stopped
from scenrun.search.strategies.model_executions import ModelExecutions
from scenrun.search.strategies.policies import policy_of
from scenrun.search.strategies.sampled import Sampler
from scenrun.search.strategies.schedule_queue import Chunk, ScheduleQueue, Walked
from scenrun.workers.processes import start_method

AT_MOST_S = 0.2
"""Seconds between two checks of the limits while no result arrives."""
PATIENCE_S = 2.0
"""Seconds that an idle process may take to end before it is terminated."""


@dataclass(frozen=True, slots=True)
class Task:
    """The parameters of a randomized campaign, sent to every process."""

    program: Program
    strategy: str
    seed: int
    max_steps: int
    depth: int

    def sampler(self, alarm: Callable[[], None] | None = None) -> Sampler:
        """A new sampler, for the process that calls this."""
        policy = policy_of(self.strategy, self.depth, self.seed, self.max_steps)
        executions = ModelExecutions.of(self.program, self.seed)
        executions.alarm = alarm
        return Sampler(executions, policy, self.seed, self.max_steps)


def walk_here(plan: ScheduleQueue, task: Task) -> None:
    """Walk all schedules of a plan in this process; after an interruption the plan has the schedules walked until then."""
    sampler = task.sampler(plan.stop)
    while (chunk := plan.next()) is not None:
        try:
            plan.take(_walked(sampler, chunk))
        except (KeyboardInterrupt, Stopped):
            if plan.tally.schedules == chunk.first:
                plan.take(Walked(chunk, sampler.take(), sampler.policy.lesson(), 0.0))
            raise


def _walked(sampler: Sampler, chunk: Chunk) -> Walked:
    began = time.perf_counter()
    sampler.policy.learn(chunk.lesson)
    sampler.walk(chunk.first, chunk.count)
    return Walked(chunk, sampler.take(), sampler.policy.lesson(), time.perf_counter() - began)


# --- an executor, such as that of a cluster


class _Kept(threading.local):
    """The sampler that a worker's thread keeps between the chunks of one campaign."""

    campaign: str | None = None
    sampler: Sampler | None = None
    next = 0
    """The lowest schedule that it may walk: findings of later schedules that it has reported it would not report again."""


_kept = _Kept()


def walk_chunk(campaign: str, packed: bytes, chunk: Chunk) -> Walked:
    """Walk a chunk on a worker of an executor. campaign: a unique name; packed: the pickled Task."""
    sampler = _kept.sampler
    if sampler is None or _kept.campaign != campaign or chunk.first < _kept.next:
        task: Task = pickle.loads(packed)
        sampler = _kept.sampler = task.sampler()
        _kept.campaign = campaign
    _kept.next = chunk.first + chunk.count
    return _walked(sampler, chunk)


def walk_on(plan: ScheduleQueue, task: Task, executor: Executor, jobs: int) -> None:
    """Walk all schedules of a plan on an executor that runs `jobs` tasks at once; the result is the same as in one process.

    While no result arrives, `executor.look()`, where it exists, is called; it raises if the workers are lost.
    """
    look: Callable[[], None] = getattr(executor, "look", lambda: None)
    campaign, packed = uuid.uuid4().hex, pickle.dumps(task)
    busy: dict[Future[Walked], int] = {}
    try:
        while True:
            while len(busy) < 2 * jobs and (chunk := plan.next()) is not None:
                busy[executor.submit(walk_chunk, campaign, packed, chunk)] = chunk.first
            if not busy:
                return
            done, _ = wait_for(busy, AT_MOST_S, FIRST_COMPLETED)
            if not done:
                look()
                plan.stop()
            for future in sorted(done, key=busy.__getitem__):
                del busy[future]
                plan.take(future.result())
    except BrokenExecutor as error:
        raise InternalError(f"schedules that were walked ended the processes that did so: {error}") from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


# --- other processes


def walk_elsewhere(plan: ScheduleQueue, task: Task, jobs: int) -> None:
    """Walk all schedules of a plan in worker processes; an interruption waits for the chunks that are being walked."""
    crew = _Crew(task, jobs)
    try:
        try:
            crew.work_through(plan)
        except KeyboardInterrupt:
            plan.ended_by = "interrupted"
            crew.work_through(plan)
            raise
    finally:
        crew.dismiss()


class _Crew:
    """The worker processes, each with a pipe to it."""

    def __init__(self, task: Task, jobs: int) -> None:
        method = start_method()
        context: Any = multiprocessing.get_context(method)
        self.processes: list[Any] = []
        self.idle: list[Connection] = []
        self.busy: list[Connection] = []
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            inherited = (*self.idle, ours) if method == "fork" else ()
            process = context.Process(target=_serve, args=(theirs, task, inherited), daemon=True)
            process.start()
            theirs.close()
            self.processes.append(process)
            self.idle.append(ours)

    def work_through(self, plan: ScheduleQueue) -> None:
        """Give chunks to idle processes until none is left and all results have come."""
        while True:
            while self.idle and (chunk := plan.next()) is not None:
                one = self.idle.pop()
                self.busy.append(one)
                one.send(chunk)
            if not self.busy:
                return
            heard = wait(self.busy, AT_MOST_S)
            if not heard:
                plan.stop()
            for one in [one for one in self.busy if one in heard]:
                self.busy.remove(one)
                plan.take(_heard(one))
                self.idle.append(one)

    def dismiss(self) -> None:
        """End all processes."""
        for one in (*self.idle, *self.busy):
            with suppress(OSError):
                one.send(None)
            one.close()
        for process in self.processes:
            process.join(0 if self.busy else PATIENCE_S)
            if process.is_alive():
                process.terminate()
                process.join()


def _heard(one: Connection) -> Walked:
    """Receive a chunk's result from a process; raises the exception that it sends instead."""
    try:
        heard = one.recv()
    except (EOFError, OSError):
        raise InternalError("a process that walks schedules has died") from None
    if isinstance(heard, BaseException):
        raise heard
    assert isinstance(heard, Walked)
    return heard


def _serve(connection: Connection, task: Task, inherited: tuple[Connection, ...]) -> None:
    """The main function of a worker process; Ctrl-C is left to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for one in inherited:
        one.close()
    with suppress(EOFError, OSError):
        sampler = task.sampler()
        while (chunk := connection.recv()) is not None:
            try:
                connection.send(_walked(sampler, chunk))
            except Exception as error:
                connection.send(error)
                return
