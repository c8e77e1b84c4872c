"""Who let whom go on: the release behind an acquire, the put behind a get, the end behind a join."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from scenrun.analysis.operations import FOR_THREADS, FREED_BY, FREEING
from scenrun.analysis.reading import Event


@dataclass(frozen=True, slots=True)
class Cause:
    """The line of a thread that let another one go on."""

    thread: str
    at_s: float
    seq: int
    line: int | None = None
    """Where in the file."""

    @classmethod
    def of(cls, event: Event) -> Cause:
        """The cause that a line is."""
        return cls(event["thread"], event["elapsed_s"], event["seq"], event.get("line"))


class Causes:
    """Remembers, for each object, the last lines that may have let somebody go on."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, Event]] = defaultdict(dict)
        """The last two freeing lines of an object by event: of each event the last one of each of two threads."""
        self._starts: dict[str, Cause] = {}
        self._ends: dict[str, Event] = {}
        self._last_end: dict[str, Event] = {}

    def note_about(self, event: Event) -> None:
        """Something is about to be done."""
        name = event["event"]
        if name in FREEING:
            self._note(name, event)
        elif name == "thread.starting" or name == "timer.starting":
            self.note_start(event, event.get("object"))

    def note_done(self, event: Event) -> None:
        """Something has been done."""
        name = event["event"]
        if name in FREEING:
            self._note(name, event)

    def _note(self, name: str, event: Event) -> None:
        of_object = self._last[event.get("object", "")]
        before = of_object.get(name)
        if before is not None and before["thread"] != event["thread"]:
            of_object[name + " before"] = before
        of_object[name] = event

    def note_start(self, event: Event, started: str | None) -> None:
        """A thread is started by somebody."""
        if started is not None:
            self._starts[started] = Cause.of(event)

    def note_end(self, event: Event) -> None:
        """A thread has ended."""
        name = event["thread"]
        self._ends[name] = event
        if "#" in name:
            self._last_end[name.rpartition("#")[0]] = event

    def start_of(self, thread: str) -> Cause | None:
        """Who started a thread."""
        return self._starts.pop(thread, None)

    def of(self, event: Event, op: str, began_s: float) -> Cause | None:
        """Who let a thread go on that has waited since `began_s`; `event` tells that the wait is over."""
        name = event.get("object", "")
        if op in FOR_THREADS:
            ends = self._last_end if op == "pool.shutdown" else self._ends
            end = ends.get(name)
            if end is not None:
                return Cause.of(end)
            if op != "future.result":
                return None
        return self._freed(event, FREED_BY[op], name, began_s)

    def _freed(self, event: Event, by: tuple[str, ...], name: str, began_s: float) -> Cause | None:
        """The last freeing line of another thread since the wait began; else of those that had been announced, the last."""
        me, of_object = event["thread"], self._last.get(name)
        if not of_object:
            return None
        best: Event | None = None
        for kind in by:
            for one in (of_object.get(kind), of_object.get(kind + " before")):
                if one is None or one["thread"] == me:
                    continue
                if best is None or (one["elapsed_s"] >= began_s, one["seq"]) > (
                    best["elapsed_s"] >= began_s,
                    best["seq"],
                ):
                    best = one
        return Cause.of(best) if best is not None else None
