"""Runs a text, in virtual time or on real threads, and makes the page of the run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenrun.api import run, simulate
from scenrun.interface.studio.jobs.wanted import Tell, Wanted
from scenrun.model.move_schedule import MoveSchedule
from scenrun.program.loaded import Loaded
from scenrun.report.page.page import collect_page, write_page
from scenrun.search.counterexample.frames import frames_of
from scenrun.trace.analysis.reading import Reading, opened

RUN_LIMIT = "20s"
"""How long a run may take, by the clock or in virtual time."""


def simulate_it(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Run a text in virtual time."""

    def simulated(log: str) -> None:
        _tell(tell, "simulated", simulate(loaded, log=log, **_options(wanted)))

    tell({"kind": "page", "html": page_of(loaded, simulated)})


def run_it(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Run a text on real threads; others may read the log while it grows, at `log`."""
    log = wanted["log"]
    _tell(tell, "run on threads", run(loaded, log=log, **_options(wanted)))
    tell({"kind": "page", "html": _page(log, loaded.name, None)})


def _options(wanted: Wanted) -> dict[str, Any]:
    return {"level": "debug", "time_limit": RUN_LIMIT, "allow_python": bool(wanted.get("allow_python"))}


def _tell(tell: Tell, way: str, result: Any) -> None:
    tell({"kind": "ran", "verdict": result.verdict, "ok": result.ok, "way": way})


def page_of(loaded: Loaded, make: Callable[[str], object], schedule: MoveSchedule | None = None) -> str:
    """The page of a run whose log `make` writes; with the player of a schedule, if it is one's."""
    player = frames_of(loaded.program, schedule) if schedule is not None else None
    with tempfile.TemporaryDirectory(prefix="scenrun-") as folder:
        log = os.path.join(folder, "log.jsonl")
        make(log)
        return _page(log, loaded.name, player)


def _page(log: str, name: str, player: dict[str, Any] | None) -> str:
    page = Path(log).with_suffix(".html")
    with opened(log) as stream:
        reading = Reading(stream, name)
        collected = collect_page(reading)
    with page.open("wb") as file:
        write_page(file, collected, reading.notes(), player=player)
    return page.read_text(encoding="utf-8")
