"""The reader of logs, the only one: lines to events, and notes on the lines that could not be read."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from scenrun.errors import UsageError
from scenrun.printable import excerpt
from scenrun.trace.events import EVENTS
from scenrun.trace.json_text import loads
from scenrun.version import __version__

Event = dict[str, Any]
"""One line of a log."""
LONGEST_LINE = 1 << 26
"""The most bytes read as one line: bounds memory, and no line of scenrun is that long."""
_NUMBERS = (float, int)
_BY_A_THREAD = frozenset(name for name, event in EVENTS.items() if event.by_thread and name != "finding")
"""The events whose lines must name a thread."""


class LogError(UsageError):
    """Raised for a log of which nothing can be read."""


class Reading:
    """The events of one run of a log, or of all; `notes` describes the lines that were skipped.

    file: a binary stream; name: its name in messages. run: which run of the log, by its identifier or by its number from 1;
    None is the first. every: all runs.
    """

    def __init__(self, file: BinaryIO, name: str, *, run: str | None = None, every: bool = False) -> None:
        self.name = name
        self.runs: dict[str, str] = {}
        """The runs that were seen, each with its verdict; `?` if its last line is missing."""
        self.lines = 0
        """The number of lines read so far."""
        self.raw = b""
        """The last line read, as bytes: that of the event just yielded."""
        self.tally: Event | None = None
        """The `tally.finished` line, which sums up several runs."""
        self._file = file
        self._wanted = run
        self._every = every
        self._chosen: str | None = None
        self._foreign = 0
        self._first_foreign: tuple[int, str] | None = None
        self._cut_off = 0
        self._unknown: Counter[str] = Counter()
        self._missing = self._again = 0
        self._version: str | None = None
        self._next: dict[str, int] = {}

    def __iter__(self) -> Iterator[Event]:
        # The loop handles the usual case, the next line of the run, by itself: a log may have millions of lines.
        following, known, every, chosen = self._next, EVENTS, self._every, self._chosen
        for line in self._lines():
            self.lines += 1
            self.raw = line
            try:
                event = loads(line)
                run, seq, name = event["run"], event["seq"], event["event"]
                is_next = seq == following.get(run) and name in known and (every or run == chosen)
                if is_next and type(seq) is int and _is_sound(event):
                    following[run] = seq + 1
                    if name == "run.finished":
                        self.runs[run] = str(event.get("verdict", "?"))
                    yield event
                    continue
            except (ValueError, TypeError, KeyError, AttributeError):
                event = None
            if (found := self._looked_at(line, event)) is not None:
                yield found
            chosen = self._chosen
        if not self.lines:
            raise LogError(f"{self.name} is empty: there is no line in it")
        if not self.runs:
            raise LogError(f"{self.name} is no log of scenrun: {self._of_lines()}")
        if chosen is None and not self._every:
            raise LogError(f"{self.name} has no run {self._wanted}; it has {_listed(list(self.runs))}")

    def _lines(self) -> Iterator[bytes]:
        try:
            yield from iter(lambda: self._file.readline(LONGEST_LINE), b"")
        except OSError as error:
            raise LogError(f"cannot read {self.name}: {error.strerror}") from None

    def _looked_at(self, line: bytes, event: Any) -> Event | None:
        """Handles a line that is not simply the run's next one: the first of a run, another run's, or a foreign one."""
        if not line.strip():
            return None
        if not _is_event(event):
            self._note_foreign(line)
            return None
        run, seq, name = event["run"], event["seq"], event["event"]
        if name == "tally.finished":
            self.tally = event
            return event if self._every else None
        if name not in EVENTS:
            self._unknown[name] += 1
        if name == "run.started":
            self._version = max(self._version or "", str(event.get("scenrun", "")), key=_number)
        is_new = run not in self.runs
        if is_new:
            self.runs[run] = "?"
        if name == "run.finished":
            self.runs[run] = str(event.get("verdict", "?"))
        if is_new and self._chosen is None and self._is_wanted(run):
            self._chosen = run
        if not (self._every or run == self._chosen):
            return None
        following = self._next.get(run, 0)
        if seq < following:
            self._again += 1
            return None
        self._missing += seq - following
        self._next[run] = seq + 1
        return event if name in EVENTS else None

    def _is_wanted(self, run: str) -> bool:
        if self._wanted is None:
            return True
        return self._wanted in (run, str(len(self.runs)))

    def _note_foreign(self, line: bytes) -> None:
        if not line.endswith(b"\n") and len(line) < LONGEST_LINE and line.lstrip().startswith(b"{"):
            self._cut_off = self.lines
            return
        self._foreign += 1
        if self._first_foreign is None:
            self._first_foreign = self.lines, excerpt(line.decode("utf-8", "replace"))

    def _of_lines(self) -> str:
        if self._first_foreign is None:
            return "its only line is cut off" if self._cut_off else "it has empty lines only"
        return "line {} is `{}`".format(*self._first_foreign)

    def notes(self) -> list[str]:
        """The gaps of the log and the skipped lines, a sentence each; complete once all events are taken."""
        out = []
        if self._first_foreign is not None:
            number, text = self._first_foreign
            out.append(f"{_lines(self._foreign)} not a log's and skipped, the first is line {number:,}: `{text}`")
        if self._cut_off:
            out.append(f"line {self._cut_off:,}, the last one, is cut off and was skipped")
        if self._version is not None and _number(self._version) > _number(__version__):
            out.append(
                f"the log was written by scenrun {excerpt(self._version)}, and this is {__version__}: what is new is skipped"
            )
        if self._unknown:
            names = _listed([excerpt(name) for name in sorted(self._unknown)])
            out.append(
                f"{_lines(self._unknown.total())} of a kind that this version does not know, and skipped: {names}"
            )
        if self._missing:
            out.append(
                f"{_lines(self._missing)} missing in between or at the beginning: what is said is of those that are there"
            )
        if self._again:
            out.append(f"{_lines(self._again)} there twice or out of order, and skipped")
        if not self._every and self._chosen is not None:
            out += self._of_runs(self._chosen)
        return out

    def _of_runs(self, chosen: str) -> list[str]:
        out = []
        if len(self.runs) > 1:
            number = list(self.runs).index(chosen) + 1
            counts = Counter(self.runs.values())
            verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items()))
            out.append(f"the log has {len(self.runs):,} runs ({verdicts}); this is run {number}; --run N shows another")
        if self.runs[chosen] == "?":
            out.append("the log ends before its run did: it was cut, or the process was killed or goes on")
        return out


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Opens a file in binary mode; `-` is standard input, which stays open."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below, whoever reads it
    except OSError as error:
        raise LogError(f"cannot read {path}: {error.strerror}") from None
    with file:
        if os.path.isdir(path):
            raise LogError(f"{path} is a folder")
        yield file


def _is_event(event: Any) -> bool:
    """Whether a value is a well-formed event."""
    named = isinstance(event, dict) and isinstance(event.get("run"), str) and isinstance(event.get("event"), str)
    return named and type(event.get("seq")) is int and event["seq"] >= 0 and _is_sound(event)


def _is_sound(event: Event) -> bool:
    """Whether the fields that the analysis relies on have their types; unrolled, as it is called for every line."""
    get = event.get
    return (
        type(get("elapsed_s")) in _NUMBERS
        and type(get("waited_s", 0.0)) in _NUMBERS
        and type(get("line", 0)) is int
        and type(get("thread", None if get("event") in _BY_A_THREAD else "")) is str
        and type(get("object", "")) is str
        and type(get("group", "")) is str
        and type(get("step", "")) is str
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split(".") if word.isdecimal())


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count:,} lines are"


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
