"""The first pass of a timeline over a log: its threads, locks, queues and length, with all spans spooled for the second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from scenrun.report.timeline.spool import Spool
from scenrun.trace.analysis import spans as spanning
from scenrun.trace.analysis.spans import ALIVE, CUT_OFF, HOLDING, QUEUED, WAITING, Span, Spans

STATES = (WAITING, spanning.SLEEPING, spanning.WORKING, spanning.CALLING, spanning.RUNNING, spanning.QUEUED)
"""The states of a thread. Of states with equal time in a column, the first one is drawn."""
KIND = {what: number for number, what in enumerate((*STATES, ALIVE, HOLDING))}
"""The numbers of kinds of span in records."""
SIZE = len(KIND)
"""The number of a queue's size in records."""
LATEST = 1 << 62
"""The largest time (over a hundred years of nanoseconds) and the largest line number of records."""
MAX_FINDINGS = 9
_SIZED = frozenset(("queue.put", "queue.got"))
_TAKING = frozenset(("lock.acquire", "rlock.acquire", "semaphore.acquire", "bounded_semaphore.acquire"))


class Names(dict[str, int]):
    """Names, numbered in the order of their first use."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


class _Queue:
    """The size of a queue since its last line."""

    __slots__ = ("at_ns", "largest", "seq", "size", "times")

    def __init__(self) -> None:
        self.size = self.at_ns = self.seq = self.largest = self.times = 0


class Survey:
    """Takes a run's events once. Memory grows with threads and objects; the spans are in the spool."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.threads = Names()
        """The threads; instead of tasks of pools the workers that run them, where the log says which."""
        self.workers: dict[str, str] = {}
        """The worker of each task."""
        self.locks = Names()
        self.queues = Names()
        self.blocked: dict[str, Span] = {}
        """The threads that waited when the run, or the log, ended."""
        self.holds: Counter[str] = Counter()
        """The number of holds of each lock."""
        self.waits: Counter[str] = Counter()
        """The number of waits for each lock."""
        self.findings: list[dict[str, Any]] = []
        self.more_findings = 0
        self.started: dict[str, Any] = {}
        self.finished: dict[str, Any] = {}
        self.events = 0
        self.last_seq = 0
        self.ended_s = 0.0
        """The time of the last line of any thread; the run's last line is later, as writing the log takes time."""
        self.spans = Spans(self._span)
        self._queues: dict[str, _Queue] = {}

    @property
    def ended_ns(self) -> int:
        """The time of the last line of any thread, in nanoseconds."""
        return ns_of(self.ended_s)

    @property
    def is_replay(self) -> bool:
        """Whether the run replayed a schedule: its moves follow each other at once, or after long sleeps."""
        return self.started.get("scheduler") == "moves"

    def lane_of(self, thread: str) -> str:
        """The name of the row of a thread or a task."""
        return self.workers.get(thread, thread)

    def sizes(self) -> dict[str, tuple[int, int]]:
        """The largest size of each queue, and the number of its changes."""
        return {name: (queue.largest, queue.times) for name, queue in self._queues.items()}

    def read(self, events: Iterable[dict[str, Any]]) -> None:
        """Takes all events of a run."""
        take = self.spans.take
        for event in events:
            self.events += 1
            self.last_seq = max(self.last_seq, min(event["seq"], LATEST))
            name = event["event"]
            if "thread" in event:
                if isinstance(worker := event.get("worker"), str):
                    self.workers[event["thread"]] = worker
                self.threads[self.lane_of(event["thread"])]
                if event["elapsed_s"] > self.ended_s:
                    self.ended_s = event["elapsed_s"]
            if name in _SIZED:
                self._size(event)
            elif name == "finding":
                self._finding(event)
            elif name == "run.started":
                self.started = {key: value for key, value in event.items() if key != "text"}
            elif name == "run.finished":
                self.finished = event
            take(event)
        self.spans.close()
        for name, queue in self._queues.items():
            self._put_aside(name, queue, self.ended_ns, self.last_seq)

    def _finding(self, event: dict[str, Any]) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(event)
        else:
            self.more_findings += 1

    def _size(self, event: dict[str, Any]) -> None:
        size, name = event.get("size"), event.get("object")
        if type(size) is not int or name is None or size < 0:
            return
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue()
        at_ns = max(queue.at_ns, ns_of(event["elapsed_s"]))
        self._put_aside(name, queue, at_ns, event["seq"])
        queue.size, queue.at_ns, queue.seq = size, at_ns, event["seq"]
        queue.largest = max(queue.largest, size)
        queue.times += 1

    def _put_aside(self, name: str, queue: _Queue, at_ns: int, seq: int) -> None:
        self.spool.add(SIZE, self.queues[name], queue.size, (queue.at_ns, at_ns), (queue.seq, seq))

    def _span(self, span: Span) -> None:
        kind = KIND.get(span.what)
        if kind is None or (span.what == QUEUED and span.thread in self.workers):
            return
        lock = -1
        if span.what == HOLDING and span.object is not None:
            lock = self.locks[span.object]
            self.holds[span.object] += 1
        elif span.what == WAITING:
            self._waited(span)
        ns = ns_of(span.begin_s), ns_of(span.end_s)
        self.spool.add(kind, self.threads[self.lane_of(span.thread)], lock, ns, (span.begin_seq, span.end_seq))

    def _waited(self, span: Span) -> None:
        if span.ended == CUT_OFF:
            self.blocked[self.lane_of(span.thread)] = span
        if span.op in _TAKING and span.object is not None:
            self.waits[span.object] += 1


def ns_of(seconds: float) -> int:
    """Seconds as whole nanoseconds, from 0 to `LATEST`."""
    return round(max(0.0, min(seconds * 1e9, float(LATEST))))
