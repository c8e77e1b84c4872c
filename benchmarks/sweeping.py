"""Sweeps: how much faster two processes are than one, how much time is spent outside the cells, memory over many rows."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from measuring import HERE, SCENARIOS, Table, at_least, at_most, interleaved, main, ratio, scenrun, spend

PIPELINE = HERE.parent / "scenarios" / "queue_pipeline.yaml"
OVER = ("--over", "threads.consumer.count=1..4", "--over", "sync.pipeline.maxsize=1..64*2")


def swept(folder: Path, jobs: int, seeds: int) -> tuple[float, float]:
    """The wall time of a sweep of the queue pipeline, and what of its processes' time is not in cells."""
    out = folder / f"{jobs}-{time.monotonic_ns()}.jsonl"
    command = [
        *scenrun(),
        "sweep",
        str(PIPELINE),
        *OVER,
        "--seeds",
        str(seeds),
        "--jobs",
        str(jobs),
        "-o",
        str(out),
        "-q",
    ]
    began = time.perf_counter()
    os.system(" ".join(command) + " > /dev/null")
    wall_s = time.perf_counter() - began
    rows = [json.loads(line) for line in out.read_text().splitlines()[1:]]
    return wall_s, 1 - sum(row["took_s"] for row in rows) / (jobs * wall_s)


def two_processes(quick: bool) -> Table:
    """Two processes beside one."""
    seeds, times = (8, 1) if quick else (36, 3)
    cells = 28 * seeds
    with tempfile.TemporaryDirectory() as folder:
        found = interleaved({str(jobs): lambda jobs=jobs: swept(Path(folder), jobs, seeds) for jobs in (1, 2)}, times)
    wall = {jobs: [wall_s for wall_s, _ in rounds] for jobs, rounds in found.items()}
    outside = {jobs: median(share for _, share in rounds) for jobs, rounds in found.items()}
    rows = [
        (f"{jobs} process{'es' * (jobs != '1')}", f"{cells / median(times_s):.1f}", f"{median(times_s):.1f}",
         f"{100 * outside[jobs]:.1f}")
        for jobs, times_s in wall.items()
    ]  # fmt: skip
    goals = [
        at_least("two processes / one", ratio(wall["1"], wall["2"]), 1.8),
        at_most("outside the cells, with two processes", 100 * outside["2"], 5, "%"),
    ]
    columns = ("", "cells/s", "wall s", "outside cells %")
    return Table(f"The queue pipeline, {cells:,} simulated cells", columns, rows, goals)


def many_rows(quick: bool) -> Table:
    """Memory of a sweep of very many small cells, early and at its end."""
    count = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "rows.csv")
        command = [*scenrun(), "sweep", str(SCENARIOS / "trivial.yaml"), "--seeds", str(count), "-o", out, "-q"]
        spent = spend(command, every_s=0.5)
    early = max(spent.rss_mb[: max(4, len(spent.rss_mb) // 10)])
    rows = [(f"{count:,} rows", f"{count / spent.wall_s:,.0f}", f"{early:.0f}", f"{spent.peak_mb:.0f}")]
    goals = [at_most("memory above that of the first tenth", spent.peak_mb - early, 20, "MB")]
    return Table("A sweep of very many cells, written as CSV", ("", "rows/s", "early MB", "peak MB"), rows, goals)


if __name__ == "__main__":
    main(two_processes, many_rows)
