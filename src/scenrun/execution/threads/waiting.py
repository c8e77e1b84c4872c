"""Wraps `threading.Condition`, `Event` and `Barrier`; a waiter is identified by the lock that it is parked on."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from scenrun.errors import Fault
from scenrun.execution.counters import Counter
from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context, Cut, current
from scenrun.execution.threads.locks import RealLock, RealRLock
from scenrun.program.primitives.registry import told_kind
from scenrun.trace.histogram import Samples


class Parked(deque[Any]):
    """The waiters of a `threading.Condition`: notes in each thread's context the lock that it is about to be parked on."""

    def append(self, waiter: Any) -> None:
        current().waiter = waiter
        super().append(waiter)


def is_parked(condition: threading.Condition, me: Context) -> bool:
    """Whether the thread is still in the condition's line, so that only a notify or its timeout can wake it."""
    waiter = me.waiter
    # `in` is one step also without the GIL, where other threads may change the line during an iteration
    return waiter is not None and waiter in condition._waiters  # type: ignore[attr-defined]


def _snapshot(line: deque[Any]) -> list[Any]:
    """Returns the waiters at one moment; without the GIL, other threads may change the line while it is copied."""
    while True:
        try:
            return list(line)
        except RuntimeError:  # deque mutated during iteration
            continue


def wake_all(condition: threading.Condition) -> None:
    """Wakes every waiter without holding the condition's lock."""
    for waiter in _snapshot(condition._waiters):  # type: ignore[attr-defined]
        try:
            waiter.release()
        except RuntimeError:
            continue


class _BoundLock:
    """The lock of a condition in the form that `threading.Condition` needs; publishes the wait of each parked thread."""

    def __init__(self, lock: RealLock | RealRLock, condition: RealCondition) -> None:
        self.lock = lock
        self.condition = condition

    def acquire(self, *_: Any) -> bool:
        """Not used: steps acquire the lock itself."""
        raise AssertionError("a condition's lock is acquired by steps")

    def release(self) -> None:
        """Not used: steps release the lock itself."""
        raise AssertionError("a condition's lock is released by steps")

    def locked(self) -> bool:
        """Whether the lock is held; `threading.Condition` of Python 3.14 and later needs this of its lock."""
        return self.lock.is_held()

    def _is_owned(self) -> bool:
        return self.lock.is_owned()

    def _release_save(self) -> tuple[Context, int]:
        me = current()
        waiter = me.waiter
        times = self.lock.give_up(me)
        # published after the release: the detector must not take the thread for blocked while it still holds the lock
        site, timeout = self.condition.sites[me]
        me.publish("condition.wait", self.condition, timeout, site)
        me.waiter = waiter
        return me, times

    def _acquire_restore(self, saved: tuple[Context, int]) -> None:
        me, times = saved
        me.wait = None
        if not me.cut:
            self.lock.take_again(me, times, self.condition.sites[me][0])


class _Waitable:
    """The common part of conditions, events and barriers: they have no owner, and waits at them are measured."""

    kind = ""

    def __init__(self, label: str, cell: int) -> None:
        self.label = label
        self.cell = cell
        self.waited = Samples()

    def held_by(self) -> list[str]:
        """Returns no name: the object has no owner."""
        return []

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {"kind": told_kind(self.kind), "waits": self.waited.count, "waited": self.waited.summary()}

    def fold(self) -> None:
        """Folds the samples into the histogram."""
        self.waited.fold()


class RealCondition(_Waitable):
    """A `threading.Condition` over a named lock."""

    kind = "condition"

    def __init__(self, label: str, cell: int, lock: RealLock | RealRLock) -> None:
        super().__init__(label, cell)
        self.lock = lock
        self.sites: dict[Context, tuple[Site, int | None]] = {}
        self.real = threading.Condition(_BoundLock(lock, self))  # type: ignore[arg-type]
        self.real._waiters = Parked()  # type: ignore[attr-defined]
        self.notified = Counter()

    def wait(self, me: Context, site: Site, timeout: int | None) -> bool:
        """Releases the lock and waits; returns True if notified, False after the timeout (in nanoseconds)."""
        self.sites[me] = (site, timeout)
        since = me.publish("condition.wait", None, timeout, site)
        try:
            woken = self.real.wait(None if timeout is None else timeout / 1e9)
        except RuntimeError:
            me.wait = None
            raise self._unheld("wait") from None
        if me.cut:
            raise Cut
        self.waited.add(me.resume(since))
        return woken

    def notify(self, me: Context, site: Site, n: Any) -> None:
        """Wakes the `n` threads that have waited longest."""
        if not isinstance(n, int):
            raise Fault("TypeError", "`n` of a notify is a whole number")
        self.notified.add()
        try:
            self.real.notify(n)
        except RuntimeError:
            raise self._unheld("notify") from None

    def notify_all(self, me: Context, site: Site) -> None:
        """Wakes every waiter."""
        self.notified.add()
        try:
            self.real.notify_all()
        except RuntimeError:
            raise self._unheld("notify_all") from None

    def _unheld(self, operation: str) -> Fault:
        return Fault("RuntimeError", f"`{operation}` on `{self.label}` without holding its lock")

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the thread is still in the condition's line."""
        return is_parked(self.real, me)

    def free(self, op: str, me: Context) -> None:
        """Wakes every waiter without the lock."""
        wake_all(self.real)

    def figures(self) -> dict[str, Any]:
        """With the number of notifies."""
        return {**super().figures(), "notifies": self.notified.value}


