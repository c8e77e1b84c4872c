"""Wraps `threading.Thread` and `Timer`: starts, joins and cancels them, declared or spawned while running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from time import perf_counter_ns as now
from typing import Any, Protocol

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.execution.threads.context import SLICE_S, Context, Cut
from scenrun.program.primitives.thread import NO_TIMER, SPAWNED

MOMENT_S = 0.0005
"""Seconds to wait for another thread to get a few instructions further."""
_CLAIMING = threading.Lock()


class Host(Protocol):
    """The part of the run that threads, timers and pools call."""

    began_ns: int
    """The moment at which main was started."""

    def new_context(self, name: str, group: str, index: int, code: int, **more: Any) -> Context:
        """Makes a context for a thread that is about to be started."""

    def enlist(self, context: Context) -> None:
        """Adds a thread to those that the run waits for."""

    def withdraw(self, context: Context) -> None:
        """Removes a thread that could not be started."""

    def has_ended(self, context: Context) -> None:
        """Marks a thread as ended."""

    @property
    def is_exiting(self) -> bool:
        """Whether main has ended, so that pools accept no more tasks."""

    def run_thread(self, context: Context) -> None:
        """Runs a thread from its first step to its end."""

    def run_task(self, context: Context) -> Any:
        """Runs a pool task from its first step to its end; returns its result or raises its fault."""

    def next_number(self, prefix: str) -> int:
        """Returns the next number for a thread made while running, from 0 for each prefix."""

    def timer_made(self, made: RealTimer) -> None:
        """Called with a timer that is made while running, before it is started."""


class Handle:
    """A thread or future as a value that a local holds."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def label(self) -> str:
        """The thread's name."""
        return self.context.name

    def __str__(self) -> str:
        return self.context.name

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and other.context is self.context

    def __hash__(self) -> int:
        return hash(self.context)

    def __deepcopy__(self, memo: Any) -> Handle:
        return self


