"""The figures of each lock, semaphore, condition, event, barrier and pool, and of joins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from scenrun.trace.analysis.figures_of_threads import family
from scenrun.trace.analysis.operations import FOR_THREADS
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.run_started import Opening
from scenrun.trace.analysis.spans import ALIVE, CUT_OFF, FAULT, HOLDING, QUEUED, Span
from scenrun.trace.histogram import Samples

FOLD_AT = 4_096
LONGEST_S = 1e9
"""Longer durations of a log are taken as this: they are not a run's, and would make the buckets unbounded."""
Where = tuple[str, int | None]
"""A thread group and a line of the file."""


def sample(samples: Samples, seconds: float) -> None:
    """Adds a duration in seconds; negative ones count as zero."""
    samples.add(round(min(max(seconds, 0.0), LONGEST_S) * 1e9))
    if len(samples) > FOLD_AT:
        samples.fold()


class LockFigures:
    """The figures of a lock, an rlock or a semaphore."""

    __slots__ = (
        "acquisitions",
        "broken_off",
        "contended",
        "held",
        "holders",
        "is_signal",
        "longest",
        "timed_out",
        "waited",
    )

    def __init__(self) -> None:
        self.acquisitions = self.contended = self.timed_out = self.broken_off = 0
        self.waited = Samples()
        self.held = Samples()
        self.longest: Span | None = None
        self.is_signal = False
        """Whether it is a semaphore whose permits are released by threads that have not taken them."""
        self.holders: dict[Where, float] = defaultdict(float)
        """The time held by each place of acquire, in seconds."""

    def acquired(self, event: Event) -> None:
        """Counts a finished acquire, which may have failed."""
        if event.get("acquired", True):
            self.acquisitions += 1
        else:
            self.timed_out += 1
        if event.get("waited_s"):
            self._had_to_wait(event["waited_s"])

    def waited_in_vain(self, seconds: float) -> None:
        """Counts a wait that ended with neither an acquire nor a timeout."""
        self.broken_off += 1
        self._had_to_wait(seconds)

    def _had_to_wait(self, seconds: float) -> None:
        self.contended += 1
        sample(self.waited, seconds)

    def was_held(self, span: Span) -> None:
        """Adds a finished hold."""
        seconds = span.end_s - span.begin_s
        sample(self.held, seconds)
        self.holders[family(span.thread), span.line] += seconds
        if self.longest is None or seconds > self.longest.end_s - self.longest.begin_s:
            self.longest = span

    def as_dict(self) -> dict[str, Any]:
        """The figures by their names in tables and files."""
        asked = self.acquisitions + self.timed_out + self.broken_off
        out: dict[str, Any] = {
            "acquisitions": self.acquisitions,
            "contended": self.contended,
            "contended_share": self.contended / asked if asked else 0.0,
            "timed_out": self.timed_out,
            "waited": self.waited.summary(),
        }
        if self.is_signal:
            return out
        out["held"] = self.held.summary()
        if self.longest is not None:
            out["longest_holder"] = {
                "thread": self.longest.thread, "line": self.longest.line, "seconds": self.longest.seconds,
                "at_s": self.longest.begin_s,
            }  # fmt: skip
        out["holders"] = [
            {"group": group, "line": line, "seconds": seconds}
            for (group, line), seconds in sorted(self.holders.items(), key=lambda item: -item[1])
        ]
        return out


class WaitFigures:
    """The figures of an event, a barrier, a condition or a join."""

    __slots__ = ("counts", "last", "parties", "timed_out", "waited", "waits")

    def __init__(self) -> None:
        self.waits = self.timed_out = 0
        self.waited = Samples()
        self.counts: dict[str, int] = defaultdict(int)
        """The numbers of other operations: sets, clears, notifies."""
        self.last: dict[str, int] = defaultdict(int)
        """For a barrier: how often each thread arrived last."""

    def over(self, seconds: float) -> None:
        """Adds a finished wait."""
        self.waits += 1
        sample(self.waited, seconds)

    def as_dict(self) -> dict[str, Any]:
        """The figures by their names in tables and files."""
        out: dict[str, Any] = {"waits": self.waits, "timed_out": self.timed_out, **self.counts}
        out["waited"] = self.waited.summary()
        if self.last:
            out["last_to_arrive"] = [
                {"thread": name, "times": times}
                for name, times in sorted(self.last.items(), key=lambda item: (-item[1], item[0]))
            ]
        return out


