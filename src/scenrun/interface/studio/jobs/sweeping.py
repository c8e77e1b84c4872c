"""Sweeps one value of a text: a row for each value as it comes, and at last the page of the sweep."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from scenrun.batch.sweep.cell import CellRunner, Job, Row
from scenrun.batch.sweep.plan import SweepPlan, SweepRequest, plan
from scenrun.batch.sweep.result import result_of
from scenrun.errors import UsageError
from scenrun.interface.studio.jobs.wanted import Tell, Wanted
from scenrun.language import source as yaml_source
from scenrun.language.durations import UNITS_NS
from scenrun.language.overrides import short_path
from scenrun.language.sweep import written_values
from scenrun.language.value_ranges import RangeError
from scenrun.printable import clean
from scenrun.program.loaded import Loaded

CELL_LIMIT_S = 20.0
MOST_CELLS = 200
"""The most values of one sweep."""
MOST_PATHS = 60
_FIXED = ("scenario", "description", "version", "seed", "sweep", "expect", "limits", "log")
"""The parts of a file whose numbers are not what a scenario does."""
_DURATION = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(UNITS_NS)})\Z")


def sweep(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Run a text with each value in turn, and tell each row; the sweep's page comes at last."""
    source, options = loaded.program.source, {"allow_python": bool(wanted.get("allow_python"))}
    job = Job(source.text, source.name, wanted["how"], options, cell_limit_s=CELL_LIMIT_S)
    ready = plan(job, SweepRequest(over={wanted["path"]: _values(wanted)}, seeds=1))
    cells = list(ready.grid.cells())
    if len(cells) > MOST_CELLS:
        raise UsageError(
            f"a sweep of the studio has at most {MOST_CELLS} cells, not {len(cells):,}: scenrun sweep has no limit"
        )
    tell({"kind": "begun", "cells": len(cells), "notes": [clean(one) for one in ready.notes]})
    runner, rows = CellRunner(job), []
    for cell in cells:
        rows.append(runner.measure(cell))
        tell({"kind": "row", "row": _told(rows[-1], wanted["path"])})
        if runner.is_stuck:
            raise UsageError(
                "threads of this run did not end, and would disturb the next one; `scenrun sweep` has a process for each"
            )
    tell({"kind": "page", "html": _page(ready, rows)})


def _values(wanted: Wanted) -> tuple[Any, ...]:
    try:
        found = written_values(wanted["path"], wanted["over"])
    except RangeError as error:
        raise UsageError(str(error)) from None
    if any(isinstance(one, float) and not isfinite(one) for one in found):
        raise UsageError("a value of a sweep is finite")
    return found


def _told(row: Row, path: str) -> dict[str, Any]:
    given = row["parameters"]
    return {
        "value": given.get(path, next(iter(given.values()), None)), "parameters": given,
        "verdict": row["verdict"], "ok": row["ok"],
        "figures": {name: value for name, value in row["figures"].items() if _is_number(value)},
        "finding": clean(row.get("finding") or row.get("error") or ""),
    }  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _page(ready: SweepPlan, rows: list[Row]) -> str:
    with tempfile.TemporaryDirectory(prefix="scenrun-") as folder:
        path = Path(folder, "sweep.html")
        result_of(ready, rows).write(path)
        return path.read_text(encoding="utf-8")


def variable_paths(loaded: Loaded) -> list[dict[str, str]]:
    """What of a file may be swept: numbers and durations by path, each with its value and with values to try."""
    raw = yaml_source.read(loaded.program.source, [])
    parts = {key: value for key, value in raw.items() if key not in _FIXED and not str(key).startswith("x-")}
    found = []
    for path, value in _leaves(parts, ""):
        if (tried := _tried(value)) is not None:
            found.append({"path": short_path(raw, path), "value": str(value), "over": tried})
    return found[:MOST_PATHS]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for key, inner in value.items():
        if isinstance(key, str) and "." not in key:
            yield from _leaves(inner, f"{path}.{key}" if path else key)


def _tried(value: Any) -> str | None:
    """Values around one that are worth a try, as a person would write them; None for what is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and 0 <= value <= 1_000_000:
        most = max(8, 2 * value)
        step = max(1, most // 16)
        return f"1..{most}" + (f"+{step}" if step > 1 else "")
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        number = float(found[1])
        return ", ".join(f"{number * factor:g}{found[2]}" for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    return None
