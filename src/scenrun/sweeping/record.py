"""The file in which the rows of a sweep are kept as they come: a second call goes on from it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson

from scenrun.errors import OutputError, UsageError
from scenrun.sweeping.measuring import Job, Row
from scenrun.version import __version__

_FORM = 1


def identity_of(job: Job, scenario: str) -> dict[str, Any]:
    """What makes two sweeps the same but for their cells: the scenario, the way of running it, the options."""
    overrides = {name: job.overrides[name] for name in sorted(job.overrides)}
    text = orjson.dumps([job.text, job.how, job.options, overrides], option=orjson.OPT_SORT_KEYS, default=str)
    return {
        "sweep": _FORM, "scenario": scenario, "how": job.how, "options": job.options, "overrides": overrides,
        "digest": hashlib.sha256(text).hexdigest()[:16], "scenrun": __version__,
    }  # fmt: skip


class Record:
    """Rows as JSON lines below a first line that says whose they are. Each row is written at once, and kept whole."""

    def __init__(self, path: str, identity: dict[str, Any], *, again: bool = False) -> None:
        self.path = path
        self.done: set[str] = set()
        """The cells whose rows are there."""
        self._descriptor = self._open(again)
        try:
            if self._size() and not again:
                self._go_on(identity)
            else:
                self._write(orjson.dumps(identity, default=str) + b"\n")
        except BaseException:
            os.close(self._descriptor)
            raise

    def _open(self, again: bool) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if again else 0), 0o644)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}", midway=False) from None

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _go_on(self, identity: dict[str, Any]) -> None:
        """Take what is there; a last line that was not written whole is cut off."""
        with open(self.path, "rb") as file:
            head = _parsed(file.readline())
            self._check(head, identity)
            whole = file.tell()
            for line in file:
                row = _parsed(line)
                if row is None or "cell" not in row or not line.endswith(b"\n"):
                    break
                whole += len(line)
                self.done.add(row["cell"])
        if whole < self._size():
            os.ftruncate(self._descriptor, whole)

    def _check(self, head: dict[str, Any] | None, identity: dict[str, Any]) -> None:
        if head is None or head.get("sweep") != _FORM:
            raise UsageError(f"{self.path} is no record of a sweep; choose another -o, or --force to begin anew")
        if head.get("digest") != identity["digest"]:
            other = f"{head.get('scenario')} ({head.get('how')})"
            raise UsageError(
                f"{self.path} is the record of another sweep: of {other} with another text or other options; "
                "choose another -o, or --force to begin anew"
            )
        if head.get("scenrun") != identity["scenrun"]:
            raise UsageError(
                f"{self.path} was begun by scenrun {head.get('scenrun')}, and this is {identity['scenrun']}; "
                "rows of two versions are not mixed: choose another -o, or --force to begin anew"
            )

    def add(self, row: Row) -> None:
        """Keep a row, unless it is there."""
        if row["cell"] not in self.done:
            self._write(orjson.dumps(row, default=str) + b"\n")
            self.done.add(row["cell"])

    def _write(self, line: bytes) -> None:
        data = memoryview(line)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}", midway=True) from None

    def rows(self) -> Iterator[Row]:
        """All rows, in the order in which they came."""
        with open(self.path, "rb") as file:
            file.readline()
            for line in file:
                if (row := _parsed(line)) is not None:
                    yield row

    def close(self) -> None:
        """Give the file back."""
        with suppress(OSError):
            os.close(self._descriptor)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
