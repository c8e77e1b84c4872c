"""Queues, events and conditions whose steps do not slow down with the number of items and waiters.

Each means exactly what its counterpart in `primitives/` means; a test drives both through the same operations. There, a
step makes a new tuple of all items or waiters; here it changes a deque, a heap, a set or an ordered mapping.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from typing import Any

from scenrun.execution.simulator.actions import Phase, in_place
from scenrun.execution.simulator.objects import FOLD_AT, Thing, Waitable
from scenrun.program.primitives import lock
from scenrun.program.primitives.condition import NOT_HELD, is_owned
from scenrun.program.primitives.kinds import Done, Failed, Outcome, Then
from scenrun.program.primitives.queue import SHUT_DOWN, TOO_OFTEN
from scenrun.program.primitives.rlock import FREE
from scenrun.trace.histogram import Samples

_NOTHING = Done(())
_FULL, _EMPTY = Failed((), "queue.Full"), Failed((), "queue.Empty")
_SHUT = Failed((), SHUT_DOWN)
_TRUE, _FALSE = Done((), True), Done((), False)


class Queue(Thing):
    """A queue with its items in a deque or a heap."""

    __slots__ = (
        "gets",
        "is_shut",
        "items",
        "largest",
        "maxsize",
        "order",
        "puts",
        "unfinished",
        "waited_get",
        "waited_put",
    )

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.puts = self.gets = self.largest = 0
        self.waited_put = Samples()
        self.waited_get = Samples()

    def qsize(self) -> int:
        """The number of items."""
        return len(self.items)

    def empty(self) -> bool:
        """Whether the queue has no items."""
        return not self.items

    def full(self) -> bool:
        """Whether the queue has no room."""
        return bool(0 < self.maxsize <= len(self.items))

    @property
    def value(self) -> Any:
        """The queue's value as `primitives/queue.py` represents it, for operations without a fast path."""
        return tuple(self.items), self.unfinished, self.maxsize, self.order, self.is_shut

    @value.setter
    def value(self, value: Any) -> None:
        items, self.unfinished, self.maxsize, self.order, self.is_shut = value
        self.items: Any = deque(items) if self.order != "priority" else list(items)

    def added(self) -> None:
        """Counts an item that was put."""
        self.unfinished += 1
        self.puts += 1
        size = len(self.items)
        if size > self.largest:
            self.largest = size

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """Notes the number of items for the log."""
        me.size = len(self.items)

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """Counts an operation that waited; those that did not are counted as zeros at the end."""
        if waited_ns is None or name not in ("put", "get"):
            return
        samples = self.waited_put if name == "put" else self.waited_get
        samples.add(waited_ns)
        if len(samples) > FOLD_AT:
            samples.fold()

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        self.waited_get.count_zeros(self.gets)
        out = {
            "kind": self.kind.name,
            "puts": self.puts,
            "gets": self.gets,
            "largest": self.largest,
            "size": len(self.items),
        }
        if self.kind.name == "queue":
            self.waited_put.count_zeros(self.puts)
            out["waited_put"] = self.waited_put.summary()
        return {**out, "waited_get": self.waited_get.summary()}


