"""Runs one strategy up to a limit of schedules or seconds, in one process or several; the result is independent of how many."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from scenrun.errors import UsageError
from scenrun.program.ir import Program
from scenrun.search.space.state_space import Stopped
from scenrun.search.strategies.exhaustive import Progress
from scenrun.search.strategies.model_executions import ModelExecutions
from scenrun.search.strategies.pct import Size
from scenrun.search.strategies.registry import EXHAUSTIVE, POLICIES, STRATEGIES
from scenrun.search.strategies.results import Campaign, Chances, Tally, in_order
from scenrun.search.strategies.schedule_queue import Limits, Look, ScheduleQueue
from scenrun.search.strategies.workers import Task, Walker, walk_here, walk_in
from scenrun.workers.pool import OnExecutor, Processes

SCHEDULES = 10_000
"""The number of schedules where neither a number nor a time is given."""
MAX_STEPS = 10_000
"""Steps after which a schedule is cut off."""
DEPTH = 3
"""The bug depth that PCT aims at by default."""
INTERRUPTED = "interrupted"


def run_campaign(
    program: Program,
    *,
    strategy: str = "random",
    seed: int | None = None,
    schedules: int | None = None,
    seconds: float | None = None,
    jobs: int = 1,
    depth: int = DEPTH,
    bound: int | None = None,
    look: Look | None = None,
    max_steps: int = MAX_STEPS,
    make_executor: Callable[[], Executor] | None = None,
) -> Campaign:
    """Walk schedules of a program, one after another, and report their findings and outcomes.

    Schedule number i of a randomized strategy has the seed `seed + i` (the program's seed by default); the program's own
    random draws have the seed `seed`. schedules, seconds: limits, whichever is reached first; 10,000 schedules if neither
    is given. jobs: number of processes; the result is the same for any number of them, and exhaustive strategies use one.
    make_executor: makes the executor that walks the schedules instead, `jobs` chunks at a time. depth: the bug depth that
    PCT aims at. bound: the most preemptions or delays. look: called now and then with the tally so far; a sentence that it
    returns ends the campaign. max_steps: steps after which a schedule is cut off. Ctrl-C ends the campaign as well.
    """
    _check(
        strategy, schedules, seconds, jobs=jobs, depth=depth, bound=bound, max_steps=max_steps,
    )  # fmt: skip
    if schedules is None and seconds is None:
        schedules = SCHEDULES
    began = time.perf_counter()
    limits = Limits(schedules, seconds, max_steps, look or (lambda tally: None))
    task = Task(program, strategy, program.seed if seed is None else seed, max_steps, depth)
    if strategy in EXHAUSTIVE:
        return _exhaustive(task, limits, bound, began)
    return _sampled(task, limits, jobs, began, make_executor)


def _check(
    strategy: str,
    schedules: int | None,
    seconds: float | None,
    *,
    jobs: int,
    depth: int,
    bound: int | None,
    max_steps: int,
) -> None:
    if strategy not in STRATEGIES:
        raise UsageError(f"there is no strategy `{strategy}`; strategies are {', '.join(STRATEGIES)}")
    for name, number in (("schedules", schedules), ("jobs", jobs), ("depth", depth), ("max_steps", max_steps)):
        if number is not None and number < 1:
            raise UsageError(f"{name}: at least 1, not {number}")
    if seconds is not None and seconds < 0:
        raise UsageError(f"seconds: not less than nothing, as {seconds:g} is")
    if bound is not None and bound < 0:
        raise UsageError(f"bound: at least 0, not {bound}")


def _sampled(
    task: Task, limits: Limits, jobs: int, began: float, make_executor: Callable[[], Executor] | None
) -> Campaign:
    """Run a randomized strategy."""
    plan = ScheduleQueue(POLICIES[task.strategy](task.depth, task.seed, task.max_steps), limits, began)
    plan.ended_by = limits.reached(plan.tally, began)
    try:
        if make_executor is not None:
            walk_in(OnExecutor(make_executor, partial(Walker, task), jobs), plan)
        elif jobs == 1:
            walk_here(plan, task)
        else:
            walk_in(Processes(partial(Walker, task), jobs), plan)
    except Stopped as stopped:
        plan.ended_by = stopped.reason
    except KeyboardInterrupt:
        plan.ended_by = INTERRUPTED
    chances = None
    if isinstance(plan.learnt, Size):
        chances = Chances(task.depth, plan.learnt.threads, plan.learnt.points)
    return campaign_of(task, plan.tally, began, jobs=jobs, ended_by=plan.ended_by, chances=chances)


def _exhaustive(task: Task, limits: Limits, bound: int | None, began: float) -> Campaign:
    """Run a strategy that enumerates all schedules."""
    executions = ModelExecutions.of(task.program, task.seed)
    search = EXHAUSTIVE[task.strategy](executions, task.max_steps, bound)
    progress = Progress(search, limits, began)
    executions.alarm = progress.stop
    try:
        ended_by = progress.run()
    except Stopped as stopped:
        ended_by = stopped.reason
    except KeyboardInterrupt:
        ended_by = INTERRUPTED
    return campaign_of(task, progress.tally, began, ended_by=ended_by, bound=search.bound, redundant=progress.redundant)


def campaign_of(
    task: Task,
    tally: Tally,
    began: float,
    *,
    ended_by: str | None,
    jobs: int = 1,
    bound: int | None = None,
    redundant: int = 0,
    chances: Chances | None = None,
) -> Campaign:
    """The campaign's result from a tally; `began` is a time of `time.perf_counter`."""
    return Campaign(
        strategy=task.strategy,
        seed=task.seed,
        schedules=tally.schedules,
        cut_off=tally.cut_off,
        failing=tally.failing,
        steps=tally.steps,
        longest=tally.longest,
        seconds=time.perf_counter() - began,
        jobs=jobs,
        outcomes=tuple(sorted(tally.outcomes.values(), key=repr)),
        findings=in_order(tally.findings.values()),
        closed=ended_by is None,
        ended_by=ended_by,
        max_steps=task.max_steps,
        bound=bound,
        redundant=redundant,
        chances=chances,
    )
