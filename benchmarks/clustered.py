"""A sweep on a Dask cluster of this machine beside one in as many local processes: what Dask costs cells of 50 ms and more."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from measuring import HERE, Table, at_least, at_most, interleaved, main, ratio, scenrun

PIPELINE = HERE.parent / "scenarios" / "queue_pipeline.yaml"
OVER = ("--over", "threads.consumer.count=1..4", "--over", "sync.pipeline.maxsize=1..4*2")
WORKERS = 2


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The address of a scheduler with two workers of one thread each."""
    file = folder / "scheduler.json"

    def start(what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{what}",
            "--scheduler-file",
            str(file),
            "--no-dashboard",
        ]
        return subprocess.Popen([*command, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    processes = [start("scheduler", "--host", "127.0.0.1", "--port", "0")]
    processes += [start("worker", "--nthreads", "1", "--local-directory", str(folder)) for _ in range(WORKERS)]
    try:
        yield _address(file)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _address(file: Path) -> str:
    for _ in range(300):
        with suppress(OSError, ValueError):
            return str(json.loads(file.read_text())["address"])
        time.sleep(0.1)
    raise SystemExit("the scheduler did not start; is Dask installed? pip install 'scenrun[cluster]'")


def swept(folder: Path, seeds: int, *where: str) -> tuple[float, float]:
    """The wall time of a sweep of the queue pipeline, and the median of its cells'."""
    out = folder / f"{time.monotonic_ns()}.jsonl"
    command = [*scenrun(), "sweep", str(PIPELINE), *OVER, "--seeds", str(seeds), *where, "-o", str(out), "-q"]
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    wall_s = time.perf_counter() - began
    rows = [json.loads(line) for line in out.read_text().splitlines()[1:]]
    return wall_s, median(row["took_s"] for row in rows)


def measure(quick: bool) -> Table:
    """Local processes and the cluster, in turns."""
    seeds, times = (8, 2) if quick else (20, 5)
    cells = 12 * seeds
    with tempfile.TemporaryDirectory() as name, cluster(Path(name)) as address:
        folder = Path(name)
        swept(folder, seeds, "--cluster", address)  # all workers are there, and have loaded what they need
        found = interleaved(
            {
                f"{WORKERS} local processes": lambda: swept(folder, seeds, "--jobs", str(WORKERS)),
                f"{WORKERS} workers of Dask": lambda: swept(folder, seeds, "--cluster", address),
            },
            times,
        )
    walls = [[wall_s for wall_s, _ in rounds] for rounds in found.values()]
    each = [1e3 * median(cell_s for _, cell_s in rounds) for rounds in found.values()]
    rows = [
        (name, f"{median(wall):.2f}", f"{cells / median(wall):.1f}", f"{cell_ms:.0f}")
        for name, wall, cell_ms in zip(found, walls, each, strict=True)
    ]
    goals = [
        at_most("Dask / local processes", ratio(walls[1], walls[0]), 1.5, "times"),
        at_least("the median cell, in ms", min(each), 50),
    ]
    return Table(f"The queue pipeline, {cells:,} simulated cells", ("", "wall s", "cells/s", "a cell, ms"), rows, goals)


if __name__ == "__main__":
    main(measure)
