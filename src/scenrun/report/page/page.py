"""Reads a log into a run's page and writes the page: the two calls that commands use."""

from __future__ import annotations

from typing import Any, BinaryIO

from scenrun.report.page.page_data import Collected, collect
from scenrun.report.page.shell import Shell
from scenrun.report.page.texts import all_harmless
from scenrun.trace.analysis.reading import Reading

_SHELL = Shell(
    __package__, "scenrun report",
    (
        "model.js", "texts.js", "tracks.js", "lanes.js", "draw.js", "batch.js", "range.js", "measured.js", "path.js", "arrows.js",
        "timeline.js", "overview.js", "pointing.js", "address.js", "syntax.js", "source.js", "table.js", "figures.js",
        "summary.js", "player.js", "page.js",
    ),
)  # fmt: skip


def collect_page(reading: Reading) -> Collected:
    """The data of a run's page, from its log."""
    return collect(reading)


def write_page(file: BinaryIO, collected: Collected, notes: list[str], player: dict[str, Any] | None = None) -> None:
    """Writes the page of a run.

    notes: gaps of the log and skipped lines, a sentence each. player: the steps of a schedule.
    """
    data = collected.as_dict()
    data["notes"] = all_harmless([*notes, *collected.notes()])
    data["player"] = all_harmless(player)
    _SHELL.write(file, data)
