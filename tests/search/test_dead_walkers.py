"""A process that walks schedules and dies costs nothing; its schedules are walked again, and it is told if they kill again."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from campaigns import program

from scenrun.errors import InternalError
from scenrun.search.strategies.campaign import run_campaign
from scenrun.search.strategies.registry import POLICIES
from scenrun.search.strategies.results import Campaign
from scenrun.search.strategies.schedule_queue import Chunk, Limits, ScheduleQueue
from scenrun.search.strategies.workers import walk_in
from scenrun.workers.pool import Done

SCHEDULES = 20_000


def figures(campaign: Campaign) -> tuple[Any, ...]:
    """What must not depend on processes."""
    return campaign.schedules, campaign.failing, campaign.steps, campaign.outcomes, campaign.findings, campaign.closed


@pytest.mark.parametrize("strategy", ["random", "pct"])
def test_a_killed_walker_costs_nothing(strategy: str) -> None:
    """The result is that of one process that lives."""
    killed: list[int] = []

    def kill_one(tally: Any) -> None:
        children = multiprocessing.active_children()
        if children and not killed:
            killed.append(children[0].pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    made = program("lost_update")
    found = run_campaign(made, strategy=strategy, schedules=SCHEDULES, jobs=2, look=kill_one)
    assert killed
    assert figures(found) == figures(run_campaign(made, strategy=strategy, schedules=SCHEDULES))


class Deadly(nullcontext[Any]):
    """A pool whose workers die over every job."""

    def results(self, following: Callable[[], Chunk | None]) -> Iterator[Done[Chunk, Any]]:
        """Dead workers, as many as there are jobs."""
        while (job := following()) is not None:
            yield Done(job, None, 0.0)


def test_schedules_that_kill_two_walkers_are_named() -> None:
    """By their numbers, from 0."""
    queue = ScheduleQueue(POLICIES["random"](3, 0, 100), Limits(1, None, 100, lambda tally: None), 0.0)
    with pytest.raises(InternalError, match="schedules 0 to 0"):
        walk_in(Deadly(), queue)  # type: ignore[arg-type]
