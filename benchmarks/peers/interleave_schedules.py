"""interleave-test walks up to N schedules of a work: `WORK STRATEGY N SEED`; it stops at a deadlock. Prints JSON."""

from __future__ import annotations

import json
import sys
import time

import interleave_test
from threaded_works import WORKS

work, strategy, number, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
make, workers = WORKS[work]


def model() -> None:
    """One schedule."""
    shared = make()
    tasks = [interleave_test.spawn(worker, shared) for worker in workers]
    for task in tasks:
        task.join()


wall, cpu = time.perf_counter(), time.process_time()
result = interleave_test.explore(  # by lines, as it is quicker with them and these works need no finer steps
    model, iterations=number, seed=seed, strategy=strategy, granularity="line", raise_on_failure=False
)
print(
    json.dumps(
        {
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "schedules": result.schedules_run,
            "found": not result.ok,
        }
    )
)
