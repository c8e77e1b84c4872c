"""minicheck searches the buffer of models.py, and asks that nobody is stuck; prints JSON."""

from __future__ import annotations

import json
import time

import models
from minicheck import Protocol, check_safety

buffer = models.buffer()


def transitions(state: models.State) -> list[tuple[str, models.State]]:
    """What can come next."""
    return [(thread.name, thread.move(state)) for thread in buffer.threads if thread.can(state)]


protocol = Protocol(
    name="buffer", candidate=False, fields=tuple(range(len(buffer.first))), initial=buffer.first,
    transitions=transitions, invariants={"one lock": lambda named: 0 <= named[models.LOCKED] <= 1},
)  # fmt: skip
wall, cpu = time.perf_counter(), time.process_time()
found = check_safety(protocol, max_states=1_000_000)
assert found["exhaustive"]
print(
    json.dumps(
        {
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "states": found["reachable_states"],
        }
    )
)
