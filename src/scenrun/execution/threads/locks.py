"""Wraps `threading.Lock`, `RLock` and the semaphores: measures waits and holds, counts, and knows what is surely held."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from time import perf_counter_ns as now
from typing import Any

from scenrun.errors import Fault
from scenrun.execution.counters import Counter
from scenrun.execution.site import Site
from scenrun.execution.threads.context import SLICE_S, Context, Cut, current, seconds
from scenrun.program.findings import NOBODY
from scenrun.trace.histogram import Samples


class _Counted(ABC):
    """The common part of locks and semaphores: counts acquisitions and releases and measures waits and holds.

    A release is counted before it is done, an acquisition after. So `taken - given` never exceeds the number that is
    really held; if the two agree, no thread is between an acquisition and its count.
    """

    kind = "lock"
    real: Any

    def __init__(self, label: str, cell: int) -> None:
        self.label = label
        self.cell = cell
        self.taken = Counter()
        self.given = Counter()
        self.refused = Counter()
        self.contended = Counter()
        self.waited = Samples()
        self.held = Samples()
        self.owner: Context | str | None = None
        self.since_ns = now()

    def acquire(self, me: Context, site: Site, timeout: int | None, blocking: bool) -> bool:
        """Acquires the lock; returns False if it is held and `blocking` is false or `timeout` (in nanoseconds) has passed."""
        if self._try(me):
            me.waited_ns = 0
        elif not blocking:
            me.waited_ns = 0
            return False
        elif not self._wait(me, site, timeout):
            return False
        self._took(me)
        return True

    def _try(self, me: Context) -> bool:
        """Acquires the lock if no wait is needed."""
        return bool(self.real.acquire(False))

    def _wait(self, me: Context, site: Site, timeout: int | None) -> bool:
        """Publishes the wait, waits and counts it; returns False if the timeout fired."""
        self.contended.add()
        since = me.publish(f"{self.kind}.acquire", self, timeout, site)
        got = self._take(me, since, timeout)
        self.waited.add(me.resume(since))
        return got

    def _take(self, me: Context, since: int, timeout: int | None) -> bool:
        if me.coming is not None:
            return self._take_in_slices(me, None if timeout is None else since + timeout)
        return bool(self.real.acquire(True, seconds(timeout)))

    def _take_in_slices(self, me: Context, deadline: int | None) -> bool:
        """Acquires it in slices, between which interrupts come."""
        while not me.cut:
            left = SLICE_S if deadline is None else min(SLICE_S, max(0, deadline - now()) / 1e9)
            if self.real.acquire(True, left):
                return True
            if deadline is not None and now() >= deadline:
                return False
            me.coming.while_waiting()
        return False

    @abstractmethod
    def _took(self, me: Context) -> None:
        """Notes that this thread has acquired the lock."""

    @abstractmethod
    def stuck(self, op: str, me: Context) -> bool:
        """Whether it is certain that a wait for it cannot end unless another thread acts."""

    @abstractmethod
    def free(self, op: str, me: Context) -> None:
        """Ends a wait for it, even if that damages its state."""

    def known_held(self) -> int:
        """The number of acquisitions that are surely held: never too large, but possibly too small."""
        # `given` is read last: a release that comes in between lowers the result, never raises it
        refused = self.refused.value
        taken = self.taken.value
        return taken + refused - self.given.value

    def held_by(self) -> list[str]:
        """Returns the owner's name, if it is known."""
        owner = self.owner
        return [owner.name if isinstance(owner, Context) else owner] if owner is not None else []

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": self.kind,
            "acquisitions": self.taken.value,
            "contended": self.contended.value,
            "waited": self.waited.summary(),
            "held": self.held.summary(),
        }

    def fold(self) -> None:
        """Folds the samples into the histograms."""
        self.waited.fold()
        self.held.fold()


