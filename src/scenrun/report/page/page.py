"""One self-contained page that shows a run: a timeline, the scenario's text, its lines, and a player of its steps."""

from __future__ import annotations

from typing import Any, BinaryIO

from scenrun.report.page.collecting import Collected, collect
from scenrun.report.page.html import write
from scenrun.report.page.texts import all_harmless
from scenrun.trace.analysis.reading import Reading


def collect_page(reading: Reading) -> Collected:
    """All that a page shows of the run of a log."""
    return collect(reading)


def write_page(file: BinaryIO, collected: Collected, notes: list[str], player: dict[str, Any] | None = None) -> None:
    """Write a page of a run.

    notes: what was not read of the log, a sentence each. player: the steps of a schedule.
    """
    data = collected.as_dict()
    data["notes"] = all_harmless([*notes, *collected.notes()])
    data["player"] = all_harmless(player)
    write(file, data)
