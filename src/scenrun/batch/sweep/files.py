"""The output files of a sweep: their kinds by suffix, checks before the run, the record beside them, and their writers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module

from scenrun.batch.sweep.cell import Row, Rows
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.record import line_of
from scenrun.errors import UsageError
from scenrun.report.database import check_duckdb

_WRITERS = {
    ".csv": "scenrun.batch.sweep.flat_table",
    ".parquet": "scenrun.batch.sweep.tables",
    ".duckdb": "scenrun.batch.sweep.tables",
    ".html": "scenrun.batch.sweep.page.page",
    ".jsonl": "",
}
"""By suffix, the module whose `write(path, plan, record, shown)` writes the file; .jsonl is the record itself."""


def targets(paths: Sequence[str]) -> tuple[str, ...]:
    """The output paths; raises UsageError for an unknown kind, a path given twice, or two records."""
    for path in paths:
        check_kind(path)
        if list(paths).count(path) > 1:
            raise UsageError(f"-o {path} is given twice")
    if len([path for path in paths if suffix_of(path) == ".jsonl"]) > 1:
        raise UsageError("rows are kept in one file: give one -o that ends in .jsonl")
    return tuple(paths)


def check_kind(path: str) -> None:
    """Raises UsageError for a path without a known suffix."""
    if suffix_of(path) not in _WRITERS:
        raise UsageError(f"{path}: the name of an output ends in {', '.join(_WRITERS)}")


def suffix_of(path: str) -> str:
    """The suffix of a path, which chooses the kind of file."""
    return os.path.splitext(path)[1].lower()


def record_path(paths: Sequence[str]) -> str | None:
    """The path of the record: the .jsonl output, or else a file beside the first output; None without output."""
    for path in paths:
        if suffix_of(path) == ".jsonl":
            return path
    return f"{os.path.splitext(paths[0])[0]}.rows.jsonl" if paths else None


def check_means(path: str) -> None:
    """Raises UsageError for a kind of file whose writer is not installed."""
    if suffix_of(path) in (".parquet", ".duckdb"):
        check_duckdb(path, ", or write a .csv")


def write(path: str, plan: SweepPlan, record: Rows, shown: Sequence[str], *, raw: bool = False) -> None:
    """Writes all present rows in the order of the grid; `raw` leaves texts in a CSV unescaped."""
    module = _WRITERS[suffix_of(path)]
    if module:
        how = {"raw": True} if raw and suffix_of(path) == ".csv" else {}
        import_module(module).write(path, plan, record, shown, **how)
        return
    with open(path, "wb") as file:
        file.writelines(map(line_of, record.rows()))


def as_json(row: Row) -> str:
    """A row as a line of JSON."""
    return line_of(row)[:-1].decode()
