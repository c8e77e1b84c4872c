"""Writes a file in the Trace Event Format, record by record, and numbers its tracks."""

from __future__ import annotations

from typing import Any, BinaryIO

from scenrun.printable import excerpt
from scenrun.trace.json_text import dumps

THREADS, OBJECTS = 1, 2
"""The two processes of the trace: the threads, and the objects that they share."""
_FIRST_TRACK = 10
"""Tracks have other numbers than processes: Perfetto would take them for main threads."""
_AT_ONCE = 4_096
_NAME, _TEXT = 120, 2_000

Record = dict[str, Any]


def nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds, the unit of simulated and real runs."""
    return round(seconds * 1e9)


def microseconds(ns: int) -> float | int:
    """Nanoseconds as microseconds, the unit of the format."""
    whole, rest = divmod(ns, 1_000)
    return ns / 1_000 if rest else whole


def shown(text: str, most: int = _NAME) -> str:
    """A name without control characters; never empty, as Perfetto takes no empty names."""
    if len(text) <= most and text.isprintable() and text:
        return text
    return excerpt(text, most) or "?"


def shown_value(value: Any) -> Any:
    """A value for the details of a record; a long text is cut."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return shown(value if isinstance(value, str) else dumps(value).decode(), _TEXT)


class Records:
    """The file: records in the order of `add`, and metadata at its end."""

    def __init__(self, file: BinaryIO) -> None:
        self.written = 0
        self._file = file
        self._waiting: list[bytes] = []
        self._next_track = _FIRST_TRACK
        file.write(b'{"displayTimeUnit":"ns","traceEvents":[\n')

    def add(self, record: Record) -> None:
        """Writes a record."""
        self._waiting.append(dumps(record))
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def process(self, pid: int, name: str) -> None:
        """Names a process; viewers sort processes by number."""
        self._meta(pid, pid, "process_name", name=shown(name))
        self._meta(pid, pid, "process_sort_index", sort_index=pid)

    def track(self, pid: int, name: str, place: int | None = None) -> int:
        """The number of a new track. Viewers sort tracks by `place`, which is the number unless given."""
        tid = self._next_track
        self._next_track += 1
        self._meta(pid, tid, "thread_name", name=shown(name))
        self._meta(pid, tid, "thread_sort_index", sort_index=tid if place is None else place)
        return tid

    def close(self, metadata: Record) -> None:
        """Writes the rest and the metadata."""
        self._flush()
        self._file.write(b'\n],"metadata":' + dumps(metadata) + b"}\n")

    def _meta(self, pid: int, tid: int, kind: str, **what: Any) -> None:
        self.add({"ph": "M", "pid": pid, "tid": tid, "ts": 0, "name": kind, "args": what})

    def _flush(self) -> None:
        if self._waiting:
            self._file.write((b",\n" if self.written else b"") + b",\n".join(self._waiting))
            self.written += len(self._waiting)
            self._waiting.clear()
