"""Converts a run's events to a trace for Perfetto and chrome://tracing: slices, counters, arrows and marks.

A thread's track has its life, within it its holds, and within those its sleeps, works, calls and waits. Slices of one
track must nest, and holds need not: so each lock also has a track of its own, which shows its owners one after another, a
semaphore one for each permit that was taken at once; a hold that crosses an earlier one of its thread, or that another
thread ended, is only there. Tasks of a pool lie on the tracks of its workers.

A hand-over is an arrow between two marks without length, one at the line that let the other thread go on, one where that
thread went on: an arrow begins and ends at slices, and where slices begin or end at its own moment the two viewers choose
different ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from scenrun.program.primitives.registry import waiting
from scenrun.report.lanes import Lanes
from scenrun.report.nesting import Nesting
from scenrun.report.trace_records import (
    OBJECTS,
    THREADS,
    Record,
    Records,
    microseconds,
    nanoseconds,
    shown,
    shown_value,
)
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.spans import (
    ALIVE,
    CALLING,
    HOLDING,
    INSIDE,
    QUEUED,
    SLEEPING,
    WAITING,
    WORKING,
    Span,
    Spans,
)
from scenrun.trace.events import author_fields

_MOST_MARKS = 100
"""The most threads on which one finding is marked."""
_MOST_LANES = 1_000
"""Sort positions reserved for each object; more lanes of one may not stay together."""
_TAKES = ("lock.acquired", "semaphore.acquired", "condition.woken")
_HAND_OVER = {"name": "hand-over", "cat": "hand-over"}
_NAMES = {ALIVE: "alive", SLEEPING: "sleep", WORKING: "work"}


class Trace:
    """Takes the events of a run in their order, and writes the trace; memory grows with threads and objects only."""

    def __init__(self, file: BinaryIO) -> None:
        self.records = Records(file)
        self._spans = Spans(self._span)
        self._threads: dict[str, int] = {}
        self._workers: dict[str, str] = {}
        """The worker of each task, on whose track the task is drawn."""
        self._queued: dict[str, float] = {}
        """The seconds that a task had to wait for its worker, while it is open."""
        self._findings: int | None = None
        self._free_from: dict[int, int] = {}
        """The end of the last slice on each thread's track, lives apart: a slice begins no earlier."""
        self._ended: dict[str, int] = {}
        """The end of each thread's life."""
        self._nesting = Nesting()
        self._now: Event = {}
        """The present event; empty at the end of the log."""
        self._lanes: dict[str, Lanes] = {}
        self._lane_tracks: dict[tuple[str, int], int] = {}
        self._counted: set[str] = set()
        self._permits: dict[str, int] = {}
        self._arrows = 0
        self._about: Record = {}
        self._handlers: dict[str, Callable[[Event], None]] = {
            "run.started": self._opened,
            "run.finished": self._finished,
            "thread.started": self._started,
            "thread.failed": self._failed,
            "fault.raised": self._failed,
            "message": self._message,
            "finding": self._finding,
            "queue.put": lambda event: self._size(event, -1),
            "queue.got": lambda event: self._size(event, 1),
            **dict.fromkeys(_TAKES, self._took),
            "semaphore.released": self._permit,
        }
        self.records.process(OBJECTS, "locks and queues")

    @property
    def is_detailed(self) -> bool:
        """Whether the log has the operations."""
        return self._spans.opening.is_detailed

    def take(self, event: Event) -> None:
        """Takes the next event."""
        self._now = event
        if isinstance(worker := event.get("worker"), str) and event["event"] == "thread.started":
            self._workers[event["thread"]] = worker
        self._spans.take(event)
        handler = self._handlers.get(event["event"])
        if handler is not None:
            handler(event)

    def close(self) -> None:
        """Ends the open spans and the file."""
        self._now = {}
        self._spans.close()
        if "run" not in self._about:
            self.records.process(THREADS, "threads")
        self.records.close(self._about)

    # --- the run

    def _opened(self, event: Event) -> None:
        opening = self._spans.opening
        self.records.process(THREADS, f"threads of {opening.scenario}".removesuffix(" of "))
        names = ("run", "scenario", "description", "way", "seed", "scheduler", "log_level", "scenrun", "python")
        self._about |= {name: shown_value(event[name]) for name in names if event.get(name) is not None}

    def _finished(self, event: Event) -> None:
        self._about |= {name: shown_value(event[name]) for name in ("verdict", "ok") if name in event}

    # --- slices

    def _span(self, span: Span) -> None:
        begin, end = nanoseconds(span.begin_s), nanoseconds(span.end_s)
        if span.what in (HOLDING, INSIDE):
            self._on_object(span, begin, end)
            self._on_holder(span, end)
            return
        if span.what == QUEUED and span.thread in self._workers:
            self._queued[span.thread] = span.seconds
            return
        tid = self._thread(span.thread)
        if span.what != ALIVE:
            begin = max(begin, self._free_from.get(tid, 0))
            end = self._free_from[tid] = max(begin, end)
        else:
            end = self._ended[span.thread] = max(end, self._free_from.get(tid, 0))
        is_task = span.what == ALIVE and span.thread in self._workers
        more = {"queued_s": self._queued.pop(span.thread, 0.0)} if is_task else {}
        self._slice(THREADS, tid, span.thread if is_task else _name(span), span, (begin, end), more)
        if span.by is not None and span.what in (ALIVE, WAITING):
            self._arrow(span, tid, begin if span.what == ALIVE else end)

    def _on_object(self, span: Span, begin: int, end: int) -> None:
        name = span.object or ""
        lanes = self._lanes.get(name)
        if lanes is None:
            many = span.what == INSIDE or "semaphore" in self._spans.opening.kind(name)
            lanes = self._lanes[name] = Lanes(only=not many)
        lane, begin = lanes.place(begin, end)
        tid = self._lane_tracks.get((name, lane))
        if tid is None:
            title = name if lane == 0 else f"{name} ({lane + 1})"
            place = list(self._lanes).index(name) * _MOST_LANES + lane
            tid = self._lane_tracks[name, lane] = self.records.track(OBJECTS, title, place)
        self._slice(OBJECTS, tid, span.thread, span, (begin, max(begin, end)))

    def _on_holder(self, span: Span, end: int) -> None:
        """Draws a hold on its thread's track, if it nests there: only a thread's own release cuts none of its slices."""
        began = self._nesting.ended(span.thread, span.begin_seq)
        ender = self._now.get("thread", span.thread)
        if began is None or (ender != span.thread and self._now["event"] not in _TAKES):
            return
        tid = self._thread(span.thread)
        end = max(began, min(end, self._ended.get(span.thread, end)))
        self._free_from[tid] = max(end, self._free_from.get(tid, 0))
        self._slice(THREADS, tid, f"holds {span.object}", span, (began, end))

    def _took(self, event: Event) -> None:
        if event.get("acquired", True):
            at = max(nanoseconds(event["elapsed_s"]), self._free_from.get(self._thread(event["thread"]), 0))
            self._nesting.began(event["thread"], event["seq"], at)
        if event["event"] == "semaphore.acquired":
            self._permit(event)

    def _slice(
        self, pid: int, tid: int, name: str, span: Span, times: tuple[int, int], more: Record | None = None
    ) -> None:
        begin, end = times
        self.records.add(
            {
                "ph": "X", "pid": pid, "tid": tid, "ts": microseconds(begin), "dur": microseconds(end - begin),
                "name": shown(name), "cat": span.what, "args": _details(span) | (more or {}),
            }
        )  # fmt: skip

    # --- arrows

    def _arrow(self, span: Span, tid: int, at: int) -> None:
        cause = span.by
        if cause is None:
            return
        begins, giver = span.what == ALIVE, self._thread(cause.thread)
        since = nanoseconds(cause.at_s)
        if 0 < since == self._ended.get(cause.thread):
            since -= 1  # a life contains its beginning and not its end, and chrome://tracing wants to find one
        at = max(at, since)  # clocks of two threads; an arrow never goes back in time
        self._arrows += 1
        of = {**_HAND_OVER, "pid": THREADS, "id": self._arrows}
        self._mark(giver, since, f"{'starts' if begins else 'frees'} {span.thread}", cause.seq, cause.line)
        self.records.add({"ph": "s", **of, "tid": giver, "ts": microseconds(since)})
        taker_seq = span.begin_seq if begins else span.end_seq
        self._mark(tid, at, f"{'started' if begins else 'freed'} by {cause.thread}", taker_seq, span.line)
        self.records.add({"ph": "f", "bp": "e", **of, "tid": tid, "ts": microseconds(at)})

    def _mark(self, tid: int, at: int, name: str, seq: int, line: int | None) -> None:
        """Adds a slice without length, which an arrow is bound to."""
        args = {"seq": seq} if line is None else {"seq": seq, "line": line}
        self.records.add(
            {
                "ph": "X", "pid": THREADS, "tid": tid, "ts": microseconds(at), "dur": 0, "name": shown(name),
                "cat": "hand-over", "args": args,
            }
        )  # fmt: skip

    # --- marks

    def _started(self, event: Event) -> None:
        tid = self._thread(event["thread"])
        self._free_from[tid] = max(self._free_from.get(tid, 0), nanoseconds(event["elapsed_s"]))

    def _message(self, event: Event) -> None:
        text = str(event.get("message", ""))
        details = {"message": shown(text, 2_000)} if len(text) > 100 else {}
        fields = author_fields(event)
        details |= {shown(str(name)): shown_value(value) for name, value in list(fields.items())[:_MOST_MARKS]}
        self._instant(event, self._thread(event.get("thread", "")), text, "message", details)

    def _failed(self, event: Event) -> None:
        text = f"{event.get('type', 'exception')}: {event.get('text', '')}"
        self._instant(event, self._thread(event.get("thread", "")), text, event["event"], {})

    def _finding(self, event: Event) -> None:
        if self._findings is None:
            self._findings = self.records.track(THREADS, "findings", place=-1)
        text = f"{event.get('kind', 'finding')}: {event.get('message', '')}"
        self._instant(event, self._findings, text, "finding", {"message": shown(text, 2_000)})
        threads = event.get("threads")
        for one in threads[:_MOST_MARKS] if isinstance(threads, list) else []:
            name = one.get("thread") if isinstance(one, dict) else one
            if isinstance(name, str):
                self._instant(event, self._thread(name), text, "finding", _flat(one))

    def _instant(self, event: Event, tid: int, name: str, category: str, details: Record) -> None:
        args = {"seq": event["seq"], "level": shown(str(event.get("level")))}
        args |= {key: event[key] for key in ("line", "step") if event.get(key) is not None}
        self.records.add(
            {
                "ph": "i", "s": "t", "pid": THREADS, "tid": tid, "ts": microseconds(nanoseconds(event["elapsed_s"])),
                "name": shown(name), "cat": category, "args": args | details,
            }
        )  # fmt: skip

    # --- counters

    def _size(self, event: Event, before: int) -> None:
        size, name = event.get("size"), event.get("object", "")
        if type(size) is int:
            if name not in self._counted:
                self._counted.add(name)
                self._count(name, 0, "size", size + before)
            self._count(name, nanoseconds(event["elapsed_s"]), "size", size)

    def _permit(self, event: Event) -> None:
        name = event.get("object", "")
        before = self._permits.get(name)
        if before is None:
            declared = self._spans.opening.option(name, "value")
            if type(declared) is not int:
                return
            before = declared
            self._count(name, 0, "permits", before)
        given = event.get("n", 1)
        change = (given if type(given) is int else 1) if event["event"].endswith("released") else -1
        if event.get("acquired", True):
            self._permits[name] = before + change
            self._count(name, nanoseconds(event["elapsed_s"]), "permits", before + change)

    def _count(self, name: str, at: int, what: str, value: int) -> None:
        self.records.add(
            {
                "ph": "C", "pid": OBJECTS, "tid": OBJECTS, "ts": microseconds(at), "name": shown(name),
                "args": {what: max(0, value)},
            }
        )  # fmt: skip

    def _thread(self, name: str) -> int:
        name = self._workers.get(name, name)
        tid = self._threads.get(name)
        if tid is None:
            tid = self._threads[name] = self.records.track(THREADS, name)
        return tid


def _name(span: Span) -> str:
    if span.what == WAITING:
        return waiting(span.op or "", span.object or "?")
    if span.what == CALLING:
        return f"call {span.object or ''}".rstrip()
    if span.what == QUEUED:
        return f"queued in {span.object}"
    return _NAMES.get(span.what, span.what)


def _details(span: Span) -> Record:
    """The details of a slice, shown when it is selected."""
    args: Record = {"seq": span.begin_seq, "end_seq": span.end_seq, "ended": span.ended}
    if span.object is not None:
        args["object"] = shown(span.object)
    if span.op is not None:
        args["op"] = span.op
    if span.line is not None:
        args["line"] = span.line
    if span.step is not None:
        args["step"] = shown(span.step)
    if span.by is not None:
        args["by"] = shown(span.by.thread)
    return args


def _flat(one: Any) -> Record:
    return {shown(str(name)): shown_value(value) for name, value in one.items()} if isinstance(one, dict) else {}
