"""Converts a log's events to rows of the tables `events`, `spans` and `runs`: a line of JSON each, with exact numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scenrun.report.tables import TABLES, Table, renamed
from scenrun.trace.analysis.reading import Event, Reading
from scenrun.trace.analysis.spans import Span, Spans
from scenrun.trace.json_text import dumps_line

Give = Callable[[str, bytes], object]
"""Takes the name of a table and a row."""
_LAST = ("run.finished", "tally.finished")


def give_rows(reading: Reading, tables: tuple[str, ...], give: Give) -> None:
    """Passes the rows of these tables to `give`, each as soon as it is complete."""
    runs = _Runs(tables, give)
    with_events, with_runs = "events" in tables, tables != ("events",)
    for event in reading:
        if with_events:
            give("events", _event(event, reading.raw))
        if with_runs:
            runs.take(event, reading.raw)
    runs.close()


def _event(event: Event, raw: bytes) -> bytes:
    """The line as it stands in the log, if every field has a column; else a row with `rest`."""
    # Most lines fit as they are, and copying bytes is far quicker than encoding them again.
    table = TABLES["events"]
    if not table.holds(event):
        return _line(table, event, raw)
    return raw if raw.endswith(b"\n") else raw + b"\n"


def _line(table: Table, row: Event, raw: bytes) -> bytes:
    return _dumped(table.fitted(_exact(row, raw)))


def _exact(event: Event, raw: bytes) -> Event:
    """The event with exact huge numbers, if Python can read them."""
    try:
        exact: Event = json.loads(raw)
    except ValueError:
        return event
    return exact


def _dumped(row: dict[str, Any]) -> bytes:
    return dumps_line(row)


class _Runs:
    """The runs of a log that have begun and not ended."""

    def __init__(self, tables: tuple[str, ...], give: Give) -> None:
        self._tables = tables
        self._give = give
        self._runs: dict[str, _Run] = {}

    def take(self, event: Event, raw: bytes) -> None:
        """Takes the next event, of any run."""
        name = event["run"]
        if event["event"] == "tally.finished":
            return
        run = self._runs.get(name)
        if run is None:
            run = self._runs[name] = _Run(event, self._tables, self._give)
        run.take(event, raw)
        if event["event"] == "run.finished":
            self._runs.pop(name).close()

    def close(self) -> None:
        """Ends all open runs, at the end of the log."""
        for run in self._runs.values():
            run.close()


class _Run:
    """An open run: its row in `runs`, and its open spans."""

    def __init__(self, first: Event, tables: tuple[str, ...], give: Give) -> None:
        self._give = give
        self._with_row = "runs" in tables
        self._spans = Spans(self._span) if "spans" in tables else None
        self._row: dict[str, Any] = {"run": first["run"], "started": first.get("timestamp")}
        self._events = 0
        self._elapsed_s = 0.0

    def take(self, event: Event, raw: bytes) -> None:
        """Takes the next event of the run."""
        self._events += 1
        self._elapsed_s = max(self._elapsed_s, event["elapsed_s"])
        if self._spans is not None:
            self._spans.take(event)
        if event["event"] == "run.started":
            self._row |= _own(_exact(event, raw))
        elif event["event"] == "run.finished":
            self._row |= renamed(_own(_exact(event, raw)))

    def close(self) -> None:
        """Ends the open spans, and passes on the run's row."""
        if self._spans is not None:
            self._spans.close()
        if self._with_row:
            row = {**self._row, "elapsed_s": self._elapsed_s, "events": self._events}
            self._give("runs", _dumped(TABLES["runs"].fitted(row)))

    def _span(self, span: Span) -> None:
        by = span.by
        row = {
            "run": self._row["run"], "thread": span.thread, "what": span.what, "begin_s": span.begin_s,
            "end_s": span.end_s, "seconds": span.seconds, "object": span.object, "op": span.op, "line": span.line,
            "step": span.step, "ended": span.ended, "begin_seq": span.begin_seq, "end_seq": span.end_seq,
        }  # fmt: skip
        if by is not None:
            row |= {"by_thread": by.thread, "by_s": by.at_s, "by_seq": by.seq, "by_line": by.line}
        self._give("spans", dumps_line(row))


_COMMON = frozenset(("timestamp", "level", "event", "run", "seq", "elapsed_s"))


def _own(event: Event) -> Event:
    """The fields that only this kind of event has."""
    return {name: value for name, value in event.items() if name not in _COMMON}
