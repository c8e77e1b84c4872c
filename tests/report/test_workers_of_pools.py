"""The tasks of a pool by worker: lines say which, and lanes, tracks and figures are those of the workers."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import scenrun
from scenrun.interface.cli.main import run_cli

TASKS, WORKERS = 12, 3
CRAWL: dict[str, Any] = {
    "scenario": "crawl", "sync": {"crawlers": {"pool": {"max_workers": WORKERS}}, "l": "lock"},
    "behaviours": {
        "fetch": {"params": {"n": "value"}, "do": [{"work": {"ms": "1 + n % 3"}}, {"with": "l", "do": [{"log": "got {n}"}]}]},
    },
    "threads": {"other": {"do": [{"sleep": "2ms"}, {"with": "l", "do": [{"sleep": "2ms"}]}]}},
    "main": [
        {"start": "other"},
        {"for": "n", "in": f"range({TASKS})", "do": [{"submit": {"pool": "crawlers", "target": "fetch", "args": {"n": "n"}}}]},
        {"shutdown": "crawlers"},
        {"join": "other"},
    ],
}  # fmt: skip
NAMES = {f"crawlers_{number}" for number in range(WORKERS)}


@pytest.fixture(params=["run", "simulate"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "crawl.jsonl"
    (tmp_path / "crawl.yaml").write_text(json.dumps(CRAWL))
    options = ["--level", "debug", "--log", str(path), "--quiet"]
    assert run_cli([request.param, *options, str(tmp_path / "crawl.yaml")]) == 0
    return path


def test_each_line_of_a_task_says_its_worker(log: Path) -> None:
    """From its first line to its last the same one, which has one task at a time; other threads have none."""
    busy: dict[str, str] = {}
    worker_of: dict[str, str] = {}
    for line in map(json.loads, log.read_text().splitlines()):
        thread, worker = line.get("thread", ""), line.get("worker")
        assert (worker is not None) == thread.startswith("crawlers#"), line
        if worker is None:
            continue
        assert worker_of.setdefault(thread, worker) == worker
        if line["event"] == "thread.started":
            assert busy.setdefault(worker, thread) == thread
        elif line["event"] == "thread.ended":
            assert busy.pop(worker) == thread
    assert len(worker_of) == TASKS
    assert set(worker_of.values()) <= NAMES
    assert not busy


def test_figures_are_by_worker(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = json.loads(log.read_text().splitlines()[-1])
    threads = last["figures"]["threads"]
    assert set(threads) - NAMES == {"main", "other"}
    assert sum(threads[name]["messages"] for name in threads) == TASKS
    assert run_cli(["stats", "--json", str(log)]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert set(stats["threads"]) == set(threads)
    assert stats["groups"]["crawlers"]["threads"] == len(set(threads) & NAMES)
    assert stats["groups"]["crawlers"]["messages"] == TASKS


def test_lanes_are_those_of_workers(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the terminal's timeline as rows, also by their names and their pool's, and in the page with the tasks as bars."""
    used = {line["worker"] for line in map(json.loads, log.read_text().splitlines()) if "worker" in line}
    for pattern in ((), ("--threads", "crawlers"), ("--threads", "crawlers_*")):
        assert run_cli(["timeline", *pattern, str(log)]) == 0
        rows = set(re.findall(r"^ \w (\S+)", capsys.readouterr().out, re.MULTILINE))
        assert rows == used | (set() if pattern else {"main", "other"})
    page = log.with_suffix(".html")
    assert run_cli(["report", str(log), "-o", str(page)]) == 0
    (data,) = re.findall(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page.read_text(), re.DOTALL)
    data = json.loads(data)
    lanes = {
        name: data["worker_names"][at] if at >= 0 else name
        for name, at in zip(data["threads"], data["workers"], strict=True)
    }
    assert set(lanes.values()) == used | {"main", "other"}
    assert sum(name.startswith("crawlers#") for name in lanes) == TASKS


def test_a_trace_has_the_tasks_on_the_tracks_of_workers(log: Path) -> None:
    """None of them begins before the one before it has ended."""
    path = log.with_suffix(".trace")
    assert run_cli(["trace", str(log), "-o", str(path)]) == 0
    records = json.loads(path.read_text())["traceEvents"]
    tracks = {
        record["tid"]: record["args"]["name"]
        for record in records
        if record["name"] == "thread_name" and record["pid"] == 1
    }
    lives: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record in records:
        if record["ph"] == "X" and record["name"].startswith("crawlers#") and record["pid"] == 1:
            assert record["args"]["queued_s"] >= 0
            lives[tracks[record["tid"]]].append((record["ts"], record["ts"] + record["dur"]))
    assert set(lives) <= NAMES
    assert sum(map(len, lives.values())) == TASKS
    for spans in lives.values():
        spans.sort()
        assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_a_finding_names_the_task_and_marks_its_worker() -> None:
    """A task that waits for ever is told by its own name."""
    scenario = {
        **CRAWL, "behaviours": {"fetch": {"params": {"n": "value"}, "do": [{"acquire": "l"}, {"log": "{n}"}]}}, "threads": {},
        "main": CRAWL["main"][1:3],
    }  # fmt: skip
    found = scenrun.simulate(scenario).findings[0]
    assert {one.thread for one in found.threads} >= {"crawlers#1", "main"}
