"""Writes the page of a sweep: the writer for `-o FILE.html`."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.batch.sweep.cell import Rows
from scenrun.batch.sweep.page.page_data import collected
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.report.page.shell import Shell

_SHELL = Shell(__package__, "scenrun sweep", ("model.js", "elements.js", "chart.js", "map.js", "page.js"))


def write(path: str, plan: SweepPlan, record: Rows, shown: Sequence[str]) -> None:
    """Writes the page of all rows. shown: the figures that the page shows first."""
    data = collected(plan, record, shown)
    with open(path, "wb") as file:
        _SHELL.write(file, data)
