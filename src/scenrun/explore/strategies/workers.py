"""Walks schedules in other processes: each has a sampler of its own, and says after each chunk what is new."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from scenrun.errors import InternalError
from scenrun.explore.strategies.plan import Chunk, Plan, Walked
from scenrun.explore.strategies.sampling import Sampler

PATIENCE_S = 5.0
"""How long a process may take to end."""
Make = Callable[[], Sampler]


def walk_here(plan: Plan, sampler: Sampler) -> None:
    """Walk all schedules of a plan in this process; an interruption leaves what was found in the plan."""
    while (chunk := plan.next()) is not None:
        walked = None
        try:
            plan.take(_walked(sampler, chunk))
        except KeyboardInterrupt:
            if walked is None:
                rest = sampler.take()
                plan.take(Walked(chunk, rest, sampler.policy.lesson(), 0.0))
            raise


def _walked(sampler: Sampler, chunk: Chunk) -> Walked:
    began = time.perf_counter()
    sampler.policy.learn(chunk.lesson)
    sampler.walk(chunk.first, chunk.count)
    return Walked(chunk, sampler.take(), sampler.policy.lesson(), time.perf_counter() - began)
