"""`scenrun stats`: prints the figures of one run, or of two side by side, from their logs."""

from __future__ import annotations

from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.logs import log_of, log_options, say_notes
from scenrun.interface.cli.outputs import raw_option
from scenrun.interface.cli.streams import tell
from scenrun.report import side_by_side
from scenrun.report.stats import described
from scenrun.report.stats_rows import HEAD, as_csv, rows_of
from scenrun.trace.analysis.figures import Figures, figures_of
from scenrun.trace.json_text import dumps_indented

_SIDES = 2


@click.command("stats")
@click.argument("logs", nargs=-1, metavar="[LOG [LOG]]")
@click.option("--json", "as_json", is_flag=True, help="One JSON document with every figure.")
@click.option("--csv", "as_rows", is_flag=True, help="Every number in a row: table,name,figure,value,unit.")
@raw_option
@log_options
def stats_command(logs: tuple[str, ...], as_json: bool, as_rows: bool, raw: bool, **source: Any) -> int:
    """Show where the time of a run went: threads, queues, locks, pools, the critical path, and what bounds it.

    LOG is a log of `--level debug`, or standard input; of a log of `--level info`, the figures of its last line are shown.
    A scenario is simulated first, and a schedule replayed. Two logs are shown side by side.

    Exit status: 0, 2 wrong input or command line, 4 the output or scenrun failed, 141 when stdout was closed.
    """
    if as_json and as_rows:
        raise UsageError("--json and --csv are two forms of the same: choose one")
    if raw and not as_rows:
        raise UsageError("--raw is about the cells of --csv")
    if len(logs) > _SIDES:
        raise UsageError(f"stats shows one log, or two side by side; these are {len(logs)}")
    if logs.count("-") == _SIDES:
        raise UsageError("standard input is one log: it cannot stand beside itself")
    found = [_figures(log, source) for log in logs or ("-",)]
    if len(found) == _SIDES:
        text = _of_two(found[0], found[1], logs, as_json, as_rows, raw)
    else:
        text = _of_one(found[0], as_json, as_rows, raw)
    tell(text, form="json" if as_json else "text")
    return 0


def _figures(log: str, source: dict[str, Any]) -> Figures:
    with log_of(log, **source) as reading:
        figures = figures_of(reading)
        say_notes(reading)
    return figures


def _of_one(figures: Figures, as_json: bool, as_rows: bool, raw: bool) -> str:
    if as_json:
        return _document(figures.as_dict())
    return as_csv(HEAD, rows_of(figures), raw=raw).rstrip() if as_rows else described(figures)


def _of_two(a: Figures, b: Figures, logs: tuple[str, ...], as_json: bool, as_rows: bool, raw: bool) -> str:
    if as_json:
        return _document(side_by_side.as_dict(a, b))
    if as_rows:
        return as_csv(side_by_side.HEAD, side_by_side.as_rows(side_by_side.pairs_of(a, b)), raw=raw).rstrip()
    return side_by_side.described(a, b, (logs[0], logs[1]))


def _document(value: Any) -> str:
    return dumps_indented(value)
