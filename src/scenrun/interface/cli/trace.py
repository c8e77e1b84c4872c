"""`scenrun trace`: writes a run's trace for Perfetto and chrome://tracing, or a Mermaid sequence diagram."""

from __future__ import annotations

from typing import Any, BinaryIO

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.logs import log_of, log_options, say_notes
from scenrun.interface.cli.outputs import check_output, output_file
from scenrun.interface.cli.streams import say
from scenrun.trace.analysis.reading import Reading

_NOT_DETAILED = "the log has no operations: {} need a run with --level debug"


@click.command("trace")
@click.argument("log", metavar="LOG|FILE|SCHEDULE", type=click.Path(allow_dash=True))
@click.option("-o", "--output", metavar="FILE", type=click.Path(allow_dash=True),
              help="Where to write; - is stdout, where a diagram goes unless told otherwise.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option("--mermaid", is_flag=True, help="Write a sequence diagram for Mermaid instead.")
@click.option("--limit", type=click.IntRange(1), metavar="N",
              help="How many messages and notes a diagram has at most; 200 unless given.")  # fmt: skip
@log_options
def trace_command(log: str, output: str | None, force: bool, mermaid: bool, limit: int | None, **options: Any) -> int:
    """Write the trace of a run, to be opened at ui.perfetto.dev.

    LOG is a log written with --level debug, or - for standard input; a scenario is simulated first, a schedule replayed.
    """
    if limit is not None and not mermaid:
        raise UsageError("--limit is of --mermaid; a trace leaves nothing out")
    if output is None and not mermaid:
        raise UsageError("say where the trace goes: -o trace.json, or -o - for stdout")
    output = "-" if output is None else output
    check_output(output, force, log)
    with (
        log_of(log, run=options["run"], sets=options["sets"], file=options["file"]) as reading,
        output_file(output, force) as file,
    ):
        if mermaid:
            notes = _write_diagram(reading, file, limit)
        else:
            notes = _write_trace(reading, file)
    say_notes(reading)
    for note in notes:
        say(f"note: {note}")
    return 0


def _write_trace(reading: Reading, file: BinaryIO) -> list[str]:
    from scenrun.report.perfetto import Trace

    trace = Trace(file)
    for event in reading:
        trace.take(event)
    trace.close()
    return [] if trace.is_detailed else [_NOT_DETAILED.format("what threads waited for, held and did")]


def _write_diagram(reading: Reading, file: BinaryIO, limit: int | None) -> list[str]:
    from scenrun.report.mermaid import DEFAULT_LIMIT, Diagram

    diagram = Diagram(file, limit or DEFAULT_LIMIT)
    for event in reading:
        diagram.take(event)
    diagram.close()
    notes = [f"{diagram.cut}; --limit N shows more"] if diagram.cut else []
    return notes + ([] if diagram.is_detailed else [_NOT_DETAILED.format("starts, hand-overs, puts and gets")])
