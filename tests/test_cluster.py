"""A sweep and a search on a real Dask scheduler with three real worker processes on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import scenrun
from scenrun import cluster as clusters
from scenrun.cluster import Cluster, ClusterLost
from scenrun.sweeping.grid import Cell, Grid
from scenrun.sweeping.measuring import Job, Measuring, Row
from scenrun.sweeping.workers import Crew

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'scenrun[cluster]'")
TEXT = """
scenario: pipeline
sync: {pipeline: {queue: {maxsize: 2}}}
threads:
  producer: {target: producer, args: {queue: pipeline, items: 40, every: 100us, sentinels: 2}}
  consumer: {target: consumer_until_sentinel, args: {queue: pipeline, work: 150us}, count: 2}
"""
GRID = Grid({"sync.pipeline.queue.maxsize": (1, 2, 4, 8)}, range(12))


@dataclass
class Machines:
    """A scheduler and its workers."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    def end(self) -> None:
        """End all of them."""
        for process in (*self.workers, self.scheduler):
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def start(folder: Path, workers: int = 3) -> Machines:
    """A scheduler on a free port, and so many workers."""
    file = folder / "scheduler.json"
    environment = {**os.environ, "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "100"}

    def process(what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(file), *words]
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    scheduler = process("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    address = _address(file)
    own = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder))
    return Machines(address, scheduler, [process("worker", *own) for _ in range(workers)])


def _address(file: Path) -> str:
    for _ in range(300):
        with suppress(OSError, ValueError):
            return str(json.loads(file.read_text())["address"])
        time.sleep(0.1)
    raise AssertionError("the scheduler did not start")


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Three workers that nobody kills."""
    made = start(tmp_path_factory.mktemp("dask"))
    yield made
    made.end()


def job(how: str = "simulate") -> Job:
    """Cells of a small pipeline."""
    return Job(TEXT, "pipeline.yaml", how)


def of(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows in their order, without how long each took."""
    kept = [{name: value for name, value in row.items() if name != "took_s"} for row in rows]
    return sorted(kept, key=lambda row: int(row["number"]))


def here() -> list[dict[str, Any]]:
    """The rows as this process gives them."""
    measuring = Measuring(job())
    return of([measuring.measure(cell) for cell in GRID.cells()])


def all_workers(cluster: Cluster, count: int = 3) -> None:
    """Wait until all are there."""
    for _ in range(300):
        if cluster.jobs >= count:
            return
        time.sleep(0.1)
    raise AssertionError("the workers did not come")


def test_the_rows_are_those_of_this_machine(machines: Machines) -> None:
    """Same seeds, same rows, wherever they are run."""
    cluster = Cluster(machines.address)
    try:
        all_workers(cluster)
        rows = list(Crew(job(), cluster.jobs, lambda n: cluster.executor(), cluster.look).rows(GRID.cells()))
    finally:
        cluster.close()
    assert of(rows) == here()


def slow_rows(cluster: Cluster) -> Iterator[Row]:
    """The rows of cells that are sent one at a time, so that there is a middle."""
    with mock.patch("scenrun.sweeping.workers.MOST_CELLS", 1):
        yield from Crew(job(), cluster.jobs, lambda n: cluster.executor(), cluster.look).rows(GRID.cells())


def and_then(rows: Iterator[Row], count: int, act: Callable[[], object]) -> Iterator[Row]:
    """The rows; when so many have come, something happens."""
    for number, row in enumerate(rows, 1):
        yield row
        if number == count:
            act()


def test_a_worker_killed_in_the_middle_costs_no_row_and_doubles_none(tmp_path: Path) -> None:
    """What it had in hand is done by the others."""
    machines = start(tmp_path)
    try:
        cluster = Cluster(machines.address)
        all_workers(cluster)
        rows = list(and_then(slow_rows(cluster), 5, machines.workers[0].kill))
        cluster.close()
    finally:
        machines.end()
    assert of(rows) == here()


def test_a_scheduler_that_goes_away_is_said_and_the_rows_so_far_are_there(tmp_path: Path) -> None:
    """What had come until then was given."""
    machines = start(tmp_path, workers=1)
    rows: list[Row] = []
    try:
        cluster = Cluster(machines.address)
        with pytest.raises(ClusterLost, match=f"the scheduler at {machines.address} is gone"):
            rows.extend(and_then(slow_rows(cluster), 5, machines.scheduler.kill))
        cluster.close()
    finally:
        machines.end()
    assert len(rows) >= 5
    assert of(rows) == [row for row in here() if row["number"] in {one["number"] for one in rows}]


def test_a_cell_that_kills_every_worker_is_a_broken_executor(tmp_path: Path) -> None:
    """After three workers Dask gives up, and the cell is to blame."""
    machines = start(tmp_path, workers=5)
    try:
        cluster = Cluster(machines.address)
        all_workers(cluster, 5)
        with pytest.raises(clusters.BrokenExecutor):
            cluster.executor().submit(os._exit, 1).result(timeout=60)
        cluster.close()
    finally:
        machines.end()


def test_workers_of_another_version_are_refused_with_both(machines: Machines) -> None:
    """Rows of two versions are not mixed."""
    with (
        mock.patch.object(clusters, "__version__", "0.0.7"),
        pytest.raises(scenrun.UsageError, match=rf"has scenrun {scenrun.__version__}, and this is scenrun 0\.0\.7"),
    ):
        Cluster(machines.address)


def test_where_nobody_answers_it_says_so() -> None:
    """A wrong address, and one that is none."""
    with (
        mock.patch.object(clusters, "CONNECT_S", 0.5),
        pytest.raises(scenrun.UsageError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"),
    ):
        Cluster("tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_no_cluster(tmp_path: Path) -> None:
    """It says how to start one."""
    machines = start(tmp_path, workers=0)
    try:
        with (
            mock.patch.object(clusters, "WORKERS_S", 0.5),
            pytest.raises(scenrun.UsageError, match=f"has no workers; start some: dask worker {machines.address}"),
        ):
            Cluster(machines.address)
    finally:
        machines.end()


def test_without_dask_it_says_what_to_install() -> None:
    """An extra that not everybody needs."""
    with (
        mock.patch.dict(sys.modules, {"distributed": None}),
        pytest.raises(scenrun.UsageError, match=r"pip install 'scenrun\[cluster\]'"),
    ):
        Cluster("tcp://127.0.0.1:9")


def test_a_cell_is_sent_as_it_is() -> None:
    """Cells and jobs go over the wire: equal on the other side."""
    import pickle

    cell = Cell(3, {"a.b": [1, None, "x"]}, 5)
    assert pickle.loads(pickle.dumps((job(), cell))) == (job(), cell)
