"""Walks the schedules of a plan, here, in other processes or on an executor; each has a sampler and tells what is new to it."""

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
from scenrun.search.space.packed import Stopped
from scenrun.search.strategies.policies import policy_of
from scenrun.search.strategies.sampled import Sampler
from scenrun.search.strategies.schedule_queue import Chunk, ScheduleQueue, Walked
from scenrun.workers.processes import start_method

AT_MOST_S = 0.2
"""How long limits are not looked at while nobody is heard of."""
PATIENCE_S = 2.0
"""How long a process may take to end by itself."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every process needs to know."""

    program: Program
    strategy: str
    seed: int
    max_steps: int
    depth: int

    def sampler(self, alarm: Callable[[], None] | None = None) -> Sampler:
        """Made in the process that uses it."""
        policy = policy_of(self.strategy, self.depth, self.seed, self.max_steps)
        return Sampler(self.program, policy, self.seed, self.max_steps, alarm)


def walk_here(plan: ScheduleQueue, task: Task) -> None:
    """Walk all schedules of a plan in this process; an interruption leaves what was found in the plan."""
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
    """The sampler of a thread of a worker, between chunks of one campaign."""

    campaign: str | None = None
    sampler: Sampler | None = None
    next = 0
    """The first schedule that it may walk: what it found in later ones it would not tell again."""


_kept = _Kept()


def walk_chunk(campaign: str, packed: bytes, chunk: Chunk) -> Walked:
    """What a worker of an executor does with a chunk of the campaign of that name, whose task is packed."""
    sampler = _kept.sampler
    if sampler is None or _kept.campaign != campaign or chunk.first < _kept.next:
        task: Task = pickle.loads(packed)
        sampler = _kept.sampler = task.sampler()
        _kept.campaign = campaign
    _kept.next = chunk.first + chunk.count
    return _walked(sampler, chunk)


def walk_on(plan: ScheduleQueue, task: Task, executor: Executor, jobs: int) -> None:
    """Walk all schedules of a plan on an executor that runs so many tasks at once; the result is the same as anywhere.

    Where nobody is heard of, `executor.look()` may say that nobody is there, if it has such a method.
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
    """Walk all schedules of a plan in other processes; an interruption waits for what they are at."""
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
    """The other processes."""

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
        """Keep everyone busy until nothing is left to do and nobody is at anything."""
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
        """Let everyone go."""
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
    """What a process says: what it has walked, or what went wrong."""
    try:
        heard = one.recv()
    except (EOFError, OSError):
        raise InternalError("a process that walks schedules has died") from None
    if isinstance(heard, BaseException):
        raise heard
    assert isinstance(heard, Walked)
    return heard


def _serve(connection: Connection, task: Task, inherited: tuple[Connection, ...]) -> None:
    """The life of such a process. Ctrl-C is for the one that it works for."""
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