class Joinable:
    """A thread, task or timer that others can join."""

    kind = "thread"

    def __init__(self, label: str, cell: int, context: Context) -> None:
        self.label = label
        self.cell = cell
        self.context = context

    def is_alive(self) -> bool:
        """Whether the thread was started and has not ended."""
        return self.context.is_live

    def join(self, me: Context, site: Site, timeout: int | None) -> None:
        """Waits until the thread has ended or the timeout (in nanoseconds) has passed."""
        if self.context is me:
            raise Fault("RuntimeError", "a thread cannot join itself")
        if not self.context.started:
            raise Fault("RuntimeError", f"join of `{self.label}`, which was never started")
        if self.context.ended:
            me.waited_ns = 0
            return
        since = me.publish("thread.join", self, timeout, site)
        wait_in_slices(me, None if timeout is None else since + timeout, self._wait)
        me.resume(since)

    def _wait(self, slice_s: float) -> bool:
        real = self.context.real
        if real is None or real.ident is None:
            time.sleep(MOMENT_S)  # marked as started, but the real thread is not made yet
        elif not self.context.ended:
            _join_real(real, slice_s)
        return self.context.ended

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the thread has not ended."""
        return not self.context.ended

    def free(self, op: str, me: Context) -> None:
        """Does nothing: a joining thread checks by itself whether it is cut off."""

    def held_by(self) -> list[str]:
        """Returns the name of the thread that is waited for."""
        return [self.context.name]


def _join_real(real: threading.Thread, slice_s: float) -> None:
    try:
        real.join(slice_s)
    except RuntimeError:  # the thread has an identity, but does not run yet
        time.sleep(MOMENT_S)


def claim(context: Context) -> bool:
    """Marks the context as started; returns False if it was already."""
    with _CLAIMING:
        first, context.started = not context.started, True
    return first


def wait_in_slices(me: Context, deadline: int | None, wait: Callable[[float], bool]) -> bool:
    """Waits in slices until `wait` returns True, the deadline has passed, or the thread is cut off; True in the first case.

    `deadline` is in nanoseconds of `perf_counter_ns`; `wait` takes the length of a slice in seconds.
    """
    while not me.cut:
        left = SLICE_S if deadline is None else min(SLICE_S, max(0, deadline - now()) / 1e9)
        if wait(left):
            return True
        if deadline is not None and now() >= deadline:
            return False
        if me.coming is not None:
            me.coming.while_waiting()
    return False


class RealThread(Joinable):
    """A `threading.Thread`."""

    def __init__(self, label: str, cell: int, context: Context, host: Host) -> None:
        super().__init__(label, cell, context)
        self.host = host

    def start(self, me: Context, site: Site) -> None:
        """Starts the thread; raises a RuntimeError fault the second time."""
        if not claim(self.context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a thread starts once")
        start_thread(self.host, self.context)


def start_thread(host: Host, context: Context) -> None:
    """Makes the real thread of a context and starts it."""
    context.started = True
    context.real = threading.Thread(target=host.run_thread, args=(context,), name=context.name, daemon=context.daemon)
    host.enlist(context)  # before it runs: the run must not look finished while the thread starts
    try:
        context.real.start()
    except (RuntimeError, MemoryError) as error:
        host.withdraw(context)
        raise Fault("RuntimeError", f"the system refused to start `{context.name}`: {error}") from None


class _Timer(threading.Timer):
    """A timer that marks its context as ended when its thread ends, whether it fired or was cancelled."""

    def __init__(self, seconds: float, host: Host, context: Context, made: RealTimer) -> None:
        super().__init__(seconds, host.run_thread, (context,))
        self.owner = context
        self.made = made
        self.name = context.name
        self.daemon = context.daemon

    def run(self) -> None:
        """Waits, and fires unless cancelled."""
        try:
            self.made.about_to_begin(self)
            super().run()
        except Cut:
            pass
        self.made.host.has_ended(self.owner)
        self.made.when_over()


class RealTimer(Joinable):
    """A `threading.Timer`."""

    kind = "timer"

    def __init__(self, label: str, cell: int, context: Context, host: Host) -> None:
        super().__init__(label, cell, context)
        self.host = host
        self.about_to_begin: Callable[[threading.Timer], object] = lambda timer: None
        """Called on the timer's thread before its delay begins."""
        self.when_over: Callable[[], object] = lambda: None
        """Called when the timer's code has run or the timer was cancelled."""

    def start(self, me: Context, site: Site, after: int, arguments: list[Any]) -> None:
        """Starts the timer, which fires after `after` nanoseconds; raises a RuntimeError fault the second time."""
        context = self.context
        if not claim(context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a timer starts once")
        context.real = timer = _Timer(after / 1e9, self.host, context, self)
        context.seen = site
        self.host.enlist(context)
        if context.cancelled:  # also by a thread that did so before `real` was set, and found no timer to cancel
            timer.cancel()
        try:
            timer.start()
        except (RuntimeError, MemoryError) as error:
            self.host.withdraw(context)
            raise Fault("RuntimeError", f"the system refused to start `{context.name}`: {error}") from None

    def cancel(self, me: Context, site: Site) -> None:
        """Keeps the timer from firing, if it has not fired yet."""
        cancel_timer(self.context)


def cancel_timer(context: Context) -> None:
    """Cancels a timer; if it has not fired, its thread ends at once."""
    context.cancelled = True
    if isinstance(context.real, threading.Timer):
        context.real.cancel()


class Spawner:
    """Spawns threads while running and joins those that locals hold."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def spawn(self, me: Context, site: Site, arguments: list[Any]) -> Handle:
        """Makes and starts a thread; returns its handle."""
        context = self._made(site, arguments)
        start_thread(self.host, context)
        return Handle(context)

    def _made(self, site: Site, arguments: list[Any]) -> Context:
        """The context of a new thread, named after its behaviour, with a number."""
        instruction = site.instruction
        target = str(instruction.option("target"))
        number = self.host.next_number(target)
        assert instruction.code is not None
        return self.host.new_context(
            f"{target}#{number}", target, number, instruction.code,
            daemon=bool(instruction.option("daemon")), arguments=tuple(arguments),
        )  # fmt: skip

    def spawn_later(self, me: Context, site: Site, after: int, arguments: list[Any]) -> Handle:
        """Makes and starts a timer that begins after `after` nanoseconds; returns its handle."""
        context = self._made(site, arguments)
        timer = RealTimer(context.name, -1, context, self.host)
        self.host.timer_made(timer)
        timer.start(me, site, after, arguments)
        return Handle(context)

    def cancel(self, me: Context, site: Site, thread: Any) -> None:
        """Keeps a timer that a local holds from beginning, if it has not begun yet."""
        if not isinstance(thread, Handle) or thread.context.future is not None:
            raise Fault("TypeError", SPAWNED.mistaken)
        if not isinstance(thread.context.real, threading.Timer):
            raise Fault("AttributeError", NO_TIMER)
        cancel_timer(thread.context)

    def join(self, me: Context, site: Site, thread: Any, timeout: int | None) -> None:
        """Waits for a spawned thread that a local holds; `timeout` is in nanoseconds."""
        if not isinstance(thread, Handle) or thread.context.future is not None:
            raise Fault("TypeError", SPAWNED.mistaken)
        Joinable(thread.context.name, -1, thread.context).join(me, site, timeout)
