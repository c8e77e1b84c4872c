"""`scenrun trace`: a run's trace for Perfetto and chrome://tracing, or a sequence diagram of it as text."""

from __future__ import annotations

from typing import Any

import click

from scenrun.cli import say
from scenrun.cli.logs import log_of, log_options, say_notes
from scenrun.cli.outputs import output_file
from scenrun.errors import UsageError

_DEFAULT_LIMIT = 200


@click.command("trace")
@click.argument("log", metavar="LOG|FILE|SCHEDULE", type=click.Path(allow_dash=True))
@click.option("-o", "--output", metavar="FILE", type=click.Path(allow_dash=True),
              help="Where to write; - is stdout, where a diagram goes unless told otherwise.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option("--mermaid", is_flag=True, help="Write a sequence diagram for Mermaid instead.")
@click.option("--limit", type=click.IntRange(1), metavar="N",
              help=f"How many messages a diagram has at most; {_DEFAULT_LIMIT} unless given.")  # fmt: skip
@log_options
def trace_command(log: str, output: str | None, force: bool, mermaid: bool, limit: int | None, **options: Any) -> int:
    """Write the trace of a run, to be opened at ui.perfetto.dev or chrome://tracing.

    LOG is a log written with --level debug, or - for standard input; a scenario is simulated first, a schedule replayed.
    """
    if limit is not None and not mermaid:
        raise UsageError("--limit is of --mermaid; a trace leaves nothing out")
    if output is None and not mermaid:
        raise UsageError("say where the trace goes: -o trace.json, or -o - for stdout")
    with (
        log_of(log, run=options["run"], sets=options["sets"], file=options["file"]) as reading,
        output_file(output or "-", force) as file,
    ):
        from scenrun.report.perfetto import Trace

        trace = Trace(file)
        for event in reading:
            trace.take(event)
        trace.close()
    say_notes(reading)
    if not trace.is_detailed:
        say("note: the log has no operations: slices of waiting, holding and sleeping need --level debug")
    return 0