def _put(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    (queue,) = objects
    item, timeout, block = arguments
    if queue.is_shut:
        return _SHUT
    if 0 < queue.maxsize <= len(queue.items):
        return _FULL if not block or timeout == 0 else None
    if queue.order == "priority":
        try:
            heapq.heappush(queue.items, item)
        except TypeError as error:
            return Failed((), "TypeError", str(error))
    else:
        queue.items.append(item)
    queue.added()
    return _NOTHING


def _get(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    (queue,) = objects
    timeout, block = arguments
    if not queue.items:
        if queue.is_shut:
            return _SHUT
        return _EMPTY if not block or timeout == 0 else None
    if queue.order == "fifo":
        item = queue.items.popleft()
    elif queue.order == "lifo":
        item = queue.items.pop()
    else:
        try:
            item = heapq.heappop(queue.items)
        except TypeError as error:
            return Failed((), "TypeError", str(error))
    queue.gets += 1
    return Done((), item)


def _task_done(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    (queue,) = objects
    if queue.unfinished <= 0:
        return Failed((), "ValueError", TOO_OFTEN)
    queue.unfinished -= 1
    return _NOTHING


def _join(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    return _NOTHING if objects[0].unfinished == 0 else None


_PUT = (
    Phase(_put, lambda objects, me, arguments, memo: not objects[0].full() or objects[0].is_shut, lambda *_: _FULL),
)
_GET = (
    Phase(_get, lambda objects, me, arguments, memo: bool(objects[0].items) or objects[0].is_shut, lambda *_: _EMPTY),
)


class Event(Waitable):
    """An event with its parked threads in a set."""

    __slots__ = ("flag", "parked")

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)

    def is_set(self) -> bool:
        """Whether the event is set."""
        return self.flag

    @property
    def value(self) -> Any:
        """The event's value as `primitives/event.py` represents it, for operations without a fast path."""
        return self.flag, tuple(sorted(self.parked))

    @value.setter
    def value(self, value: Any) -> None:
        self.flag: bool = value[0]
        self.parked: set[int] = set(value[1])


def _look(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    (event,) = objects
    if event.flag:
        return _TRUE
    event.parked.add(me.number)
    return Then(())


def _woken(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    return _TRUE if me.number not in objects[0].parked else None


def _unwoken(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    objects[0].parked.discard(me.number)
    return _FALSE


def _set(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    (event,) = objects
    event.flag = True
    event.parked.clear()
    return _NOTHING


def _clear(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    objects[0].flag = False
    return _NOTHING


class Condition(Waitable):
    """A condition with its line in an ordered mapping, so that a thread can leave from any place in constant time."""

    __slots__ = ("line", "notifies")

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.notifies = 0

    @property
    def value(self) -> Any:
        """The condition's value as `primitives/condition.py` represents it, for operations without a fast path."""
        return tuple(self.line)

    @value.setter
    def value(self, value: Any) -> None:
        self.line: OrderedDict[int, None] = OrderedDict.fromkeys(value)

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """Counts a notify; notes on the lock that a wait has released it or acquired it again."""
        if name != "wait":
            self.notifies += 1
        elif phase == 0 and isinstance(outcome, Then):
            objects[1].gave(t)
        elif phase == 2:
            lock = objects[1]
            lock.took(me, t, 1 if lock.value is True else lock.value[1])

    def figures(self) -> dict[str, Any]:
        """Returns the figures with the number of notifies."""
        return {**super().figures(), "notifies": self.notifies}


def _not_held(name: str) -> Failed:
    return Failed((), "RuntimeError", NOT_HELD.replace("{operation}", name))


def _park(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    condition, lock = objects
    if not is_owned(lock.value, me.number):
        return _not_held("wait")
    condition.line[me.number] = None
    is_plain = lock.value is True
    depth = 1 if is_plain else lock.value[1]
    lock.value = False if is_plain else FREE
    return Then((), depth)


def _notified(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    return Then((), (memo, True)) if me.number not in objects[0].line else None


def _not_notified(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    return Then((), (memo, False))


def _take_again(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    lock = objects[1]
    depth, woken = memo
    if lock.value not in (False, FREE):
        return None
    lock.value = True if lock.value is False else (me.number, depth)
    return _TRUE if woken else Then(())


def _leave(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    objects[0].line.pop(me.number, None)
    return _FALSE


def _notify(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    condition, lock = objects
    (n,) = arguments
    if not isinstance(n, int):
        return Failed((), "TypeError", "`n` of a notify is a whole number")
    if not is_owned(lock.value, me.number):
        return _not_held("notify")
    for _ in range(min(n, len(condition.line))):
        condition.line.popitem(last=False)
    return _NOTHING


def _notify_all(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    condition, lock = objects
    if not is_owned(lock.value, me.number):
        return _not_held("notify_all")
    condition.line.clear()
    return _NOTHING


def _always(objects: tuple[Any, ...], me: Any, arguments: tuple[Any, ...], memo: Any) -> bool:
    return True


QUICK: dict[str, tuple[Phase, ...]] = {
    "lock.acquire": (Phase(in_place(lock.acquire), lambda objects, *_: not objects[0].value, in_place(lock.give_up)),),
    "queue.put": _PUT,
    "queue.get": _GET,
    "simple_queue.put": _PUT,
    "simple_queue.get": _GET,
    "queue.task_done": (Phase(_task_done, _always),),
    "queue.join": (Phase(_join, lambda objects, *_: objects[0].unfinished == 0, together=True),),
    "event.wait": (
        Phase(_look, _always),
        Phase(_woken, lambda objects, me, *_: me.number not in objects[0].parked, _unwoken, together=True),
    ),
    "event.set": (Phase(_set, _always),),
    "event.clear": (Phase(_clear, _always),),
    "condition.wait": (
        Phase(_park, _always),
        Phase(_notified, lambda objects, me, *_: me.number not in objects[0].line, _not_notified, together=True),
        Phase(_take_again, lambda objects, *_: objects[1].value in (False, FREE), waits_at=(1,)),
        Phase(_leave, _always),
    ),
    "condition.notify": (Phase(_notify, _always),),
    "condition.notify_all": (Phase(_notify_all, _always),),
}
"""The phases that replace those of `primitives/`, with the same effect."""
