"""The only code that uses DuckDB: rows in batches into a database file, and from there into Parquet or CSV."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scenrun.analysis.reading import excerpt
from scenrun.errors import OutputError, UsageError
from scenrun.report.tables import TABLES, TEXT, TIME

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS = {".parquet": "(FORMAT parquet, COMPRESSION zstd)", ".csv": "(FORMAT csv, HEADER)", ".duckdb": ""}
"""What can be written, by the file's suffix, and how DuckDB is asked for it."""
_BATCH = 1 << 25
"""Bytes of rows that DuckDB takes at a time."""
_LONGEST = 1 << 20
"""Bytes of a row for which DuckDB sets room aside, if none is longer."""
_WRITTEN_AS = {".csv": {TIME: TEXT}}
"""Columns that are of another type in a format: a time in CSV is written as the log does."""
_SETTINGS: dict[str, str | int | bool] = {
    "threads": 2,
    "memory_limit": "256MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def check_duckdb() -> None:
    """Say how to get DuckDB if it is not there."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise UsageError("export needs DuckDB, which is not installed: pip install 'scenrun[analysis]'") from None


class Database:
    """A new database file with some of the tables."""

    def __init__(
        self, connection: DuckDBPyConnection, folder: str, tables: tuple[str, ...], types: dict[str, str]
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._types = types
        self._batches = {name: _Batch(folder, name, 0) for name in tables}
        self.counts = dict.fromkeys(tables, 0)
        """The rows that each table has."""
        for name in tables:
            columns = (f'"{column}" {types.get(kind, kind)}' for column, kind in TABLES[name].columns.items())
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")

    def add(self, name: str, row: bytes) -> None:
        """One more row for a table, as a line of JSON."""
        batch = self._batches[name]
        batch.add(row)
        if batch.size > _BATCH:
            self._take_in(name, batch)
            self._batches[name] = _Batch(self._folder, name, self.counts[name])

    def _take_in(self, name: str, batch: _Batch) -> None:
        batch.file.close()
        self._connection.execute(_insertion(name, self._types), [batch.path, max(_LONGEST, batch.longest + 1)])
        os.unlink(batch.path)
        self.counts[name] += batch.rows

    def complete(self) -> None:
        """All rows have been given."""
        for name, batch in self._batches.items():
            self._take_in(name, batch)


class _Batch:
    """Rows that DuckDB has not taken yet, in a file."""

    __slots__ = ("file", "longest", "path", "rows", "size")

    def __init__(self, folder: str, name: str, number: int) -> None:
        self.path = os.path.join(folder, f"{name}-{number}.jsonl")
        self.file = open(self.path, "wb", buffering=1 << 18)  # noqa: SIM115 - closed when DuckDB takes it
        self.rows = self.size = self.longest = 0

    def add(self, row: bytes) -> None:
        """One more."""
        length = len(row)
        self.file.write(row)
        self.rows += 1
        self.size += length
        if length > self.longest:
            self.longest = length


def _insertion(name: str, types: dict[str, str]) -> str:
    """The statement that takes a batch in. A time that is none and a number that is too large become NULL."""
    columns = {column: types.get(kind, kind) for column, kind in TABLES[name].columns.items()}
    read = {column: TEXT if kind == TIME else kind for column, kind in columns.items()}
    values = (f'TRY_CAST("{c}" AS {kind})' if kind == TIME else f'"{c}"' for c, kind in columns.items())
    return (
        f"INSERT INTO {name} SELECT {', '.join(values)} FROM read_json(?, format = 'newline_delimited', "
        f"ignore_errors = true, maximum_object_size = ?, columns = {read})"
    )


@contextmanager
def database(path: str, tables: tuple[str, ...]) -> Iterator[Database]:
    """A database to fill; when all went well, what it has is at `path`, in the format of the suffix."""
    import duckdb

    suffix = suffix_of(path)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path) or ".", ignore_cleanup_errors=True) as folder:
        file = os.path.join(os.path.abspath(folder), "tables.duckdb")
        try:
            with duckdb.connect(file, config={**_SETTINGS, "temp_directory": folder}) as connection:
                filling = Database(connection, folder, tables, _WRITTEN_AS.get(suffix, {}))
                yield filling
                filling.complete()
                if suffix != ".duckdb":
                    connection.execute(f"COPY {tables[0]} TO {_quoted(os.path.abspath(path))} {FORMATS[suffix]}")
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise OutputError(f"cannot write the tables: {excerpt(str(error), 300)}", midway=True) from None
        if suffix == ".duckdb":
            os.replace(file, path)


def suffix_of(path: str) -> str:
    """The suffix that says how to write."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"{path}: the name of the output ends in {', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}"
        )
    return suffix


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
