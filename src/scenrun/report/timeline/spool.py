"""A spool of packed records between the two passes of a timeline: in memory while small, else in a temporary file."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

_FORM = Struct("<Biiqqqq")
_AT_ONCE = 4_096
_IN_MEMORY = 1 << 24
_LARGEST, _LAST = 1 << 31, 1 << 62


class Record(NamedTuple):
    """A thread's state, a hold, or the size of a queue, with begin and end."""

    kind: int
    row: int
    """The number of a thread, or of a queue."""
    other: int
    """The number of the lock for a hold, the size for a queue."""
    begin_ns: int
    end_ns: int
    begin_seq: int
    end_seq: int


# Drawing needs the length of the run and the choice of threads first, and a log from a pipe cannot be read twice.
class Spool:
    """Stores records, and yields them in their order, any number of times."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY, prefix="scenrun-")  # noqa: SIM115 - goes with the spool
        self._waiting: list[bytes] = []

    def add(self, kind: int, row: int, other: int, ns: tuple[int, int], seqs: tuple[int, int]) -> None:
        """Stores a record."""
        first, last = seqs
        if last > _LAST or first > _LAST:
            first, last = min(first, _LAST), min(last, _LAST)
        self._waiting.append(_FORM.pack(kind, row, min(other, _LARGEST - 1), *ns, first, last))
        if len(self._waiting) >= _AT_ONCE:
            self._write()

    def _write(self) -> None:
        self._file.write(b"".join(self._waiting))
        self._waiting.clear()

    def __iter__(self) -> Iterator[Record]:
        self._write()
        self._file.seek(0)
        while data := self._file.read(_FORM.size * _AT_ONCE):
            yield from map(Record._make, _FORM.iter_unpack(data))

    def close(self) -> None:
        """Frees the memory or file."""
        self._file.close()
