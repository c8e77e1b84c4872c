"""ploom walks up to N schedules of two threads that read a value and write it back, in its own order; prints JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import ploom

NUMBER = int(sys.argv[1])


def lost_update() -> None:
    """One schedule."""
    value = ploom.SharedCell(0)

    def add() -> None:
        mine = value.read()
        value.write(mine + 1)

    threads = [ploom.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    with tempfile.TemporaryDirectory() as folder:
        try:
            schedules = ploom.check(
                lost_update, config=ploom.Config(max_executions=NUMBER), trace_dir=Path(folder)
            ).executions
        except ploom.IncompleteExplorationError as error:
            schedules = error.statistics.executions
    cpu = sum(os.times()[:4]) - cpu
    print(json.dumps({"wall_s": time.perf_counter() - wall, "cpu_s": cpu, "schedules": schedules, "found": False}))
