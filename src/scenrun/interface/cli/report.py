"""`scenrun report`: writes the HTML page of a log, a scenario or a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.logs import log_of, log_options, player_of, say_notes
from scenrun.interface.cli.outputs import check_output, output_file
from scenrun.interface.cli.streams import say
from scenrun.report.page.page import collect_page, write_page


@click.command("report")
@click.argument("log", default="-", metavar="LOG|FILE|SCHEDULE")
@log_options
@click.option("-o", "--output", metavar="FILE", type=click.Path(allow_dash=True),
              help="Where to write; - is stdout. Beside LOG unless given, with .html in the place of its ending.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def report_command(log: str, output: str | None, force: bool, **options: Any) -> None:
    """Write a page that shows a run: a timeline, the scenario's text, every line; for a schedule, a player.

    LOG is a log of one run, or - for standard input. A scenario is simulated first, a schedule replayed. The page is one
    file that needs no server and asks nothing of the network; what it shows of a run are the lines of its log, so make
    the log with --level debug.

    scenrun report scenarios/queue_pipeline.yaml -o page.html
    """
    output = _beside(log) if output is None else output
    check_output(output, force, log)
    with log_of(log, **options) as reading:
        collected = collect_page(reading)
    player = player_of(log, options["file"])
    with output_file(output, force) as file:
        write_page(file, collected, reading.notes(), player=player)
    say_notes(reading)
    for note in collected.notes():
        say(f"note: {note}")
    if output != "-":
        say(f"wrote {output}")


def _beside(log: str) -> str:
    """The path of the page of a log, a scenario or a schedule where none is given."""
    if log == "-":
        raise UsageError("the log is standard input: say where the page goes, -o page.html")
    return str(Path(log).with_suffix(".html"))
