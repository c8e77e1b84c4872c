"""A self-contained page of a sweep: lines with confidence bands, a heat map, the slowest and the failing cells."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.sweeping.measuring import Rows
from scenrun.sweeping.page.collecting import collected
from scenrun.sweeping.page.html import written
from scenrun.sweeping.planning import Plan


def write(path: str, plan: Plan, record: Rows, shown: Sequence[str]) -> None:
    """Write the page of all rows."""
    data = collected(plan, record, shown)
    with open(path, "wb") as file:
        written(file, data)
