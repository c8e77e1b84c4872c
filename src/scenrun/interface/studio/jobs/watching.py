"""Watches a run: reads its log while that grows, and tells several times a second what its threads do."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import BinaryIO, cast

from scenrun.interface.studio.jobs.wanted import Tell
from scenrun.report.live_lanes import LiveLanes
from scenrun.trace.analysis.reading import Reading

EACH_S = 0.1
"""How often the lanes are told."""
_PAUSE_S = 0.01
_LOOK_EACH = 256
"""After how many lines it is seen whether it is time to tell, where lines come without a pause."""


def watch(log: str, tell: Tell) -> None:
    """Tell the lanes of the run whose log is written to a file, until the run has ended; whoever runs it ends this otherwise."""
    lanes, due = LiveLanes(), time.monotonic()

    def tell_if_due() -> None:
        nonlocal due
        if lanes.events and time.monotonic() >= due:
            tell({"kind": "lanes", **lanes.changes()})
            due = time.monotonic() + EACH_S

    with open(log, "rb") as file:
        for event in Reading(cast(BinaryIO, Growing(file, tell_if_due)), "the log"):
            lanes.take(event)
            if not lanes.events % _LOOK_EACH:
                tell_if_due()
            if event["event"] == "run.finished":
                break
    lanes.close()
    tell({"kind": "lanes", **lanes.changes(), "ended": True})


class Growing(io.RawIOBase):
    """A file that is still written to: a line is read when it is there whole, and `waiting` is called until then."""

    def __init__(self, file: BinaryIO, waiting: Callable[[], None]) -> None:
        self._file = file
        self._waiting = waiting
        self._part = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line; never empty, as the file may always go on."""
        while True:
            self._part += self._file.readline(-1 if size is None else size)
            if self._part.endswith(b"\n"):
                line, self._part = self._part, b""
                return line
            self._waiting()
            time.sleep(_PAUSE_S)
