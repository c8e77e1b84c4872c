"""Spans of time from events: a thread's sleep, work, call, wait, hold, section or life, with its cause.

A line `x.acquiring` announces an operation and `x.acquired` finishes it; the second line has the time waited in between.
Locks are held from `acquired` to `released`, but not while their holder waits on a condition of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scenrun.trace.analysis.cause import Cause
from scenrun.trace.analysis.causes import Causes
from scenrun.trace.analysis.holdings import Holdings
from scenrun.trace.analysis.operations import ABOUT, DONE, FALSE_IF_LATE, WAITS
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.run_started import Opening, opening_of

ALIVE, RUNNING, SLEEPING, WORKING, CALLING = "alive", "running", "sleeping", "working", "calling"
WAITING, HOLDING, QUEUED, INSIDE = "waiting", "holding", "queued", "inside"
TIMED = {"sleep": SLEEPING, "work": WORKING, "call": CALLING}
DONE_, TIMED_OUT, FAULT, CUT_OFF = "done", "timed_out", "fault", "cut_off"


@dataclass(slots=True)
class Span:
    """An activity of a thread with its begin and end, in seconds of the run.

    `what` is `alive` (from its first step to its last), `sleeping`, `working`, `calling` (a function of the user's),
    `waiting` (blocked in an operation), `holding` (a lock, rlock, semaphore), `inside` (a section) or `queued` (a task of a
    pool that has not begun). While alive and none of sleeping, working, calling and waiting, a thread runs or could run.
    """

    thread: str
    what: str
    begin_s: float
    end_s: float
    begin_seq: int
    """The log line (`seq`) that begins or announces it."""
    end_seq: int
    """The log line (`seq`) that ends it."""
    object: str | None = None
    op: str | None = None
    """For a wait: the operation, such as `queue.get`, named as in the events."""
    line: int | None = None
    """The line in the scenario file."""
    step: str | None = None
    ended: str = DONE_
    """How it ended: `done`, `timed_out`, `fault`, or `cut_off` if the run ended first."""
    by: Cause | None = None
    """The cause of a wait's end or a thread's begin; None if there is none or it is not known."""

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.end_s - self.begin_s


class _Thread:
    """The open activities of one thread."""

    __slots__ = ("alive", "began", "below", "pending", "sections")

    def __init__(self) -> None:
        self.alive: Event | None = None
        self.pending: Event | None = None
        """The line of the operation that is announced and not finished."""
        self.began: Event | None = None
        """The line that began a sleep, work or call."""
        self.sections: dict[str, list[Event]] = {}
        self.below: list[tuple[Event | None, Event | None]] = []
        """What was pending and what had begun where an interrupt came."""


class Spans:
    """Takes the events of a run in their order, and passes every span to `give` as soon as it has ended.

    Spans come in the order of their ends, those that are still open with `close`. Memory grows with threads and objects,
    not with the log.
    """

    def __init__(self, give: Callable[[Span], object]) -> None:
        self.give = give
        self.opening = Opening()
        self.ended_s = 0.0
        self.causes = Causes()
        self._holdings = Holdings(self._held)
        self._threads: dict[str, _Thread] = {}
        self._submitted: dict[str, Event] = {}
        self._submitting: dict[str, Event] = {}
        self._last_seq = 0
        self._handlers: dict[str, Callable[[Event, _Thread], None]] = {
            **dict.fromkeys(ABOUT, self._about),
            **dict.fromkeys(DONE, self._done),
            **{f"{word}.began": self._timed for word in TIMED},
            **{f"{word}.ended": self._timed_ended for word in TIMED},
            "thread.started": self._started,
            "thread.ended": self._ended,
            "thread.failed": self._failed,
            "thread.cut_off": self._cut_off,
            "thread.interrupted": self._interrupted,
            "thread.resumed": self._resumed,
            "fault.raised": self._fault,
            "section.entered": self._entered,
            "section.left": self._left,
        }

    def take(self, event: Event) -> None:
        """Takes the next event."""
        at, name = event["elapsed_s"], event["event"]
        if at > self.ended_s:
            self.ended_s = at
        self._last_seq = event["seq"]
        who = event.get("thread")
        handler = self._handlers.get(name)
        if handler is not None and who is not None:
            thread = self._threads.get(who)
            if thread is None:
                thread = self._threads[who] = _Thread()
            handler(event, thread)
        elif name == "run.started":
            self.opening = opening_of(event)
            self._holdings.opening = self.causes.opening = self.opening

    def going_on(self) -> Iterator[tuple[str, str, float]]:
        """What each thread is in now, and since when: a sleep, work, a call, or an operation that may wait."""
        for name, thread in self._threads.items():
            if thread.began is not None:
                yield name, TIMED[thread.began["event"].partition(".")[0]], thread.began["elapsed_s"]
            elif thread.pending is not None and ABOUT[thread.pending["event"]] in WAITS:
                yield name, WAITING, thread.pending["elapsed_s"]

    def close(self) -> None:
        """Ends all open spans as cut off, at the end of the log."""
        for name, thread in self._threads.items():
            self._stop(name, thread, self.ended_s, self._last_seq)
        self._holdings.close(self.ended_s, self._last_seq)

    # --- operations

    def _about(self, event: Event, thread: _Thread) -> None:
        if thread.pending is not None:
            self._broken_off(thread.pending, event, FAULT)
        thread.pending = event
        self.causes.note(event)
        name = event["event"]
        if name == "condition.waiting":
            self._holdings.pause(event)
        elif name in ("lock.releasing", "semaphore.releasing"):
            self._holdings.releasing(event)
        elif name == "pool.submitting":
            self._submitting[event["thread"]] = event

    def _done(self, event: Event, thread: _Thread) -> None:
        about, thread.pending = thread.pending, None
        name = event["event"]
        if about is not None and ABOUT[about["event"]] != DONE[name]:
            self._broken_off(about, event, FAULT)
            about = None
        freed_by = self.causes.note(event)
        waited = event.get("waited_s")
        if waited:
            self._waited(event, about, waited, freed_by)
        if name in ("lock.acquired", "semaphore.acquired"):
            if event.get("acquired"):
                self._holdings.acquired(event)
        elif name in ("lock.released", "semaphore.released"):
            self._holdings.released(event)
        elif name == "condition.woken":
            self._holdings.resume(event)
        elif name == "pool.submitted":
            self._has_submitted(event)

    def _waited(self, event: Event, about: Event | None, waited: float, cause: Cause | None) -> None:
        op, end = DONE[event["event"]], event["elapsed_s"]
        late = op in FALSE_IF_LATE and (event.get("acquired") is False or event.get("value") is False)
        begin = end - waited
        if cause is not None and (late or cause.thread == event["thread"]):
            cause = None  # a timeout has no cause, and a thread is not its own
        if about is not None:
            begin = max(begin, about["elapsed_s"])
        self.give(
            Span(
                event["thread"], WAITING, begin, end, (about or event)["seq"], event["seq"], event.get("object"), op,
                event.get("line"), event.get("step"), TIMED_OUT if late else DONE_, cause,
            )
        )  # fmt: skip

    def _broken_off(self, about: Event, event: Event, ended: str, waited: float | None = None) -> None:
        """Ends the wait of an operation that was announced and not finished, if the operation can wait."""
        op = ABOUT[about["event"]]
        begin, end = about["elapsed_s"], event["elapsed_s"]
        if waited is not None:
            begin = max(begin, end - waited)
        if op in WAITS and (ended == CUT_OFF or (end > begin and waited != 0)):
            self.give(
                Span(
                    about["thread"], WAITING, begin, end, about["seq"], event["seq"], about.get("object"), op,
                    about.get("line"), about.get("step"), ended,
                )
            )  # fmt: skip

    def _fault(self, event: Event, thread: _Thread) -> None:
        about, thread.pending = thread.pending, None
        if about is not None:
            waited = event.get("waited_s", 0.0)
            self._broken_off(about, event, FAULT, waited)
            if about["event"] == "condition.waiting":
                self._holdings.resume(event | {"object": about.get("object")})

    def _interrupted(self, event: Event, thread: _Thread) -> None:
        """Ends what a thread was in where an interrupt comes; it begins anew where that is over."""
        if thread.pending is not None:
            self._broken_off(thread.pending, event, DONE_)
        if thread.began is not None:
            self._give_timed(thread.began, event["elapsed_s"], event["seq"], DONE_)
        thread.below.append((thread.pending, thread.began))
        thread.pending = thread.began = None

    def _resumed(self, event: Event, thread: _Thread) -> None:
        if thread.below:
            since = {"elapsed_s": event["elapsed_s"], "seq": event["seq"]}
            pending, began = thread.below.pop()
            thread.pending = pending and pending | since
            thread.began = began and began | since

    # --- times

    def _timed(self, event: Event, thread: _Thread) -> None:
        thread.began = event

    def _timed_ended(self, event: Event, thread: _Thread) -> None:
        began, thread.began = thread.began, None
        if began is not None:
            self._give_timed(began, event["elapsed_s"], event["seq"], DONE_)

    def _give_timed(self, began: Event, end: float, seq: int, ended: str) -> None:
        what = TIMED[began["event"].partition(".")[0]]
        self.give(
            Span(
                began["thread"], what, began["elapsed_s"], end, began["seq"], seq, began.get("function"), None,
                began.get("line"), began.get("step"), ended,
            )
        )  # fmt: skip

    def _entered(self, event: Event, thread: _Thread) -> None:
        thread.sections.setdefault(event.get("object", ""), []).append(event)

    def _left(self, event: Event, thread: _Thread) -> None:
        name = event.get("object", "")
        if thread.sections.get(name):
            entered = thread.sections[name].pop()
            self._give_section(entered, event["elapsed_s"], event["seq"], DONE_)

    def _give_section(self, entered: Event, end: float, seq: int, ended: str) -> None:
        self.give(
            Span(
                entered["thread"], INSIDE, entered["elapsed_s"], end, entered["seq"], seq, entered.get("object"), None,
                entered.get("line"), entered.get("step"), ended,
            )
        )  # fmt: skip

    def _held(self, begin: Event, end_s: float, end_seq: int, ended: str) -> None:
        self.give(
            Span(
                begin["thread"], HOLDING, begin["elapsed_s"], end_s, begin["seq"], end_seq, begin.get("object"), None,
                begin.get("line"), begin.get("step"), ended,
            )
        )  # fmt: skip

    # --- lives

    def _started(self, event: Event, thread: _Thread) -> None:
        thread.alive = event
        name = event["thread"]
        submitted = self._submitted.pop(name, None)
        if submitted is not None:
            self._queued(name, submitted, event)
        elif event.get("pool") is not None:
            self._has_begun_early(event)

    def _has_submitted(self, event: Event) -> None:
        """Notes a task submitted to a pool, unless it has begun by now, as it may on real threads."""
        self._submitting.pop(event["thread"], None)
        name = event.get("value")
        if isinstance(name, str) and name not in self._threads:
            self._submitted[name] = event

    def _has_begun_early(self, event: Event) -> None:
        """Handles a task that begins before its `submitted` line: the thread now submitting has submitted it."""
        pool = event["pool"]
        about = next((e for e in self._submitting.values() if e.get("object") == pool), None)
        if about is not None:
            self._queued(event["thread"], about, event)

    def _queued(self, name: str, submitted: Event, event: Event) -> None:
        self.causes.note_start(submitted, name)
        pool = submitted.get("object")
        self.give(
            Span(
                name, QUEUED, submitted["elapsed_s"], event["elapsed_s"], submitted["seq"], event["seq"], pool, None,
                submitted.get("line"), submitted.get("step"), DONE_, Cause.of(submitted),
            )
        )  # fmt: skip

    def _ended(self, event: Event, thread: _Thread) -> None:
        self.causes.note_end(event)
        self._stop(event["thread"], thread, event["elapsed_s"], event["seq"], DONE_)

    def _failed(self, event: Event, thread: _Thread) -> None:
        """Ends a thread that an exception ended, of which no other line is logged."""
        self.causes.note_end(event)
        self._stop(event["thread"], thread, event["elapsed_s"], event["seq"], FAULT)

    def _cut_off(self, event: Event, thread: _Thread) -> None:
        self._stop(event["thread"], thread, event["elapsed_s"], event["seq"])

    def _stop(self, name: str, thread: _Thread, end: float, seq: int, ended: str = CUT_OFF) -> None:
        """Ends all open spans of a thread that has ended, or that the end of the log cuts off."""
        if thread.pending is not None:
            self._broken_off(thread.pending, {"elapsed_s": end, "seq": seq}, ended if ended == CUT_OFF else FAULT)
        if thread.began is not None:
            self._give_timed(thread.began, end, seq, CUT_OFF)
        for entered in (e for stack in thread.sections.values() for e in stack):
            self._give_section(entered, end, seq, CUT_OFF)
        if thread.alive is not None:
            began = thread.alive
            self.give(
                Span(
                    name, ALIVE, began["elapsed_s"], end, began["seq"], seq, None, None, began.get("line"),
                    began.get("step"), ended, self.causes.start_of(name),
                )
            )  # fmt: skip
        thread.pending = thread.began = thread.alive = None
        thread.sections = {}


def spans_of(events: Any) -> list[Span]:
    """All spans of a run's events as a list, for programs that have the memory for it."""
    out: list[Span] = []
    spans = Spans(out.append)
    for event in events:
        spans.take(event)
    spans.close()
    return out