class RealLock(_Counted):
    """A `threading.Lock`."""

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell)
        self.real = threading.Lock()
        self.initially = 0
        if options.get("initially") == "locked":
            self.real.acquire()
            self.owner, self.initially = NOBODY, 1
        self.locked = self.real.locked

    def _took(self, me: Context) -> None:
        self.owner = me
        self.since_ns = now()
        self.taken.add()

    def release(self, me: Context, site: Site) -> None:
        """Releases the lock; like a plain lock of Python, any thread may."""
        me.held_ns = now() - self.since_ns
        # before the release, after which the next owner may write its own name
        owner, self.owner = self.owner, None
        self.given.add()
        try:
            self.real.release()
        except RuntimeError:
            self.owner = owner
            self.refused.add()
            raise Fault("RuntimeError", f"release of `{self.label}`, which is not locked") from None
        self.held.add(me.held_ns)

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the lock is held and every acquisition is counted."""
        return self.known_held() + self.initially >= 1

    def free(self, op: str, me: Context) -> None:
        """Releases the lock, so that the next waiter leaves; later waiters are freed one by one."""
        try:
            self.real.release()
        except RuntimeError:
            return

    # what a condition needs of its lock

    def is_held(self) -> bool:
        """Whether the lock is held."""
        return bool(self.real.locked())

    def is_owned(self) -> bool:
        """Whether the lock is held: a plain lock does not know its owner, so a condition over it can check only that."""
        return self.is_held()

    def give_up(self, me: Context) -> int:
        """Releases the lock for a wait of a condition; returns how many times to acquire it again."""
        self.owner = None
        self.held.add(now() - self.since_ns)
        self.given.add()
        try:
            self.real.release()
        except RuntimeError:
            self.refused.add()
            raise
        return 1

    def take_again(self, me: Context, times: int, site: Site) -> None:
        """Acquires the lock again after a wait of a condition."""
        if not self.real.acquire(False):
            me.publish(f"{self.kind}.acquire", self, None, site)
            self.real.acquire()
            me.wait = None
            if me.cut:
                raise Cut
        self._took(me)


class RealRLock(_Counted):
    """A `threading.RLock`. Only its owner can release it, so a waiter cannot be freed and waits in slices instead.

    CPython identifies an owner by its thread's identity, which the system may give to a later thread once the owner has
    ended; tasks of one worker share theirs. The lock would then belong to another thread by chance. Here it does not: a
    lock whose owner has ended without releasing it stays held for ever.
    """

    kind = "rlock"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell)
        self.real = threading.RLock()
        self.depth = 0

    def _try(self, me: Context) -> bool:
        return bool(self.real.acquire(False)) and self._is_mine(me)

    def _is_mine(self, me: Context) -> bool:
        """Whether the thread may keep what it just acquired: not if CPython took it for an owner that has ended."""
        if self.depth and self.owner is not me:
            self.real.release()
            return False
        return True

    def _take(self, me: Context, since: int, timeout: int | None) -> bool:
        return self._acquire_in_slices(me, None if timeout is None else since + timeout)

    def _acquire_in_slices(self, me: Context, deadline: int | None) -> bool:
        while not me.cut:
            left = SLICE_S if deadline is None else min(SLICE_S, max(0, deadline - now()) / 1e9)
            if self.real.acquire(True, left):
                if self._is_mine(me):
                    return True
                time.sleep(left)  # the real lock does not block a thread that it takes for its owner
            if deadline is not None and now() >= deadline:
                return False
            if me.coming is not None:
                me.coming.while_waiting()
        return False

    def _took(self, me: Context) -> None:
        self.depth += 1
        if self.depth == 1:
            self.owner = me
            self.since_ns = now()
        self.taken.add()

    def release(self, me: Context, site: Site) -> None:
        """Releases the lock once; it is free after as many releases as acquisitions."""
        if self.owner is not me:
            raise Fault("RuntimeError", f"release of `{self.label}`, which this thread does not own")
        self.depth -= 1
        if self.depth == 0:
            me.held_ns = now() - self.since_ns
            self.held.add(me.held_ns)
            self.owner = None
        else:
            me.held_ns = 0
        self.given.add()
        self.real.release()

    def stuck(self, op: str, me: Context) -> bool:
        """Whether another thread holds the lock and every acquisition is counted."""
        return self.known_held() >= 1 and self.owner is not me

    def free(self, op: str, me: Context) -> None:
        """Does nothing: a waiter checks by itself whether it is cut off."""

    def is_held(self) -> bool:
        """Whether the lock is held."""
        return self.owner is not None

    def is_owned(self) -> bool:
        """Whether the calling thread owns the lock."""
        return self.owner is current()

    def give_up(self, me: Context) -> int:
        """Releases the lock for a wait of a condition, as many times as it was acquired; returns that number."""
        times, self.depth = self.depth, 0
        self.held.add(now() - self.since_ns)
        self.owner = None
        for _ in range(times):  # all are counted first, as a release is counted before it is done
            self.given.add()
        for _ in range(times):
            self.real.release()
        return times

    def take_again(self, me: Context, times: int, site: Site) -> None:
        """Acquires the lock again after a wait of a condition, `times` times."""
        if not self._try(me):
            me.publish("rlock.acquire", self, None, site)
            self._acquire_in_slices(me, None)
            me.wait = None
            if me.cut:
                raise Cut
        for _ in range(times - 1):
            self.real.acquire()
        for _ in range(times):
            self._took(me)


class RealSemaphore(_Counted):
    """A `threading.Semaphore` or `BoundedSemaphore`."""

    kind = "semaphore"

    def __init__(self, label: str, cell: int, options: dict[str, Any], bounded: bool = False) -> None:
        super().__init__(label, cell)
        self.kind = "bounded_semaphore" if bounded else "semaphore"
        self.initial = options["value"]
        self.real = threading.BoundedSemaphore(self.initial) if bounded else threading.Semaphore(self.initial)

    def _took(self, me: Context) -> None:
        self.owner = me
        self.taken.add()

    def _take(self, me: Context, since: int, timeout: int | None) -> bool:
        return bool(self.real.acquire(True, None if timeout is None else timeout / 1e9))

    def release(self, me: Context, site: Site, n: Any) -> None:
        """Releases `n` permits."""
        if not isinstance(n, int) or n < 1:
            raise Fault("ValueError", "`n` of a release is one or more")
        if n > 1_000_000:
            raise Fault("OverflowError", "`n` of a release is at most 1,000,000")
        me.held_ns = 0
        for _ in range(n):
            self.given.add()
        try:
            self.real.release(n)
        except ValueError:
            for _ in range(n):
                self.refused.add()
            raise Fault("ValueError", f"`{self.label}` was released more often than acquired") from None

    def stuck(self, op: str, me: Context) -> bool:
        """Whether no permit is left and every acquisition is counted."""
        return bool(self.known_held() >= self.initial)

    def free(self, op: str, me: Context) -> None:
        """Adds a permit."""
        threading.Semaphore.release(self.real)  # not the bounded one's, which refuses more than it began with

    def held_by(self) -> list[str]:
        """Returns the thread that acquired last: permits have no owner, so no more is known."""
        return [f"{name} (last)" for name in super().held_by()]

    def figures(self) -> dict[str, Any]:
        """Returns the figures without hold times, as a permit has no owner."""
        return {key: value for key, value in super().figures().items() if key != "held"}
