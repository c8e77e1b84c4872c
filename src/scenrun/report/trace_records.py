"""Writes records of the Trace Event Format, one after another, and numbers the tracks that they lie on."""

from __future__ import annotations

from typing import Any, BinaryIO

from scenrun.trace.analysis.reading import excerpt
from scenrun.trace.json_text import dumps

THREADS, OBJECTS = 1, 2
"""The two processes: the run's threads, and what they share."""
_FIRST_TRACK = 10
"""No track has a process's number: Perfetto would take it for that process's main thread."""
_AT_ONCE = 4_096
_NAME, _TEXT = 120, 2_000

Record = dict[str, Any]


def nanoseconds(seconds: float) -> int:
    """A moment of a log. Simulated and real runs count nanoseconds."""
    return round(seconds * 1e9)


def microseconds(ns: int) -> float | int:
    """What the format counts in."""
    whole, rest = divmod(ns, 1_000)
    return ns / 1_000 if rest else whole


def shown(text: str, most: int = _NAME) -> str:
    """A name that harms nobody; never empty, as Perfetto takes no empty ones."""
    if len(text) <= most and text.isprintable() and text:
        return text
    return excerpt(text, most) or "?"


def shown_value(value: Any) -> Any:
    """A value for the details of a record, cut if it is long."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return shown(value if isinstance(value, str) else dumps(value).decode(), _TEXT)


class Records:
    """The file: records as they come, and metadata at its end."""

    def __init__(self, file: BinaryIO) -> None:
        self.written = 0
        self._file = file
        self._waiting: list[bytes] = []
        self._next_track = _FIRST_TRACK
        file.write(b'{"displayTimeUnit":"ns","traceEvents":[\n')

    def add(self, record: Record) -> None:
        """Write a record."""
        self._waiting.append(dumps(record))
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def process(self, pid: int, name: str) -> None:
        """Name a process; they stand in the order of their numbers."""
        self._meta(pid, pid, "process_name", name=shown(name))
        self._meta(pid, pid, "process_sort_index", sort_index=pid)

    def track(self, pid: int, name: str, place: int | None = None) -> int:
        """The number of a new track. Tracks stand in the order of their `place`, which is their number unless given."""
        tid = self._next_track
        self._next_track += 1
        self._meta(pid, tid, "thread_name", name=shown(name))
        self._meta(pid, tid, "thread_sort_index", sort_index=tid if place is None else place)
        return tid

    def close(self, metadata: Record) -> None:
        """The last of the file."""
        self._flush()
        self._file.write(b'\n],"metadata":' + dumps(metadata) + b"}\n")

    def _meta(self, pid: int, tid: int, kind: str, **what: Any) -> None:
        self.add({"ph": "M", "pid": pid, "tid": tid, "ts": 0, "name": kind, "args": what})

    def _flush(self) -> None:
        if self._waiting:
            self._file.write((b",\n" if self.written else b"") + b",\n".join(self._waiting))
            self.written += len(self._waiting)
            self._waiting.clear()
