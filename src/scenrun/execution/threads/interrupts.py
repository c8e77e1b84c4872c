"""Interrupts on real threads: code that comes between two steps of a thread, or while it waits, on the thread's own stack.

Python's own signal handlers come in the main thread of a process alone, and finalizers when an object is freed; here what
comes is called by the thread itself, at a moment that the seed decides. A thread that waits looks after each slice of its
wait, which needs a wait that can be left and gone on with: that of `threading.Condition` is done here in its parts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter_ns as now
from typing import Any

from scenrun.execution.site import Site
from scenrun.execution.threads.context import SLICE_S, Context, current
from scenrun.program.draws import Draws
from scenrun.program.ir import Interrupt

LATEST = 64
"""The most steps that a thread makes before an interrupt comes, unless it waits by then."""

Come = Callable[[Context, Interrupt, Site], None]
"""Runs an interrupt in a thread that is at this step."""


class Arrivals:
    """The interrupts that are still to come in a thread."""

    def __init__(self, me: Context, interrupts: Iterable[Interrupt], seed: int, come: Come) -> None:
        """seed: of the run. come: runs one."""
        draws = Draws(seed, f"{me.name} is interrupted")
        every = [one for one in interrupts for _ in range(one.times)]
        self._left = sorted(((_moment(draws), one) for one in every), key=lambda pair: pair[0])
        self._me, self._come = me, come
        self._steps = 0
        self._is_busy = False

    def __bool__(self) -> bool:
        """Whether one may come now: none comes in another."""
        return bool(self._left) and not self._is_busy

    def before(self, site: Site) -> None:
        """Called before each step of the thread."""
        if self._is_busy:
            return
        self._steps += 1
        while self._left and self._left[0][0] < self._steps:
            self._next(site)

    def while_waiting(self) -> None:
        """Called after each slice of a wait: whoever waits that long is interrupted now, as it may make no more steps."""
        if self._left and not self._is_busy and not self._me.cut and self._me.wait is not None:
            self._next(self._me.wait.site)

    def _next(self, site: Site) -> None:
        _, interrupt = self._left.pop(0)
        self._is_busy = True
        try:
            with kept_waiting(self._me):
                self._come(self._me, interrupt, site)
        finally:
            self._is_busy = False


@contextmanager
def kept_waiting(me: Context) -> Iterator[None]:
    """What an interrupt comes into is the same after it."""
    kept = me.wait, me.seen, me.waiter, me.fault, me.waited_ns
    try:
        yield
    finally:
        me.wait, me.seen, me.waiter, me.fault, me.waited_ns = kept


def _moment(draws: Draws) -> int:
    """After how many steps an interrupt comes: near the beginning as often as far behind it."""
    return draws.randint(0, 2 ** draws.randint(0, LATEST.bit_length() - 1))


class InterruptibleCondition(threading.Condition):
    """A condition whose `wait` lets interrupts come between its slices; otherwise that of `threading`, in its parts."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits as `threading.Condition.wait`; interrupts come while the lock is given up."""
        me = current()
        if me.coming is None:
            return super().wait(timeout)
        inner: Any = self  # with the attributes that `threading` keeps to itself
        if not inner._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = threading.Lock()
        waiter.acquire()
        inner._waiters.append(waiter)
        saved = inner._release_save()
        woken = False
        try:
            woken = acquired_in_slices(me, waiter, timeout)
        finally:
            inner._acquire_restore(saved)
            if not woken:
                with suppress(ValueError):
                    inner._waiters.remove(waiter)
        return woken


def acquired_in_slices(me: Context, lock: Any, timeout: float | None) -> bool:
    """Acquires a lock in slices, between which interrupts come; False once the time is up, or the thread is cut off."""
    deadline = None if timeout is None else now() + int(timeout * 1e9)
    while True:
        left = SLICE_S if deadline is None else min(SLICE_S, max(0.0, (deadline - now()) / 1e9))
        if lock.acquire(True, left):
            return True
        if me.cut or (deadline is not None and now() >= deadline):
            return False
        me.coming.while_waiting()


def make_interruptible(objects: Iterable[Any]) -> None:
    """Let interrupts come in the waits for these real objects that have conditions inside."""
    for made in objects:
        for condition in _conditions_of(getattr(made, "real", None)):
            condition.__class__ = InterruptibleCondition


def _conditions_of(real: Any) -> Iterator[threading.Condition]:
    """The conditions that a real object is, or is made of."""
    if isinstance(real, threading.Condition):
        yield real
    elif hasattr(real, "__dict__"):
        yield from (part for part in vars(real).values() if isinstance(part, threading.Condition))
