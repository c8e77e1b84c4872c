"""The figures of each thread and group: time spent running, working, sleeping, calling and waiting, by target."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from scenrun.trace.analysis.operations import AWAITS, FOR_THREADS
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.spans import ALIVE, CALLING, CUT_OFF, QUEUED, SLEEPING, WAITING, WORKING, Span

Target = tuple[str, str]
"""The target of a wait: the operation, such as `queue.get`, and the object."""


def family(name: str) -> str:
    """A name without its number: the group of a thread, the pool of a task, the array of an object."""
    return name.partition("[")[0].partition("#")[0]


def awaited(op: str, name: str) -> str:
    """The target of a wait in words: `room in pipeline`; for a lock, event, condition or barrier just its name."""
    return f"{AWAITS.get(op, '' if name else op)} {name}".strip()


@dataclass(slots=True)
class Life:
    """The time of one thread, or of all threads of a group, by activity, in seconds."""

    threads: int = 1
    lived_s: float = 0.0
    working_s: float = 0.0
    sleeping_s: float = 0.0
    calling_s: float = 0.0
    messages: int = 0
    cut_off: int = 0
    """The number of threads that had not ended when the run, or the log, did."""
    waits: dict[Target, float] = field(default_factory=lambda: defaultdict(float))
    never_ended: dict[Target, int] = field(default_factory=lambda: defaultdict(int))
    """The targets of the waits that the end of the run cut off."""

    @property
    def waiting_s(self) -> float:
        """The time waited in all operations."""
        return sum(self.waits.values())

    @property
    def running_s(self) -> float:
        """The remaining time, in which the thread ran or was ready to run."""
        return max(0.0, self.lived_s - self.working_s - self.sleeping_s - self.calling_s - self.waiting_s)

    @property
    def busy_s(self) -> float:
        """The time running, working and calling, which takes a processor."""
        return self.running_s + self.working_s + self.calling_s

    def add(self, other: Life) -> None:
        """Adds another thread of the same group."""
        self.threads += other.threads
        self.lived_s += other.lived_s
        self.working_s += other.working_s
        self.sleeping_s += other.sleeping_s
        self.calling_s += other.calling_s
        self.messages += other.messages
        self.cut_off += other.cut_off
        for (op, name), seconds in other.waits.items():
            self.waits[op, family(name)] += seconds
        for (op, name), count in other.never_ended.items():
            self.never_ended[op, family(name)] += count

    def as_dict(self) -> dict[str, Any]:
        """The figures by their names in tables and files."""
        return {
            "lived_s": self.lived_s,
            "running_s": self.running_s,
            "working_s": self.working_s,
            "sleeping_s": self.sleeping_s,
            "calling_s": self.calling_s,
            "waiting_s": self.waiting_s,
            "messages": self.messages,
            "cut_off": self.cut_off,
            "waits": [
                {"op": op, "object": name, "seconds": seconds, "share": _share(seconds, self.lived_s)}
                for (op, name), seconds in sorted(self.waits.items(), key=lambda item: (-item[1], item[0]))
            ],
        }


class Lives:
    """Measures all threads, from their spans and messages."""

    def __init__(self) -> None:
        self.lives: dict[str, Life] = defaultdict(Life)
        """By the name of a thread, or of the worker of tasks."""
        self._worker_of: dict[str, str] = {}
        self._pool_of: dict[str, str] = {}

    def runs(self, event: Event) -> None:
        """Notes which worker runs a task."""
        task, worker = event["thread"], event["worker"]
        if isinstance(worker, str) and task not in self._worker_of:
            self._worker_of[task], self._pool_of[worker] = worker, family(task)

    def _of(self, thread: str) -> Life:
        return self.lives[self._worker_of.get(thread, thread)]

    def span(self, span: Span) -> None:
        """Adds a finished span."""
        if span.what == QUEUED:
            return
        life, seconds = self._of(span.thread), span.end_s - span.begin_s
        what = span.what
        if what == WAITING:
            target = self._target(span)
            life.waits[target] += seconds
            if span.ended == CUT_OFF:
                life.never_ended[target] += 1
        elif what == WORKING:
            life.working_s += seconds
        elif what == SLEEPING:
            if span.ended == CUT_OFF:
                life.sleeping_s += seconds
        elif what == CALLING:
            life.calling_s += seconds
        elif what == ALIVE:
            life.lived_s += seconds
            life.cut_off += span.ended == CUT_OFF

    @staticmethod
    def _target(span: Span) -> Target:
        """The target of a wait; awaited threads are named by group, as there may be thousands."""
        op, name = span.op or "", span.object or ""
        return op, family(name) if op in FOR_THREADS else name

    def slept(self, event: Event) -> None:
        """Adds a finished sleep: `slept_s` is its duration, without the cost of the step."""
        slept = event.get("slept_s")
        if type(slept) is float or type(slept) is int:
            self._of(event["thread"]).sleeping_s += slept

    def said(self, event: Event) -> None:
        """Counts a message."""
        self._of(event["thread"]).messages += 1

    def groups(self) -> dict[str, Life]:
        """The summed figures of each group."""
        out: dict[str, Life] = {}
        for name, life in self.lives.items():
            out.setdefault(self._pool_of.get(name) or family(name), Life(threads=0)).add(life)
        return out


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
