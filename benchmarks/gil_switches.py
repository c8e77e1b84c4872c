"""Where this Python changes threads: what the search says of ways to lose an update, beside what two real threads lose.

python benchmarks/gil_switches.py [--quick] [--json]
"""

from __future__ import annotations

import sys
import threading
import time

from measuring import PEERS, Goal, Table, main

sys.path.insert(0, str(PEERS))

import switch_shapes as shapes

import scenrun

EACH = 20_000
"""Additions of each thread in one run."""
SWITCH_INTERVAL_S = 1e-6


def lost(shape: str, seconds: float) -> tuple[int, int]:
    """How many additions two threads lose, and how many they make, in so many seconds."""
    add, missing, made = getattr(shapes, shape), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        shared = shapes.setup()

        def go(shared: shapes.Shared = shared) -> None:
            for _ in range(EACH):
                add(shared)

        threads = [threading.Thread(target=go) for _ in range(2)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        missing, made = missing + 2 * EACH - shapes.total(shared), made + 2 * EACH
    return missing, made


def measure(quick: bool) -> Table:
    """The table."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rows, wrong = [], []
    for shape in shapes.SHAPES:
        found = scenrun.explore_code(shapes.setup, [shape, shape], shapes.is_two)
        said = found.findings[0].with_gil if found.findings else found.verdict
        missing, made = lost(shape.__name__, 0.3 if quick else 2.0)
        rows.append((shape.__name__.replace("_", " "), said.partition(":")[0], f"{missing / made:.1%}", f"{made:,}"))
        if missing and "does not" in said and has_gil():
            wrong.append(shape.__name__)
    sys.setswitchinterval(before)
    goals = [Goal("updates lost where the search says that none is", ", ".join(wrong) or "none", not wrong)]
    title = f"Two threads that add, Python {sys.version.split()[0]}, {'with' if has_gil() else 'without'} the GIL"
    return Table(title, ("between the read and the write", "the search", "lost", "of"), rows, goals)


def has_gil() -> bool:
    """Whether this Python runs with the GIL."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


if __name__ == "__main__":
    main(measure)
