"""All figures of a run, as `scenrun stats` prints them and a page shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from scenrun.trace.analysis.bottleneck import Bound, Evidence, bound_of
from scenrun.trace.analysis.critical_path import CriticalPath, Link
from scenrun.trace.analysis.figures_of_objects import Objects, is_broken_off
from scenrun.trace.analysis.figures_of_queues import Queues
from scenrun.trace.analysis.figures_of_threads import Lives
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.spans import WAITING, Span, Spans

Table = dict[str, dict[str, Any]]
"""Figures by the name of a thread or object."""
TABLES = ("groups", "threads", "locks", "semaphores", "conditions", "events", "barriers", "queues", "pools", "joins")
NEEDS_DEBUG = (
    "the log has no operations: what threads wait for, how long items are inside queues, the critical path and what "
    "bounds the run need a log made with --level debug"
)
UNFINISHED = "the log has no last line of its run: the figures are of what is there"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one run. Times are in seconds, shares from 0 to 1."""

    about: dict[str, Any]
    """The scenario, the way, the seed, the log level, the verdict, the duration, and the numbers of lines and messages."""
    tables: dict[str, Table]
    """The tables by their names in `TABLES`."""
    path: list[Link] = field(default_factory=list)
    bound: Bound | None = None
    notes: list[str] = field(default_factory=list)
    """The gaps of the log, a sentence each."""

    def as_dict(self) -> dict[str, Any]:
        """The figures as one JSON document."""
        total = sum(link.seconds for link in self.path)
        links = [asdict(link) | {"share": link.seconds / total if total > 0 else 0.0} for link in self.path]
        return {
            **self.about,
            "bottleneck": None if self.bound is None else asdict(self.bound),
            "critical_path": {"seconds": total, "links": links},
            **{name: self.tables.get(name, {}) for name in TABLES},
            "notes": self.notes,
        }


class Measuring:
    """Takes the events of a run in their order; memory grows with threads and objects, not with the log."""

    def __init__(self, *, is_path_drawn: bool = False) -> None:
        self.lives = Lives()
        self.objects = Objects()
        self.path = CriticalPath(is_drawn=is_path_drawn)
        self.spans = Spans(self._span)
        self.queues = Queues(self.spans.causes)
        self._events = 0
        self._begin_s: float | None = None
        self._end_s = 0.0
        self._first: Event = {}
        self._last: Event = {}
        self._handlers: dict[str, Callable[[Event], None]] = {
            **self.objects.handlers,
            **self.queues.handlers,
            "message": self.lives.said,
            "sleep.ended": self.lives.slept,
        }

    def take(self, event: Event) -> None:
        """Takes the next event."""
        self._events += 1
        if "thread" not in event:
            self.spans.take(event)
            self._of_run(event)
        else:
            at = event["elapsed_s"]
            if at > self._end_s:
                self._end_s = at
            if self._begin_s is None:
                self._begin_s = at
            if "worker" in event:
                self.lives.runs(event)
            self.spans.take(event)
            handler = self._handlers.get(event["event"])
            if handler is not None:
                handler(event)
            self.path.take(event)

    def _of_run(self, event: Event) -> None:
        if event["event"] == "run.started":
            self._started(event)
        elif event["event"] == "run.finished":
            self._last = event

    def _started(self, event: Event) -> None:
        self._first = event
        for one in (self.objects, self.queues, self.path):
            one.opening = self.spans.opening

    def _span(self, span: Span) -> None:
        self.lives.span(span)
        self.path.span(span)
        if span.what != WAITING:
            self.objects.span(span)
        elif is_broken_off(span):
            if span.op in ("queue.put", "queue.get"):
                self.queues.of(span.object or "").broken_off(span)
            else:
                self.objects.broken_off(span)

    def figures(self) -> Figures:
        """The figures of all events; no more events can be taken afterwards."""
        self.spans.close()
        opening, begin = self.spans.opening, self._begin_s or 0.0
        about = {
            "scenario": opening.scenario,
            "way": opening.way,
            "seed": opening.seed,
            "level": opening.level,
            "verdict": self._last.get("verdict"),
            "ok": self._last.get("ok"),
            "elapsed_s": self._end_s - begin,
            "lines": self._events,
            "messages": sum(life.messages for life in self.lives.lives.values()),
        }
        notes = [] if self._last else [UNFINISHED]
        if not opening.is_detailed:
            return self._of_last_line(about, notes)
        groups = self.lives.groups()
        tables: dict[str, Table] = {
            "groups": {name: life.as_dict() | {"threads": life.threads} for name, life in groups.items()},
            "threads": {name: life.as_dict() for name, life in self.lives.lives.items()},
            "queues": self.queues.as_dict(begin, self._end_s),
            **self.objects.as_dict(),
        }
        path = self.path.links()
        evidence = Evidence(
            groups, self.queues.queues, self.objects, path, self._last.get("verdict"), self._end_s - begin,
            self._processors(),
        )  # fmt: skip
        return Figures(about, tables, path, bound_of(evidence) if groups else None, notes)

    def _of_last_line(self, about: dict[str, Any], notes: list[str]) -> Figures:
        """The figures of a log without operations, which are those of its last line."""
        summary = self._last.get("figures")
        tables = _tables_of(summary)
        if isinstance(summary, dict):
            known = _numbers(summary)
            about |= {key: known.get(key, about[key]) for key in ("elapsed_s", "messages")}
        return Figures(about, tables, notes=[*notes, NEEDS_DEBUG])

    def _processors(self) -> int:
        cpus = self._first.get("cpus")
        return cpus if self._first.get("gil") is False and type(cpus) is int and cpus > 0 else 1


_PLACES = {
    "lock": "locks", "rlock": "locks", "semaphore": "semaphores", "bounded_semaphore": "semaphores",
    "condition": "conditions", "event": "events", "barrier": "barriers", "pool": "pools", "queue": "queues",
    "simple_queue": "queues",
}  # fmt: skip
"""The table of each kind of object in a run's last line."""


def _tables_of(summary: Any) -> dict[str, Table]:
    """The tables in the `figures` of a run's last line."""
    if not isinstance(summary, dict):
        return {}
    tables: dict[str, Table] = {"threads": _named(summary.get("threads"))}
    for name, figures in _named(summary.get("objects")).items():
        place = _PLACES.get(str(figures.get("kind")))
        if place is not None:
            tables.setdefault(place, {})[name] = figures
    return tables


def _named(value: Any) -> Table:
    """Figures by name: numbers, and numbers by name. Other values, which a foreign log may have, are left out."""
    if not isinstance(value, dict):
        return {}
    return {name: _numbers(one) for name, one in value.items() if isinstance(one, dict)}


def _numbers(value: dict[str, Any]) -> dict[str, Any]:
    out = {key: one for key, one in value.items() if type(one) in (int, float) or key == "kind"}
    return out | {key: _numbers(one) for key, one in value.items() if isinstance(one, dict)}


def figures_of(events: Iterable[Event]) -> Figures:
    """The figures of a run's events."""
    measuring = Measuring()
    for event in events:
        measuring.take(event)
    return measuring.figures()
