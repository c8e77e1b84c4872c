"""Wraps the queues of `queue`: a thread's wait ends in the same step in which its item is put or taken."""

from __future__ import annotations

import heapq
import queue
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from scenrun.errors import Fault
from scenrun.execution.counters import Counter
from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context, current
from scenrun.execution.threads.threads import wait_in_slices
from scenrun.execution.threads.waiting import Parked, is_parked
from scenrun.program.exceptions import EXCEPTIONS, name_of
from scenrun.program.primitives.queue import SHUT_DOWN
from scenrun.trace.histogram import Samples

ShutDown: type[Exception] = EXCEPTIONS[SHUT_DOWN]


class _Poison:
    """The item that a freed thread gets in place of a real one."""

    def __lt__(self, other: object) -> bool:
        return False


_POISON = _Poison()
_UNBOUNDED = 1 << 62
"""More than any queue holds; 0 would not do, as a thread that waits for room compares the size with it."""


class _Fifo(queue.Queue[Any]):
    """`queue.Queue`, counting under its own lock. A thread's wait ends before the item moves, never after."""

    puts = gets = largest = 0
    _add: Callable[[Any], object]
    _take: Callable[[], Any]

    def _put(self, item: Any) -> None:
        me = current()
        me.wait = None  # before its own item can fill the queue, or the detector might take it for blocked
        self._add(item)
        self.puts += 1
        me.size = size = len(self.queue)
        if size > self.largest:
            self.largest = size

    def _get(self) -> Any:
        me = current()
        me.wait = None
        self.gets += 1
        item = self._take()
        me.size = len(self.queue)
        return item

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._add, self._take = self.queue.append, self.queue.popleft


class _Lifo(_Fifo):
    """`queue.LifoQueue`."""

    def _init(self, maxsize: int) -> None:
        self.queue: Any = []
        self._add, self._take = self.queue.append, self.queue.pop


class _Priority(_Fifo):
    """`queue.PriorityQueue`: the smallest item first."""

    def _init(self, maxsize: int) -> None:
        self.queue: Any = []
        self._add, self._take = partial(heapq.heappush, self.queue), partial(heapq.heappop, self.queue)


_CLASSES = {"fifo": _Fifo, "lifo": _Lifo, "priority": _Priority}


