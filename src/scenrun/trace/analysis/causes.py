"""Matches each wait with the line that ended it: the release before an acquire, the put before a get, the end before a join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from scenrun.trace.analysis.cause import Cause
from scenrun.trace.analysis.items import Items
from scenrun.trace.analysis.lines import Line, Tokens
from scenrun.trace.analysis.operations import FREED, FREEING
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.run_started import Opening

MOST_TIMES = 10_000
"""The most permits that are kept of one release: bounds memory against a log with a huge `n`."""


class Causes:
    """Follows releases and waits, object by object. Memory grows with objects, threads and items in queues, not with the log."""

    def __init__(self) -> None:
        self.opening = Opening()
        self.put_before: Cause | None = None
        """The line that put the last item that was got; None if that line is still to come."""
        self.got_before: Cause | None = None
        """The line that got the last item that was put, if it precedes the put."""
        self._items: dict[str, Items] = {}
        self._tokens: dict[str, Tokens] = {}
        self._lines: dict[str, Line] = defaultdict(Line)
        self._last: dict[tuple[str, str], Cause] = {}
        """By kind and object, the last line that ends the wait of all, or of the only one waiting."""
        self._freed_by: Cause | None = None
        """The cause of the line that was noted last."""
        self._putting: dict[str, dict[str, Cause]] = defaultdict(dict)
        """By queue, the threads that have announced a put."""
        self._starts: dict[str, Cause] = {}
        self._noting: dict[str, Callable[[Event, str], None]] = {
            **dict.fromkeys(FREEING, self._frees),
            **dict.fromkeys(FREED, self._is_freed),
            "semaphore.releasing": self._gives_permits,
            "semaphore.acquired": self._takes_permit,
            "queue.putting": self._is_putting,
            "queue.put": self._put,
            "queue.got": self._got,
            "condition.waiting": self._joins_line,
            "condition.notifying": self._notifying,
            "condition.notifying_all": self._frees_all,
            "condition.woken": self._leaves_line,
            "event.waiting": self._joins_line,
            "event.setting": self._frees_all,
            "event.waited": self._leaves_line,
            "barrier.waiting": self._comes_to_barrier,
            "barrier.passed": self._leaves_line,
            "barrier.aborting": self._breaks_barrier,
            "barrier.resetting": self._breaks_barrier,
            "thread.starting": self._starting,
            "timer.starting": self._starting,
            "thread.joined": self._saw_end,
            "future.answered": self._saw_end,
            "pool.shut_down": self._saw_last_end,
        }

    def note(self, event: Event) -> Cause | None:
        """Takes an operation's line; returns the line that let it go on, for an operation that may have waited."""
        self._freed_by = None
        noting = self._noting.get(event["event"])
        if noting is not None:
            noting(event, event.get("object", ""))
        return self._freed_by

    # --- what the last line that frees anybody explains: locks, a queue's tasks, and each new kind

    def _frees(self, event: Event, name: str) -> None:
        self._last["object", name] = Cause.of(event)

    def _is_freed(self, event: Event, name: str) -> None:
        self._freed_by = self._last.get(("object", name))

    # --- semaphores

    def _gives_permits(self, event: Event, name: str) -> None:
        times = event.get("n", 1)
        self._tokens_of(name, "value").give(Cause.of(event), min(times, MOST_TIMES) if isinstance(times, int) else 1)

    def _takes_permit(self, event: Event, name: str) -> None:
        if event.get("acquired"):
            self._freed_by = self._tokens_of(name, "value").take()

    def _tokens_of(self, name: str, option: str) -> Tokens:
        tokens = self._tokens.get(name)
        if tokens is None:
            count = self.opening.option(name, option)
            tokens = self._tokens[name] = Tokens(count if isinstance(count, int) else 0)
        return tokens

    # --- queues

    def _is_putting(self, event: Event, name: str) -> None:
        self._putting[name][event["thread"]] = Cause.of(event)

    def _put(self, event: Event, name: str) -> None:
        self._putting[name].pop(event["thread"], None)
        self.got_before = self._items_of(name).put(event)
        if self.opening.option(name, "maxsize"):
            self._freed_by = self._tokens_of(name, "maxsize").take()

    def _got(self, event: Event, name: str) -> None:
        putting = self._putting[name]
        found = self.put_before = self._items_of(name).got(event)
        # On real threads a get may be logged before its put; with one putter announced, the item can only be its own.
        if found is None and len(putting) == 1:
            found = next(iter(putting.values()))
        if self.opening.option(name, "maxsize"):
            self._tokens_of(name, "maxsize").give(Cause.of(event))
        self._freed_by = found

    def _items_of(self, name: str) -> Items:
        items = self._items.get(name)
        if items is None:
            items = self._items[name] = Items(self.opening.order(name))
        return items

    # --- conditions, events, barriers

    def _joins_line(self, event: Event, name: str) -> None:
        self._lines[name].join(event["thread"])

    def _leaves_line(self, event: Event, name: str) -> None:
        self._freed_by = self._lines[name].leave(event["thread"])

    def _notifying(self, event: Event, name: str) -> None:
        n = event.get("n", 1)
        self._lines[name].free(Cause.of(event), max(0, n) if isinstance(n, int) else 1)

    def _frees_all(self, event: Event, name: str) -> None:
        self._lines[name].free(Cause.of(event))

    def _comes_to_barrier(self, event: Event, name: str) -> None:
        line = self._lines[name]
        line.join(event["thread"])
        parties = self.opening.option(name, "parties")
        if isinstance(parties, int) and len(line) >= parties:
            line.free(Cause.of(event))

    def _breaks_barrier(self, event: Event, name: str) -> None:
        self._lines[name].scatter()

    # --- threads

    def _starting(self, event: Event, name: str) -> None:
        self.note_start(event, name)

    def note_start(self, event: Event, started: str) -> None:
        """Notes the line that started a thread."""
        self._starts[started] = Cause.of(event)

    def start_of(self, thread: str) -> Cause | None:
        """The line that started a thread; each is returned once."""
        return self._starts.pop(thread, None)

    def note_end(self, event: Event) -> None:
        """Notes the end of a thread, and of a task for its pool."""
        name = event["thread"]
        self._last["end", name] = cause = Cause.of(event)
        if "#" in name:
            self._last["end of pool", name.rpartition("#")[0]] = cause

    def _saw_end(self, event: Event, name: str) -> None:
        self._freed_by = self._last.get(("end", name))

    def _saw_last_end(self, event: Event, name: str) -> None:
        self._freed_by = self._last.get(("end of pool", name))
