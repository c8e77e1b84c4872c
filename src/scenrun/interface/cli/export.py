"""`scenrun export`: writes a log as tables for DuckDB, pandas, polars or a spreadsheet."""

from __future__ import annotations

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.logs import log_of, say_notes, source_options
from scenrun.interface.cli.outputs import check_output, output_options, output_path, raw_option
from scenrun.interface.cli.streams import say
from scenrun.report.database import check_duckdb, database, suffix_of
from scenrun.report.rows import give_rows
from scenrun.report.tables import TABLES


@click.command("export")
@click.argument("log", metavar="LOG|FILE|SCHEDULE", default="-", type=click.Path(allow_dash=True))
@output_options
@click.option(
    "--table", type=click.Choice(list(TABLES)), help="What a .parquet or .csv file holds; events unless given."
)
@click.option("--run", metavar="N|ID", help="Only this run of a log that has several.")
@raw_option
@source_options
def export_command(
    log: str, output: str, *, force: bool, table: str | None, run: str | None, raw: bool, sets: tuple[str, ...],
    file: str | None,
) -> int:  # fmt: skip
    """Write a log as tables: OUTPUT.parquet or .csv is one table, .duckdb a database of all three.

    `events` has a row a line, `spans` one for each time that a thread slept, worked, waited or held something, `runs` one
    a run; docs/analysis.md asks them questions. A scenario is simulated first, a schedule replayed. Needs DuckDB:
    pip install 'scenrun[analysis]'.

    Exit status: 0 written, 2 wrong file or command line, or OUTPUT exists, 4 it could not be written.
    """
    tables = _tables(output, table)
    if raw and suffix_of(output) != ".csv":
        raise UsageError(f"--raw is about the cells of a .csv; {output} is none")
    check_output(output, force, log)
    check_duckdb("export")
    with log_of(log, run=run, every=run is None, sets=sets, file=file) as reading:
        with output_path(output, force) as beside, database(beside, tables, raw=raw) as filling:
            give_rows(reading, tables, filling.add)
        say_notes(reading)
        say(f"{output}: {_counted(filling.counts, len(reading.runs) if run is None else 1)}")
    return 0


def _tables(output: str, table: str | None) -> tuple[str, ...]:
    """The tables that are written to a file of this name."""
    if suffix_of(output) != ".duckdb":
        return (table or "events",)
    if table is not None:
        raise UsageError(f"--table chooses for .parquet and .csv; {output} gets all tables: {', '.join(TABLES)}")
    return tuple(TABLES)


def _counted(counts: dict[str, int], runs: int) -> str:
    rows = ", ".join(_many(count, name) for name, count in counts.items())
    return rows if "runs" in counts else f"{rows} of {_many(runs, 'runs')}"


def _many(count: int, name: str) -> str:
    return f"{count:,} {name if count != 1 else name.removesuffix('s')}"
