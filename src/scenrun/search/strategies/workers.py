"""Walks the chunks of a schedule queue, in this process or in a pool of workers, with one sampler for each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from scenrun.errors import InternalError
from scenrun.program.ir import Program
from scenrun.search.space.state_space import Stopped
from scenrun.search.strategies.model_executions import ModelExecutions
from scenrun.search.strategies.registry import POLICIES
from scenrun.search.strategies.sampled import Sampler
from scenrun.search.strategies.schedule_queue import Chunk, ScheduleQueue, Walked
from scenrun.workers.pool import Pool


class Task(Struct, frozen=True):
    """The parameters of a randomized campaign, sent to every process."""

    program: Program
    strategy: str
    seed: int
    max_steps: int
    depth: int

    def sampler(self, alarm: Callable[[], None] | None = None) -> Sampler:
        """A new sampler, for the process that calls this."""
        policy = POLICIES[self.strategy](self.depth, self.seed, self.max_steps)
        executions = ModelExecutions.of(self.program, self.seed)
        executions.alarm = alarm
        return Sampler(executions, policy, self.seed, self.max_steps)


class MakesSampler(Protocol):
    """Whatever schedules are drawn of."""

    def sampler(self, alarm: Callable[[], None] | None = None) -> Sampler:
        """A new sampler."""


def walk_here(plan: ScheduleQueue, task: MakesSampler) -> None:
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


class Walker:
    """Walks the chunks of a worker."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._sampler = task.sampler()
        self._next = 0
        """The lowest schedule that the sampler may walk: it would not report the findings of later ones again."""

    def __call__(self, chunk: Chunk) -> Walked:
        """The result of a chunk."""
        if chunk.first < self._next:  # a cluster does the chunks of a lost worker again
            self._sampler = self.task.sampler()
        self._next = chunk.first + chunk.count
        return _walked(self._sampler, chunk)


def walk_in(pool: Pool[Chunk, Walked], plan: ScheduleQueue) -> None:
    """Walk all schedules of a plan in a pool; an interruption waits for the chunks that are being walked."""
    with pool:
        try:
            _work_through(pool, plan)
        except KeyboardInterrupt:
            plan.ended_by = "interrupted"
            _work_through(pool, plan)
            raise


def _work_through(pool: Pool[Chunk, Walked], plan: ScheduleQueue) -> None:
    again: list[Chunk] = []
    """Chunks whose worker died: a new one walks them, as it may have died of what it had walked before."""
    for done in pool.results(lambda: again.pop() if again else plan.next()):
        if done is None:
            plan.stop()
        elif done.result is not None:
            plan.take(done.result)
        elif done.job in plan.died:
            last = done.job.first + done.job.count - 1
            raise InternalError(f"two processes have died that walked the schedules {done.job.first:,} to {last:,}")
        else:
            plan.died.append(done.job)
            again.append(done.job)
