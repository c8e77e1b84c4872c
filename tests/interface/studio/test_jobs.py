"""Jobs of the studio by themselves, in this process: what is told, and when."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import scenrun
from scenrun.interface.studio.jobs.doing import do
from scenrun.interface.studio.jobs.warm import TEXT
from scenrun.interface.studio.jobs.watching import watch

STEPS = {"scenario": "s", "threads": {"a": {"do": [{"log": "hi"}, {"sleep": "1ms"}, {"log": "ho"}]}}}


def test_what_warms_is_a_scenario_that_is_run_and_searched() -> None:
    """Otherwise nothing would be made that the jobs need."""
    for name, comes in (("simulate", "ran"), ("explore", "explored")):
        told: list[dict[str, Any]] = []
        do({"do": name, "text": TEXT, "overrides": {}}, told.append)
        assert [one["verdict"] for one in told if one["kind"] == comes] == ["holds"]


def test_the_lanes_are_told_while_the_log_grows(tmp_path: Path) -> None:
    """A line is read when it is there whole; what has come is told before the rest is written."""
    log, told = tmp_path / "log.jsonl", []
    scenrun.simulate(STEPS, level="debug", log=log)
    lines = log.read_bytes().splitlines(keepends=True)
    half, cut = len(lines) // 2, len(lines[len(lines) // 2]) // 2
    log.write_bytes(b"".join(lines[:half]) + lines[half][:cut])
    has_half = threading.Event()

    def tell(message: dict[str, Any]) -> None:
        told.append(message)
        if message["events"] == half:
            has_half.set()

    watching = threading.Thread(target=watch, args=(str(log), tell))
    watching.start()
    assert has_half.wait(60)
    assert all(one["events"] <= half and not one.get("ended") for one in told)
    with log.open("ab") as file:
        file.write(lines[half][cut:] + b"".join(lines[half + 1 :]))
    watching.join(60)
    assert (told[-1]["events"], told[-1]["ended"], told[-1]["lanes"]) == (len(lines), True, ["main", "a"])
