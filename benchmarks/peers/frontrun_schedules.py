"""frontrun walks N random schedules of a work, or looks for its deadlock: `WORK random N` or `WORK dpor SECONDS`; prints JSON."""

from __future__ import annotations

import json
import sys
import time

import frontrun
from threaded_works import WORKS

work, strategy, number = sys.argv[1], sys.argv[2], float(sys.argv[3])
shared, workers = WORKS[work]
how = (
    {"strategy": "random", "max_attempts": int(number), "seed": 1}
    if strategy == "random"
    else {"total_timeout": number, "reproduce_on_failure": 0}
)
wall, cpu = time.perf_counter(), time.process_time()
try:
    result = frontrun.explore(setup=shared, workers=workers, invariant=lambda state: True, **how)
    said = {"schedules": result.num_explored, "found": not result.property_holds}
except RuntimeError as error:  # at the end of its time it may free locks that a thread is about to release
    said = {"found": False, "failed": str(error)}
print(json.dumps({"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, **said}))
