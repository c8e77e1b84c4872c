"""The DuckDB writer, the only code that uses DuckDB: rows in batches into a database file, and from there to Parquet or CSV."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from scenrun.errors import InternalError, OutputError, UsageError
from scenrun.printable import excerpt
from scenrun.report.spreadsheet import cell_in_sql
from scenrun.report.tables import TABLES, TEXT, TIME

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group}",
    ".csv": "FORMAT csv, HEADER",
    ".duckdb": "",
}
"""The output formats by the file's suffix, with the options of DuckDB's COPY."""
_BATCH = 1 << 25
"""Bytes of a batch of rows."""
_LONGEST = 1 << 20
"""Bytes that DuckDB reserves for a row, unless one is longer."""
_ROOM, _MOST_ROOM = 3 << 26, 1 << 32
"""DuckDB's memory limit in bytes for rows of usual length, and the largest one set; beyond it DuckDB's default applies."""
_WRITTEN_AS = {".csv": {TIME: TEXT}}
"""Columns with another type in a format: CSV has times as text, written as in the log."""


def check_duckdb(what: str, instead: str = "") -> None:
    """Raises UsageError, with the command that installs DuckDB, if it is missing. what: what needs it."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise UsageError(
            f"{what} needs DuckDB, which is not installed: pip install 'scenrun[analysis]'{instead}"
        ) from None


@contextmanager
def connected(path: str, folder: str, what: str, memory: int = _ROOM) -> Iterator[DuckDBPyConnection]:
    """A new database file, with what does not fit into `memory` bytes in `folder`. Raises OutputError for `what`."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2, "memory_limit": f"{memory}B", "autoinstall_known_extensions": False,
        "autoload_known_extensions": False, "temp_directory": folder,
    }  # fmt: skip
    try:
        with duckdb.connect(path, config=settings) as connection:
            yield connection
    except (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException) as error:
        raise OutputError(f"cannot write {what}: {excerpt(str(error), 300)}", midway=True) from None


class Database:
    """A new database file with some of the tables, filled within one transaction."""

    def __init__(
        self, connection: DuckDBPyConnection, folder: str, tables: tuple[str, ...], types: dict[str, str]
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._types = types
        self._batches = {name: _Batch(folder, name, 0) for name in tables}
        self.counts = dict.fromkeys(tables, 0)
        """The number of rows of each table."""
        self.average = 1
        """The largest mean row length of a batch, in bytes."""
        self._room = _ROOM
        connection.execute("BEGIN")  # a commit a batch would write the last rows of the table again each time
        for name in tables:
            columns = (f'"{column}" {types.get(kind, kind)}' for column, kind in TABLES[name].columns.items())
            connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")

    def add(self, name: str, row: bytes) -> None:
        """Adds a row, given as a line of JSON, to a table."""
        batch = self._batches[name]
        batch.add(row)
        if batch.size > _BATCH:
            self._take_in(name, batch)
            self._batches[name] = _Batch(self._folder, name, self.counts[name])

    def _take_in(self, name: str, batch: _Batch) -> None:
        batch.file.close()
        self._make_room(batch)
        how = [batch.path, max(_LONGEST, batch.longest + 1)]
        taken = self._connection.execute(_insertion(name, self._types), how).fetchone()
        if taken != (batch.rows,):
            raise InternalError(f"DuckDB has taken {taken} of {batch.rows:,} rows of {name}")
        os.unlink(batch.path)
        self.counts[name] += batch.rows

    def _make_room(self, batch: _Batch) -> None:
        """Raises the memory limit for long rows: DuckDB handles 2,048 rows at a time, in several copies."""
        if batch.rows:
            self.average = max(self.average, batch.size // batch.rows)
            room = _ROOM + self.average * 2_048 * 16 + batch.longest * 16
            if room > self._room:
                self._room = room
                self._connection.execute(f"SET memory_limit = '{room}B'" if room < _MOST_ROOM else "RESET memory_limit")

    def complete(self) -> None:
        """Takes in the remaining rows and commits."""
        for name, batch in self._batches.items():
            self._take_in(name, batch)
        self._connection.execute("COMMIT")

    def leave(self) -> None:
        """Closes the batch files, also after an error."""
        for batch in self._batches.values():
            with suppress(OSError):
                batch.file.close()

    def copied(self, suffix: str, raw: bool) -> str:
        """Writes the first table to a file in the format of a suffix, and returns its path; `raw`: CSV texts as they are."""
        name, path = next(iter(self._batches)), os.path.join(self._folder, f"table{suffix}")
        how = FORMATS[suffix].format(group=min(122_880, max(2_048, _BATCH // self.average)))
        self._connection.execute("SET threads = 1")  # two would put whole row groups in order, in memory
        what = name if raw or suffix != ".csv" else f"(SELECT {_cells(name)} FROM {name})"
        self._connection.execute("COPY {} TO '{}' ({})".format(what, path.replace("'", "''"), how))
        return path


class _Batch:
    """Rows that DuckDB has not taken in yet, in a file."""

    __slots__ = ("file", "longest", "path", "rows", "size")

    def __init__(self, folder: str, name: str, number: int) -> None:
        self.path = os.path.join(folder, f"{name}-{number}.jsonl")
        self.file = open(self.path, "wb", buffering=1 << 18)  # noqa: SIM115 - closed when DuckDB takes it
        self.rows = self.size = self.longest = 0

    def add(self, row: bytes) -> None:
        """Adds a row."""
        length = len(row)
        self.file.write(row)
        self.rows += 1
        self.size += length
        if length > self.longest:
            self.longest = length


def _cells(name: str) -> str:
    """The columns of a table as SQL, with texts escaped that a spreadsheet would run as formulas."""
    return ", ".join(cell_in_sql(c) if kind == TEXT else f'"{c}"' for c, kind in TABLES[name].columns.items())


def _insertion(name: str, types: dict[str, str]) -> str:
    """The statement that takes in a batch. Invalid times and numbers out of range become NULL."""
    columns = {column: types.get(kind, kind) for column, kind in TABLES[name].columns.items()}
    read = {column: TEXT if kind == TIME else kind for column, kind in columns.items()}
    values = (f'TRY_CAST("{c}" AS {kind})' if kind == TIME else f'"{c}"' for c, kind in columns.items())
    return (
        f"INSERT INTO {name} SELECT {', '.join(values)} FROM read_json(?, format = 'newline_delimited', "
        f"ignore_errors = true, maximum_object_size = ?, columns = {read})"
    )


@contextmanager
def database(path: str, tables: tuple[str, ...], *, raw: bool = False) -> Iterator[Database]:
    """A database to fill; on success its contents are moved to `path`, in the format of the suffix."""
    suffix, beside = suffix_of(path), os.path.abspath(os.path.dirname(path))
    place = None if "?" in beside else beside  # DuckDB takes what follows a question mark for options
    with tempfile.TemporaryDirectory(prefix="scenrun-", dir=place, ignore_cleanup_errors=True) as folder:
        file = os.path.join(folder, "tables.duckdb")
        with connected(file, folder, "the tables") as connection:
            filling = Database(connection, folder, tables, _WRITTEN_AS.get(suffix, {}))
            try:
                yield filling
                filling.complete()
            finally:
                filling.leave()
            if suffix != ".duckdb":
                file = filling.copied(suffix, raw)
        # The file is complete before it gets its name, so that a failure leaves nothing half-written at `path`.
        shutil.move(file, path)


def suffix_of(path: str) -> str:
    """The suffix of a path, which chooses the format; raises UsageError for others."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"{path}: the name of the output ends in {', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}"
        )
    return suffix