class RealEvent(_Waitable):
    """A `threading.Event`."""

    kind = "event"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell)
        self.real = threading.Event()
        self.real._cond._waiters = Parked()  # type: ignore[attr-defined]
        if options.get("initially") == "set":
            self.real.set()
        self.is_set = self.real.is_set

    def wait(self, me: Context, site: Site, timeout: int | None) -> bool:
        """Waits until the event is set; returns False after the timeout (in nanoseconds)."""
        since = me.publish("event.wait", self, timeout, site)
        was_set = self.real.wait(None if timeout is None else timeout / 1e9)
        self.waited.add(me.resume(since))
        return was_set

    def set(self, me: Context, site: Site) -> None:
        """Sets the event and wakes every waiter."""
        self.real.set()

    def clear(self, me: Context, site: Site) -> None:
        """Clears the event."""
        self.real.clear()

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the thread is still parked: setting the event unparks it."""
        return is_parked(self.real._cond, me)  # type: ignore[attr-defined]

    def free(self, op: str, me: Context) -> None:
        """Sets the event."""
        self.real.set()


class RealBarrier(_Waitable):
    """A `threading.Barrier`."""

    kind = "barrier"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell)
        self.real = threading.Barrier(options["parties"])
        self.real._cond._waiters = Parked()  # type: ignore[attr-defined]

    @property
    def n_waiting(self) -> int:
        """The number of threads that wait at the barrier."""
        return self.real.n_waiting

    @property
    def broken(self) -> bool:
        """Whether the barrier is broken."""
        return self.real.broken

    @property
    def parties(self) -> int:
        """The number of threads that the barrier waits for."""
        return self.real.parties

    def wait(self, me: Context, site: Site, timeout: int | None) -> int:
        """Waits for the other parties; returns a place from 0 to parties - 1. A timeout (in nanoseconds) breaks the barrier."""
        since = me.publish("barrier.wait", self, timeout, site)
        try:
            place = self.real.wait(None if timeout is None else timeout / 1e9)
        except threading.BrokenBarrierError:
            self.waited.add(me.resume(since))
            raise Fault("threading.BrokenBarrierError", f"`{self.label}` is broken") from None
        self.waited.add(me.resume(since))
        return place

    def abort(self, me: Context, site: Site) -> None:
        """Breaks the barrier."""
        self.real.abort()

    def reset(self, me: Context, site: Site) -> None:
        """Empties and repairs the barrier; threads that wait get BrokenBarrierError."""
        self.real.reset()

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the thread is still parked."""
        return is_parked(self.real._cond, me)  # type: ignore[attr-defined]

    def free(self, op: str, me: Context) -> None:
        """Breaks the barrier."""
        self.real.abort()


class RealActingBarrier(RealBarrier):
    """A `threading.Barrier` with an action.

    `Barrier.wait` in its parts, so that the action's steps are those of the thread that came last. As there, the thread
    holds the barrier's lock from its coming to the end of the action.
    """

    kind = "acting_barrier"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell, options)
        self._inner: Any = self.real
        self.acting: Context | None = None

    def come(self, me: Context, site: Site) -> int:
        """Waits until those before have left; returns the place. The last one keeps the lock."""
        inner = self._inner
        since = me.publish("acting_barrier.come", self, None, site)
        inner._cond.acquire()
        try:
            inner._enter()
        except threading.BrokenBarrierError:
            inner._cond.release()
            me.resume(since)
            raise self._broken() from None
        place: int = inner._count
        inner._count += 1
        if place + 1 < inner._parties:
            inner._cond.release()
        else:
            self.acting = me
        me.resume(since)
        return place

    def leave(self, me: Context, site: Site, place: int, timeout: int | None) -> int:
        """Waits until the action is over, or until the timeout (in nanoseconds), which breaks the barrier; returns the place."""
        since = me.publish("acting_barrier.leave", self, timeout, site)
        with self._inner._cond:
            try:
                self._inner._wait(None if timeout is None else timeout / 1e9)
            except threading.BrokenBarrierError:
                self.waited.add(me.resume(since))
                raise self._broken() from None
            finally:
                self._left()
        self.waited.add(me.resume(since))
        return place

    def open(self, me: Context, site: Site, place: int) -> int:
        """Lets the others go on after the action; returns the place."""
        self._inner._state = 1
        self._inner._cond.notify_all()
        self._end_of_action()
        me.waited_ns = 0
        self.waited.add(0)
        return place

    def fail(self, me: Context, site: Site) -> None:
        """Breaks the barrier after an action that has failed."""
        self._inner._break()
        self._end_of_action()

    def abort(self, me: Context, site: Site) -> None:
        """Breaks the barrier, once nobody acts."""
        since = me.publish("acting_barrier.abort", self, None, site)
        self.real.abort()
        me.resume(since)

    def reset(self, me: Context, site: Site) -> None:
        """Empties and repairs the barrier, once nobody acts."""
        since = me.publish("acting_barrier.reset", self, None, site)
        self.real.reset()
        me.resume(since)

    def held_by(self) -> list[str]:
        """Returns the name of the thread that runs the action, if any does."""
        return [] if self.acting is None else [self.acting.name]

    def _end_of_action(self) -> None:
        self._left()
        self.acting = None
        self._inner._cond.release()

    def _left(self) -> None:
        self._inner._count -= 1
        self._inner._exit()

    def _broken(self) -> Fault:
        return Fault("threading.BrokenBarrierError", f"`{self.label}` is broken")

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the thread is parked, or somebody else acts."""
        return self.acting is not None or super().stuck(op, me)

    def free(self, op: str, me: Context) -> None:
        """Breaks the barrier, also where the thread that acts has been cut off."""
        if self.acting is not None and self.acting.cut:
            self.acting = None
            self._inner._cond.release()
        self.real.abort()