class RealQueue:
    """A `queue.Queue`, `LifoQueue` or `PriorityQueue`."""

    kind = "queue"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        self.label = label
        self.cell = cell
        self.real = _CLASSES[options["kind"]](options["maxsize"])
        self.real.all_tasks_done._waiters = Parked()  # type: ignore[attr-defined]
        self.qsize = self.real.qsize
        self.empty = self.real.empty
        self.full = self.real.full
        self.waited_put = Samples()
        self.waited_get = Samples()

    def put(self, me: Context, site: Site, item: Any, timeout: int | None, block: bool) -> None:
        """Puts an item; waits while the queue is full, if `block`, for at most `timeout` nanoseconds."""
        real = self.real
        if block and 0 < real.maxsize <= len(real.queue):
            self._put_waiting(me, site, item, timeout)
            return
        try:
            real.put(item, False)
        except queue.Full:
            if not block:
                raise Fault("queue.Full", "") from None
            self._put_waiting(me, site, item, timeout)  # another thread was faster
        except ShutDown:
            raise Fault(SHUT_DOWN, "") from None
        except TypeError as error:
            raise Fault("TypeError", str(error)) from None
        else:
            me.passed()
            self.waited_put.add(0)

    def _put_waiting(self, me: Context, site: Site, item: Any, timeout: int | None) -> None:
        since = me.publish("queue.put", self, timeout, site)
        try:
            self.real.put(item, True, None if timeout is None else timeout / 1e9)
        except (queue.Full, ShutDown) as error:
            me.resume(since)
            raise Fault(name_of(error), "") from None
        except TypeError as error:
            me.resume(since)
            raise Fault("TypeError", str(error)) from None
        self.waited_put.add(me.resume(since))

    def get(self, me: Context, site: Site, timeout: int | None, block: bool) -> Any:
        """Takes an item; waits while the queue is empty, if `block`, for at most `timeout` nanoseconds."""
        if block and not self.real.queue:
            return self._get_waiting(me, site, timeout)
        try:
            item = self.real.get(False)
        except queue.Empty:
            if not block:
                raise Fault("queue.Empty", "") from None
            return self._get_waiting(me, site, timeout)  # another thread was faster
        except ShutDown:
            raise Fault(SHUT_DOWN, "") from None
        me.passed()
        self.waited_get.add(0)
        return item

    def _get_waiting(self, me: Context, site: Site, timeout: int | None) -> Any:
        since = me.publish("queue.get", self, timeout, site)
        try:
            item = self.real.get(True, None if timeout is None else timeout / 1e9)
        except (queue.Empty, ShutDown) as error:
            me.resume(since)
            raise Fault(name_of(error), "") from None
        except TypeError as error:
            me.resume(since)
            raise Fault("TypeError", str(error)) from None
        self.waited_get.add(me.resume(since))
        return item

    def task_done(self, me: Context, site: Site) -> None:
        """Marks an item as processed."""
        try:
            self.real.task_done()
        except ValueError:
            raise Fault("ValueError", f"`task_done` of `{self.label}` more often than items were put") from None

    def join(self, me: Context, site: Site) -> None:
        """Waits until every item is marked as processed."""
        since = me.publish("queue.join", self, None, site)
        self.real.join()
        me.resume(since)

    def shutdown(self, me: Context, site: Site, immediate: bool) -> None:
        """Lets nothing more in; who waits goes on. `immediate`: also drops the items."""
        self.real.shutdown(immediate)  # type: ignore[attr-defined]

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the queue has no item to take, no room, or items that are not marked as processed."""
        size = len(self.real.queue)
        if getattr(self.real, "is_shutdown", False) and op != "queue.join":
            return False
        if op == "queue.get":
            return size == 0
        if op == "queue.put":
            return 0 < self.real.maxsize <= size
        return is_parked(self.real.all_tasks_done, me)

    def free(self, op: str, me: Context) -> None:
        """Gives a thread that waits for an item a poison item, and one that waits for room an unbounded queue."""
        real = self.real
        with real.mutex:
            real.maxsize = _UNBOUNDED
            real.unfinished_tasks = 0
            if op == "queue.get":
                real.queue.append(_POISON)
                real.not_empty.notify_all()
            real.not_full.notify_all()
            real.all_tasks_done.notify_all()

    def held_by(self) -> list[str]:
        """Returns no name: a queue has no owner."""
        return []

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": self.kind,
            "puts": self.real.puts,
            "gets": self.real.gets,
            "largest": self.real.largest,
            "size": self.real.qsize(),
            "waited_put": self.waited_put.summary(),
            "waited_get": self.waited_get.summary(),
        }

    def fold(self) -> None:
        """Folds the samples into the histograms."""
        self.waited_put.fold()
        self.waited_get.fold()


class RealSimpleQueue:
    """A `queue.SimpleQueue`: unbounded, without a count of unprocessed items."""

    kind = "simple_queue"

    def __init__(self, label: str, cell: int) -> None:
        self.label = label
        self.cell = cell
        self.real: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.qsize = self.real.qsize
        self.empty = self.real.empty
        self.puts = Counter()
        self.gets = Counter()
        self.waited_get = Samples()
        self.largest = 0

    def put(self, me: Context, site: Site, item: Any, timeout: int | None, block: bool) -> None:
        """Puts an item; there is always room."""
        self.puts.add()  # before the item is there: otherwise a thread could have an item that no count shows
        self.real.put(item)
        me.waited_ns = 0
        me.size = self.real.qsize()
        self.largest = max(self.largest, me.size)

    def _take(self, me: Context, since: int, timeout: int | None, block: bool) -> Any:
        if not block or me.coming is None:
            return self.real.get(block, None if timeout is None else timeout / 1e9)
        found: list[Any] = []

        def take(slice_s: float) -> bool:
            with suppress(queue.Empty):
                found.append(self.real.get(True, slice_s))
            return bool(found)

        if not wait_in_slices(me, None if timeout is None else since + timeout, take):
            raise queue.Empty
        return found[0]

    def get(self, me: Context, site: Site, timeout: int | None, block: bool) -> Any:
        """Takes an item; waits while the queue is empty, if `block`, for at most `timeout` nanoseconds."""
        since = me.publish("simple_queue.get", self, timeout if block else 0, site)
        try:
            item = self._take(me, since, timeout, block)
        except queue.Empty:
            me.resume(since)
            raise Fault("queue.Empty", "") from None
        me.wait = None  # before it is counted: `stuck` must not be true for a thread that has its item
        self.gets.add()
        self.waited_get.add(me.resume(since))
        me.size = self.real.qsize()
        return item

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the queue is empty and every item that was put is counted as taken."""
        gets = self.gets.value
        return gets == self.puts.value and self.real.empty()

    def free(self, op: str, me: Context) -> None:
        """Gives a thread that waits a poison item."""
        self.real.put(_POISON)

    def held_by(self) -> list[str]:
        """Returns no name: a queue has no owner."""
        return []

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": self.kind,
            "puts": self.puts.value,
            "gets": self.gets.value,
            "largest": self.largest,
            "size": self.real.qsize(),
            "waited_get": self.waited_get.summary(),
        }

    def fold(self) -> None:
        """Folds the samples into the histogram."""
        self.waited_get.fold()
