"""Writes the rows of a sweep as a Parquet file or a DuckDB database, with typed columns."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

from scenrun.batch.sweep.cell import Rows
from scenrun.batch.sweep.files import suffix_of
from scenrun.batch.sweep.flat_table import Columns, columns_of
from scenrun.batch.sweep.plan import SweepPlan
from scenrun.batch.sweep.record import line_of
from scenrun.report.database import connected

TABLE = "cells"
"""The name of the table in a database."""
_MEMORY = 512_000_000
"""The bytes that DuckDB may use."""
_TYPES = {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}
_OWN = {"r seed": "UBIGINT", "r repetition": "BIGINT", "r took_s": "DOUBLE", "r ok": "BOOLEAN"}


def write(path: str, plan: SweepPlan, record: Rows, shown: Sequence[str]) -> None:
    """Writes all rows as one table."""
    columns = columns_of(plan, record)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path) or ".", prefix=".scenrun-") as folder:
        rows, tables = os.path.join(folder, "rows.jsonl"), os.path.join(os.path.abspath(folder), "tables.duckdb")
        _give(rows, columns, record)
        with connected(tables, folder, path, _MEMORY) as connection:
            connection.execute(_statement(columns), [rows])
            if suffix_of(path) == ".parquet":
                quoted = os.path.abspath(path).replace("'", "''")
                connection.execute(f"COPY {TABLE} TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
        if suffix_of(path) == ".duckdb":
            os.replace(tables, path)


def _give(path: str, columns: Columns, record: Rows) -> None:
    """Writes every row as a line of JSON with numbered keys, as columns may have any name."""
    with open(path, "wb") as file:
        for row in record.rows():
            file.write(line_of({f"c{at}": value for at, value in enumerate(columns.flat(row))}))


def _statement(columns: Columns) -> str:
    types = {f"c{at}": type_of(key, columns.types.get(key, set())) for at, key in enumerate(columns.keys)}
    names = ", ".join(f'c{at} AS "{_quoted(name)}"' for at, name in enumerate(columns.names))
    return (
        f"CREATE TABLE {TABLE} AS SELECT {names} FROM read_json(?, format = 'newline_delimited', "
        f"maximum_object_size = {1 << 24}, columns = {types})"
    )


def type_of(key: str, types: set[type]) -> str:
    """The SQL type of a column with values of these types; text if they have no common type."""
    if key in _OWN:
        return _OWN[key]
    if types <= {int, float} and len(types) == 2:
        return "DOUBLE"
    one: Any = next(iter(types)) if len(types) == 1 else str
    return _TYPES.get(one, "VARCHAR")


def _quoted(name: str) -> str:
    return name.replace('"', '""')
