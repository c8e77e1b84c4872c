"""`scenrun report`: writes the HTML page of a log, a scenario or a schedule."""

from __future__ import annotations

from typing import Any

import click

from scenrun.interface.cli.logs import log_of, log_options, player_of, say_notes
from scenrun.interface.cli.outputs import check_output, output_file, output_options
from scenrun.interface.cli.streams import say
from scenrun.report.page.page import collect_page, write_page


@click.command("report")
@click.argument("log", default="-", metavar="LOG|FILE|SCHEDULE")
@log_options
@output_options
def report_command(log: str, output: str, force: bool, **options: Any) -> None:
    """Write a page that shows a run: a timeline, the scenario's text, every line; for a schedule, a player.

    LOG is a log of one run, or - for standard input. A scenario is simulated first, a schedule replayed. The page is one
    file that needs no server and asks nothing of the network; what it shows of a run are the lines of its log, so make
    the log with --level debug.

    scenrun report scenarios/queue_pipeline.yaml -o page.html
    """
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
