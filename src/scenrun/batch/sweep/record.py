"""The record of a sweep: a file to which rows are appended as they come, and from which a second call continues."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from scenrun.batch.sweep.cell import Job, Row
from scenrun.batch.sweep.grid import Grid
from scenrun.errors import OutputError, UsageError
from scenrun.language import source as yaml_source
from scenrun.language.sweep import plain
from scenrun.trace.json_text import dumps_line, loads
from scenrun.version import __version__

_FORM = 1
_NOT_TOLD_APART = ("sweep", "seed", "description")
"""Keys of a scenario that change no row: rows contain their parameters and seeds themselves."""
_ROOM = 1 << 16
LOCK_S = 1.0
"""Seconds to wait for the lock of a file."""


def identity_of(job: Job, scenario: str) -> dict[str, Any]:
    """The first line of a record: the scenario, the way of running it and the options, with a digest of them.

    Comments, layout, `x-` keys, `description`, `seed` and `sweep` itself do not count.
    """
    raw = yaml_source.read(job.source, [])
    kept = {str(key): plain(raw[key]) for key in raw if key not in _NOT_TOLD_APART and not key.startswith("x-")}
    overrides = {name: plain(job.overrides[name]) for name in sorted(job.overrides)}
    text = json.dumps([kept, job.how, job.options, overrides], sort_keys=True, default=str).encode()
    head = {
        "sweep": _FORM, "scenario": scenario, "how": job.how, "options": job.options, "overrides": overrides,
        "digest": hashlib.sha256(text).hexdigest()[:16], "scenrun": __version__,
    }  # fmt: skip
    found: dict[str, Any] = json.loads(json.dumps(head, default=str))
    return found


class Record:
    """Rows as JSON lines below a first line with the identity of the sweep. Each row is written at once, and whole.

    path: None for a temporary file. again: begin anew, whatever the file has. retry: rows with an error count as missing.
    """

    def __init__(
        self, path: str | None, identity: dict[str, Any], grid: Grid, *, again: bool = False, retry: bool = False
    ) -> None:
        self.path = path
        self.grid = grid
        self.done = 0
        """The number of cells of the grid that have a row."""
        self._where: array[int] = array("q")
        """The offset of each cell's row in the file, by number of the cell; 0 for none."""
        self._end = 0
        self._descriptor = self._open(again)
        try:
            self._lock()
            if again:
                os.ftruncate(self._descriptor, 0)
            if self._size():
                self._go_on(identity, retry)
            else:
                self._write(line_of(identity))
        except BaseException:
            os.close(self._descriptor)
            raise

    def _open(self, again: bool) -> int:
        if self.path is None:
            descriptor, path = tempfile.mkstemp(prefix="scenrun-", suffix=".rows.jsonl")
            os.unlink(path)
            return descriptor
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}", midway=False) from None

    def _lock(self) -> None:
        """Locks the file for one sweep. Workers of a killed sweep hold the lock for a moment longer than it."""
        end = time.monotonic() + LOCK_S
        while not _locked(self._descriptor, keep=True):
            if time.monotonic() > end:
                raise UsageError(f"{self.path} is being written by another sweep; wait for it, or choose another -o")
            time.sleep(0.05)

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _go_on(self, identity: dict[str, Any], retry: bool) -> None:
        """Takes the rows of the file; an incomplete last line is cut off."""
        lines = self._lines(0)
        _, head = next(lines, (0, None))
        self._check(head, identity)
        found: dict[bytes, int] = {}
        self._end = len(self._line_at(0))
        for where, row in lines:
            if row is None or "cell" not in row:
                break
            self._end = where + len(self._line_at(where))
            if not (retry and "error" in row):
                found[bytes.fromhex(row["cell"])] = where
        if self._end < self._size():
            os.ftruncate(self._descriptor, self._end)
        for cell in self.grid.cells() if found else ():
            if (at := found.get(bytes.fromhex(cell.key))) is not None:
                self._note(cell.number, at)

    def _check(self, head: dict[str, Any] | None, identity: dict[str, Any]) -> None:
        if head is None or head.get("sweep") != _FORM:
            raise UsageError(f"{self.path} is no record of a sweep; choose another -o, or --force to begin anew")
        if head.get("scenrun") != identity["scenrun"]:
            raise UsageError(
                f"{self.path} was begun by scenrun {head.get('scenrun')}, and this is {identity['scenrun']}; "
                "rows of two versions are not mixed: choose another -o, or --force to begin anew"
            )
        if head.get("digest") != identity["digest"]:
            raise UsageError(
                f"{self.path} is the record of another sweep: {_difference(head, identity)}; "
                "choose another -o, or --force to begin anew"
            )

    def has(self, number: int) -> bool:
        """Whether the row of this cell is there."""
        return number < len(self._where) and self._where[number] != 0

    def add(self, row: Row) -> None:
        """Appends a row, unless it is there."""
        if not self.has(row["number"]):
            where = self._end
            self._write(line_of(row))
            self._note(row["number"], where)

    def _note(self, number: int, where: int) -> None:
        if number >= len(self._where):
            self._where.frombytes(bytes(8 * (number + 1 - len(self._where))))
        self.done += not self._where[number]
        self._where[number] = where

    def _write(self, line: bytes) -> None:
        data = memoryview(line)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise OutputError(f"cannot write {self.path or 'rows'}: {error.strerror}", midway=True) from None
        self._end += len(line)

    def rows(self) -> Iterator[Row]:
        """The rows of the grid's cells, in the order of the grid."""
        for number, where in enumerate(self._where):
            if where and (row := _parsed(self._line_at(where))) is not None:
                row["number"] = number
                yield row

    def _lines(self, where: int) -> Iterator[tuple[int, dict[str, Any] | None]]:
        while line := self._line_at(where):
            yield where, _parsed(line) if line.endswith(b"\n") else None
            where += len(line)

    def _line_at(self, where: int) -> bytes:
        """The line at an offset, with its newline if it has one."""
        parts: list[bytes] = []
        room = 1_024
        while True:
            part = os.pread(self._descriptor, room, where + sum(map(len, parts)))
            end = part.find(b"\n")
            parts.append(part if end < 0 else part[: end + 1])
            if end >= 0 or not part:
                return b"".join(parts)
            room = _ROOM

    def close(self) -> None:
        """Unlocks and closes the file."""
        with suppress(OSError):
            # Workers that still run hold the file, too, so that closing it would not unlock it.
            _locked(self._descriptor, keep=False)
            os.close(self._descriptor)


def _locked(descriptor: int, *, keep: bool) -> bool:
    """Takes or frees the lock of a file; returns whether that succeeded. Systems without locks exclude no other sweep."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if keep else fcntl.LOCK_UN)
    except OSError:
        return False
    return True


def line_of(value: dict[str, Any]) -> bytes:
    """A row as a line of JSON, also with integers of more than 64 bits."""
    return dumps_line(value)


def _difference(head: dict[str, Any], identity: dict[str, Any]) -> str:
    """The difference between two sweeps, as far as their first lines show it."""
    for key, words in (("scenario", "of the scenario"), ("how", "of the way"), ("options", "with the options"),
                       ("overrides", "with --set")):  # fmt: skip
        if head.get(key) != identity[key]:
            return f"it is {words} {_shown(head.get(key))}, and this is {words} {_shown(identity[key])}"
    return f"the text of {identity['scenario']} was another one then"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={one}" for key, one in value.items())[:200] or "(none)"
    return f"`{str(value)[:80]}`"


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
