"""Real locks and semaphores under a name: timed, counted, and known to be held for certain or not."""

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
    """What locks and semaphores have in common: how often taken and given back, and how long it took.

    A release is counted before it is done, an acquisition after. So `taken - given` never exceeds the number that is
    really held; where the two agree, no thread can be between having acquired and having said so.
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
        """Take it; False where it was not to be had (in time)."""
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
        """Take it if that takes no waiting."""
        return bool(self.real.acquire(False))

    def _wait(self, me: Context, site: Site, timeout: int | None) -> bool:
        """Publish, wait, and count; False where the time was up."""
        self.contended.add()
        since = me.publish(f"{self.kind}.acquire", self, timeout, site)
        got = self._take(me, since, timeout)
        self.waited.add(me.resume(since))
        return got

    def _take(self, me: Context, since: int, timeout: int | None) -> bool:
        return bool(self.real.acquire(True, seconds(timeout)))

    @abstractmethod
    def _took(self, me: Context) -> None:
        """Note that this thread has it."""

    @abstractmethod
    def stuck(self, op: str, me: Context) -> bool:
        """Whether a wait for it surely cannot end as things are."""

    @abstractmethod
    def free(self, op: str, me: Context) -> None:
        """End a wait for it, whatever that does to it."""

    def known_held(self) -> int:
        """How many are held for certain: read in this order, the number is never too large."""
        refused = self.refused.value
        taken = self.taken.value
        return taken + refused - self.given.value

    def held_by(self) -> list[str]:
        """The owner's name, as far as it is known."""
        owner = self.owner
        return [owner.name if isinstance(owner, Context) else owner] if owner is not None else []

    def figures(self) -> dict[str, Any]:
        """The figures of the run's summary."""
        return {
            "kind": self.kind,
            "acquisitions": self.taken.value,
            "contended": self.contended.value,
            "waited": self.waited.summary(),
            "held": self.held.summary(),
        }

    def fold(self) -> None:
        """Take the samples into the histograms."""
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
        """Give it back, whoever holds it."""
        me.held_ns = now() - self.since_ns
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
        """Held, and every acquisition accounted for."""
        return self.known_held() + self.initially >= 1

    def free(self, op: str, me: Context) -> None:
        """Release it; the next waiter leaves, and the one after it is freed in its turn."""
        try:
            self.real.release()
        except RuntimeError:
            return

    # what a condition needs of its lock

    def is_held(self) -> bool:
        """Whether anybody holds it."""
        return bool(self.real.locked())

    def is_owned(self) -> bool:
        """Over a plain lock, a condition can tell only whether anybody holds it."""
        return self.is_held()

    def give_up(self, me: Context) -> int:
        """Release it for a wait; the number of times to take it again."""
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
        """Take it again after a wait."""
        if not self.real.acquire(False):
            me.publish(f"{self.kind}.acquire", self, None, site)
            self.real.acquire()
            me.wait = None
            if me.cut:
                raise Cut
        self._took(me)


class RealRLock(_Counted):
    """A `threading.RLock`: only its owner can release it, so who waits for it looks up now and then.

    CPython knows an owner by its thread's identity, which the system may give to a later thread once the owner has ended;
    tasks of one worker share theirs. Then the lock would belong to somebody else by chance. Here it does not: a lock whose
    owner has ended without giving it back stays held for ever.
    """

    kind = "rlock"

    def __init__(self, label: str, cell: int, options: dict[str, Any]) -> None:
        super().__init__(label, cell)
        self.real = threading.RLock()
        self.depth = 0

    def _try(self, me: Context) -> bool:
        return bool(self.real.acquire(False)) and self._is_mine(me)

    def _is_mine(self, me: Context) -> bool:
        """Whether what was just acquired may be kept: not where it was acquired once more in the name of a dead owner."""
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
                time.sleep(left)
            if deadline is not None and now() >= deadline:
                return False
        return False

    def _took(self, me: Context) -> None:
        self.depth += 1
        if self.depth == 1:
            self.owner = me
            self.since_ns = now()
        self.taken.add()

    def release(self, me: Context, site: Site) -> None:
        """Give it back once; the last time, it is free."""
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
        """Held by another, and every acquisition accounted for."""
        return self.known_held() >= 1 and self.owner is not me

    def free(self, op: str, me: Context) -> None:
        """Nothing to do: who waits looks up by itself."""

    def is_held(self) -> bool:
        """Whether anybody holds it."""
        return self.owner is not None

    def is_owned(self) -> bool:
        """Whether the calling thread owns it."""
        return self.owner is current()

    def give_up(self, me: Context) -> int:
        """Release it as often as it was taken, for a wait."""
        times, self.depth = self.depth, 0
        self.held.add(now() - self.since_ns)
        self.owner = None
        for _ in range(times):
            self.given.add()
        for _ in range(times):
            self.real.release()
        return times

    def take_again(self, me: Context, times: int, site: Site) -> None:
        """Take it again after a wait, as often as before."""
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
        """Give permits back."""
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
        """No permit left, and every acquisition accounted for."""
        return bool(self.known_held() >= self.initial)

    def free(self, op: str, me: Context) -> None:
        """One more permit."""
        threading.Semaphore.release(self.real)

    def held_by(self) -> list[str]:
        """Permits have no owner; the last who took one is the best that is known."""
        return [f"{name} (last)" for name in super().held_by()]

    def figures(self) -> dict[str, Any]:
        """Without times held, as a permit is nobody's."""
        return {key: value for key, value in super().figures().items() if key != "held"}
