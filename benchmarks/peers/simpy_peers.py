"""The same models in SimPy 4: `store`, or `resource PROCESSES TIMES`; prints the seconds that running them took."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from typing import Any

import simpy

ITEMS = 200_000


def store(env: simpy.Environment) -> None:
    """A producer and a consumer through a store of ten, a time-out before each item."""
    kept = simpy.Store(env, capacity=10)

    def producer() -> Generator[Any, Any, None]:
        for _ in range(ITEMS):
            yield env.timeout(1)
            yield kept.put(1)

    def consumer() -> Generator[Any, Any, None]:
        for _ in range(ITEMS):
            yield kept.get()

    env.process(producer())
    env.process(consumer())


def resource(env: simpy.Environment, processes: int, times: int) -> None:
    """So many processes hold one resource so many times each."""
    shared = simpy.Resource(env, capacity=1)

    def holder() -> Generator[Any, Any, None]:
        for _ in range(times):
            with shared.request() as request:
                yield request
                yield env.timeout(1)

    for _ in range(processes):
        env.process(holder())


began = time.perf_counter()
environment = simpy.Environment()
if sys.argv[1] == "store":
    store(environment)
else:
    resource(environment, int(sys.argv[2]), int(sys.argv[3]))
environment.run()
print(time.perf_counter() - began)
