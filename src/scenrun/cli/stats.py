"""`scenrun stats`: the figures of a run, from its log."""

from __future__ import annotations

import click

from scenrun.analysis.figures import Figures, figures_of
from scenrun.cli import tell
from scenrun.cli.logs import log_of, log_options, say_notes
from scenrun.report.stats import described


@click.command("stats")
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@log_options
def stats_command(
    logs: tuple[str, ...], as_json: bool, run: str | None, sets: tuple[str, ...], file: str | None
) -> int:
    """Show where the time of a run went."""
    import orjson

    figures = _figures(logs[0] if logs else "-", run, sets, file)
    if as_json:
        tell(orjson.dumps(figures.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        tell(described(figures))
    return 0


def _figures(log: str, run: str | None, sets: tuple[str, ...], file: str | None) -> Figures:
    with log_of(log, run=run, sets=sets, file=file) as reading:
        figures = figures_of(reading)
        say_notes(reading)
    return figures
