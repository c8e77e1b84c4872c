"""The critical path as stretches of time: without gaps, of the same length as its places, whatever is folded."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from traces import SCENARIOS, log_of, read

import scenrun
from scenrun.trace.analysis import critical_path, stretches
from scenrun.trace.analysis.figures import Measuring

SLOW = ("queue_pipeline", "queue_pipeline_fixed", "queue_pipeline_two_consumers", "barrier_phases")
FEW = [path for path in SCENARIOS if path.parent.name == "scenarios" and path.stem not in SLOW]
POOL = """
scenario: crew
sync: {crew: {pool: {max_workers: 6}}}
behaviours: {task: {params: {i: int}, do: [{work: 1ms}, {sleep: 1ms}]}}
main: [{map: {pool: crew, target: task, over: range(40), as: i, into: _r}}]
"""


def measured(log: list[dict[str, Any]]) -> Measuring:
    """A log's figures, with the path's stretches."""
    measuring = Measuring(is_path_drawn=True)
    for event in log:
        measuring.take(event)
    measuring.figures()
    return measuring


@pytest.mark.parametrize("path", FEW, ids=lambda path: path.stem)
def test_stretches_have_no_gaps_and_the_time_of_the_places(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each begins where the one before it ended; each thread has as much of the path as in the table; folded or not."""
    log = read(log_of(path, tmp_path))
    whole = measured(log).path
    monkeypatch.setattr(critical_path, "_FOLD_AT", 50)
    monkeypatch.setattr(critical_path, "_KEPT", 200)
    for found in (whole, measured(log).path):
        drawn, by_thread = found.stretches(), defaultdict[str, float](float)
        for before, after in pairwise(drawn):
            assert before.end_s == pytest.approx(after.begin_s, abs=1e-12)
            assert before.begin_seq <= before.end_seq
        for link in found.links():
            by_thread[link.thread] += link.seconds
        for one in drawn:
            by_thread[one.thread] -= one.end_s - one.begin_s
        assert all(left == pytest.approx(0, abs=1e-9) for left in by_thread.values())
    assert whole.stretches()


def test_the_path_of_a_crowded_pool_goes_from_task_to_task(tmp_path: Path) -> None:
    """Where processors are few, so that not all workers run, a task still begins when its worker has ended another."""
    (tmp_path / "crew.yaml").write_text(POOL)
    scenrun.simulate(tmp_path / "crew.yaml", level="debug", log=str(tmp_path / "log"))
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    worker_of = {line["thread"]: line["worker"] for line in log if "worker" in line}
    drawn = [one for one in measured(log).path.stretches() if one.thread in worker_of]
    assert len({one.thread for one in drawn}) >= 40 / 6
    assert sum(one.end_s - one.begin_s for one in drawn) == pytest.approx(log[-1]["elapsed_s"], rel=0.1)


def test_a_long_path_keeps_its_longest_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the shortest are left out, and the others stay in the order of time."""
    monkeypatch.setattr(stretches, "MOST_STRETCHES", 10)
    path = stretches.Stretches()
    for i in range(40):
        path.add(f"t[{i % 2}]", (float(i), i), (i + (1.0 if i % 4 == 0 else 0.5), i + 1))
    kept = stretches.Stretches.joined([path])
    assert [one.begin_s for one in kept] == [float(i) for i in range(0, 40, 4)]