class PoolFigures:
    """The figures of a pool: its tasks, their time in the queue, and their time of service."""

    __slots__ = ("begin_s", "busy_s", "end_s", "queued", "served", "tasks")

    def __init__(self) -> None:
        self.tasks = 0
        self.queued = Samples()
        self.served = Samples()
        self.busy_s = 0.0
        self.begin_s: float | None = None
        self.end_s = 0.0

    def submitted(self, event: Event) -> None:
        """Counts a submitted task."""
        self.tasks += 1
        if self.begin_s is None:
            self.begin_s = event["elapsed_s"]

    def as_dict(self, workers: int | None) -> dict[str, Any]:
        """The figures by their names in tables and files."""
        out: dict[str, Any] = {"tasks": self.tasks, "workers": workers}
        time = self.end_s - (self.begin_s or 0.0)
        if workers and time > 0 and self.served.count + len(self.served):
            out["utilisation_share"] = min(1.0, self.busy_s / (workers * time))
        return {**out, "queued": self.queued.summary(), "served": self.served.summary()}


class Objects:
    """Measures all objects but queues, from the lines of their operations and the spans that concern them."""

    def __init__(self) -> None:
        self.locks: dict[str, LockFigures] = defaultdict(LockFigures)
        self.semaphores: dict[str, LockFigures] = defaultdict(LockFigures)
        self.conditions: dict[str, WaitFigures] = defaultdict(WaitFigures)
        self.events: dict[str, WaitFigures] = defaultdict(WaitFigures)
        self.barriers: dict[str, WaitFigures] = defaultdict(WaitFigures)
        self.joins: dict[str, WaitFigures] = defaultdict(WaitFigures)
        self.pools: dict[str, PoolFigures] = defaultdict(PoolFigures)
        self.opening = Opening()
        self._pool_of: dict[str, str] = {}
        self._permits: dict[tuple[str, str], int] = defaultdict(int)
        """The permits of a semaphore that a thread has taken and not released."""
        self.handlers: dict[str, Callable[[Event], None]] = {
            "lock.acquired": lambda event: self.locks[_name(event)].acquired(event),
            "semaphore.acquired": self._permit_taken,
            "semaphore.released": self._permit_given,
            "condition.woken": self._woken,
            "condition.notified": lambda event: self._count(self.conditions, event, "notifies"),
            "condition.notified_all": lambda event: self._count(self.conditions, event, "notifies"),
            "event.waited": lambda event: self._waited(self.events[_name(event)], event),
            "event.set": lambda event: self._count(self.events, event, "sets"),
            "event.cleared": lambda event: self._count(self.events, event, "clears"),
            "barrier.passed": self._passed,
            "queue.joined": lambda event: self._joined("queue.join", event),
            "thread.joined": lambda event: self._joined("thread.join", event),
            "future.answered": lambda event: self._joined("future.result", event),
            "pool.shut_down": lambda event: self._joined("pool.shutdown", event),
            "pool.submitted": lambda event: self.pools[_name(event)].submitted(event),
            "thread.started": self._started,
        }

    @staticmethod
    def _count(table: dict[str, WaitFigures], event: Event, what: str) -> None:
        table[_name(event)].counts[what] += 1

    @staticmethod
    def _waited(one: WaitFigures, event: Event) -> None:
        one.over(event.get("waited_s") or 0.0)
        one.timed_out += event.get("value") is False

    def _permit_taken(self, event: Event) -> None:
        self.semaphores[_name(event)].acquired(event)
        if event.get("acquired", True):
            self._permits[_name(event), event["thread"]] += 1

    def _permit_given(self, event: Event) -> None:
        """A thread that releases a permit which it has not taken uses the semaphore as a signal, so that holds mean nothing."""
        key = _name(event), event["thread"]
        self._permits[key] -= 1
        if self._permits[key] < 0:
            self.semaphores[key[0]].is_signal = True

    def _woken(self, event: Event) -> None:
        """Counts an acquisition of the condition's lock, which a woken thread holds again."""
        name = _name(event)
        self._waited(self.conditions[name], event)
        self._lock_of(name).acquisitions += 1

    def _lock_of(self, condition: str) -> LockFigures:
        return self.locks[self.opening.lock_of(condition)]

    def _passed(self, event: Event) -> None:
        name = _name(event)
        one, parties = self.barriers[name], self.opening.option(name, "parties")
        one.over(event.get("waited_s") or 0.0)
        if event.get("value") == parties - 1 if type(parties) is int else not event.get("waited_s"):
            one.last[event["thread"]] += 1

    def _joined(self, op: str, event: Event) -> None:
        name = _name(event)
        self.joins[f"{op} {family(name)}".rstrip()].over(event.get("waited_s") or 0.0)

    def _started(self, event: Event) -> None:
        pool = event.get("pool")
        if isinstance(pool, str):
            self._pool_of[event["thread"]] = pool

    def span(self, span: Span) -> None:
        """Adds a finished hold, a task's time in the queue, or a task's life."""
        what = span.what
        if what == HOLDING:
            self._table_of_locks(span.object or "")[span.object or ""].was_held(span)
        elif what == QUEUED:
            sample(self.pools[span.object or ""].queued, span.end_s - span.begin_s)
        elif what == ALIVE:
            self._served(span)

    def _table_of_locks(self, name: str) -> dict[str, LockFigures]:
        return self.semaphores if name in self.semaphores else self.locks

    def _served(self, span: Span) -> None:
        name = self._pool_of.pop(span.thread, None)
        if name is not None:
            pool, seconds = self.pools[name], span.end_s - span.begin_s
            if span.ended != CUT_OFF:
                sample(pool.served, seconds)
            pool.busy_s += seconds
            pool.end_s = max(pool.end_s, span.end_s)

    def broken_off(self, span: Span) -> None:
        """Adds a wait that ended with a fault, or that the end of the run cut off."""
        op, name, seconds = span.op or "", span.object or "", span.end_s - span.begin_s
        if op in ("lock.acquire", "semaphore.acquire"):
            (self.locks if op == "lock.acquire" else self.semaphores)[name].waited_in_vain(seconds)
        elif op in FOR_THREADS or op == "queue.join":
            self.joins[f"{op} {family(name)}".rstrip()].over(seconds)
        else:
            table = {"condition.wait": self.conditions, "event.wait": self.events, "barrier.wait": self.barriers}.get(
                op
            )
            if table is not None:
                table[name].over(seconds)
            if op == "condition.wait" and span.ended == FAULT:
                self._lock_of(name).acquisitions += 1

    def as_dict(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The tables by their names."""
        out: dict[str, dict[str, dict[str, Any]]] = {
            "locks": {name: one.as_dict() for name, one in self.locks.items()},
            "semaphores": {name: one.as_dict() for name, one in self.semaphores.items()},
            "conditions": {name: one.as_dict() for name, one in self.conditions.items()},
            "events": {name: one.as_dict() for name, one in self.events.items()},
            "barriers": {name: one.as_dict() for name, one in self.barriers.items()},
            "pools": {name: one.as_dict(self.workers(name)) for name, one in self.pools.items()},
            "joins": {name: one.as_dict() for name, one in self.joins.items()},
        }
        return out

    def workers(self, pool: str) -> int | None:
        """The number of workers of a pool, if the log gives it."""
        found = self.opening.option(pool, "max_workers")
        return found if type(found) is int else None


def is_broken_off(span: Span) -> bool:
    """Whether a wait has no line that ends it."""
    return span.ended in (CUT_OFF, FAULT)


def _name(event: Event) -> str:
    name: str = event.get("object", "")
    return name
