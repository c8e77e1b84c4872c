"""Real threads and timers under a name: made, started, joined, cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from time import perf_counter_ns as now
from typing import Any, Protocol

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.execution.threads.context import SLICE_S, Context, Cut

MOMENT_S = 0.0005
"""How long to wait for another thread to get a few instructions further."""
_CLAIMING = threading.Lock()


class Host(Protocol):
    """What these objects need of the run that they belong to."""

    def new_context(self, name: str, group: str, index: int, code: int, **more: Any) -> Context:
        """A context for a thread that is about to be started."""

    def enlist(self, context: Context) -> None:
        """The thread counts from now on."""

    def withdraw(self, context: Context) -> None:
        """The thread could not be started after all."""

    def has_ended(self, context: Context) -> None:
        """The thread counts no more."""

    @property
    def is_exiting(self) -> bool:
        """Whether main has ended, so that pools take no more tasks."""

    def run_thread(self, context: Context) -> None:
        """A thread's whole life."""

    def run_task(self, context: Context) -> Any:
        """A pool task's whole life; gives its result or raises its fault."""

    def next_number(self, prefix: str) -> int:
        """Numbers the threads that are made while running, from 0 for each prefix."""


class Handle:
    """A thread or future as a value of the scenario."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def label(self) -> str:
        """What it is called."""
        return self.context.name

    def __str__(self) -> str:
        return self.context.name

    __repr__ = __str__

    def __deepcopy__(self, memo: Any) -> Handle:
        return self


class Joinable:
    """Something whose end can be waited for."""

    kind = "thread"

    def __init__(self, label: str, cell: int, context: Context) -> None:
        self.label = label
        self.cell = cell
        self.context = context

    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self.context.is_live

    def join(self, me: Context, site: Site, timeout: int | None) -> None:
        """Wait until it has ended."""
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
            time.sleep(MOMENT_S)  # its starter has not got so far yet
        elif not self.context.ended:
            _join_real(real, slice_s)
        return self.context.ended

    def stuck(self, op: str, me: Context) -> bool:
        """It has not ended."""
        return not self.context.ended

    def free(self, op: str, me: Context) -> None:
        """Nothing to do: who waits for a thread looks up by itself."""

    def held_by(self) -> list[str]:
        """The thread that is waited for."""
        return [self.context.name]


def _join_real(real: threading.Thread, slice_s: float) -> None:
    try:
        real.join(slice_s)
    except RuntimeError:  # it has an identity, but does not run yet
        time.sleep(MOMENT_S)


def claim(context: Context) -> bool:
    """Whether the caller is the one who starts it."""
    with _CLAIMING:
        first, context.started = not context.started, True
    return first


def wait_in_slices(me: Context, deadline: int | None, wait: Callable[[float], bool]) -> bool:
    """Wait in pieces until `wait` says that it is over, the deadline has passed, or the thread is to leave."""
    while not me.cut:
        left = SLICE_S if deadline is None else min(SLICE_S, max(0, deadline - now()) / 1e9)
        if wait(left):
            return True
        if deadline is not None and now() >= deadline:
            return False
    return False


class RealThread(Joinable):
    """A `threading.Thread`."""

    def __init__(self, label: str, cell: int, context: Context, host: Host) -> None:
        super().__init__(label, cell, context)
        self.host = host

    def start(self, me: Context, site: Site) -> None:
        """Start it; a thread starts once."""
        if not claim(self.context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a thread starts once")
        start_thread(self.host, self.context)


def start_thread(host: Host, context: Context) -> None:
    """Make the real thread of a context and start it."""
    context.started = True
    context.real = threading.Thread(target=host.run_thread, args=(context,), name=context.name, daemon=context.daemon)
    host.enlist(context)
    try:
        context.real.start()
    except (RuntimeError, MemoryError) as error:
        host.withdraw(context)
        raise Fault("RuntimeError", f"the system refused to start `{context.name}`: {error}") from None


class _Timer(threading.Timer):
    """A timer whose context ends with its thread, whether it fired or was cancelled."""

    def __init__(self, seconds: float, host: Host, context: Context, made: RealTimer) -> None:
        super().__init__(seconds, host.run_thread, (context,))
        self.owner = context
        self.made = made
        self.name = context.name

    def run(self) -> None:
        """Wait, and fire unless cancelled."""
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
        """Called on the timer's thread, before its time begins."""
        self.when_over: Callable[[], object] = lambda: None
        """Called when it has fired, or will not any more."""

    def start(self, me: Context, site: Site, after: int, arguments: list[Any]) -> None:
        """Let the time begin; a timer starts once."""
        context = self.context
        if not claim(context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a timer starts once")
        context.real = timer = _Timer(after / 1e9, self.host, context, self)
        context.seen = site
        self.host.enlist(context)
        if context.cancelled:
            timer.cancel()
        try:
            timer.start()
        except (RuntimeError, MemoryError) as error:
            self.host.withdraw(context)
            raise Fault("RuntimeError", f"the system refused to start `{context.name}`: {error}") from None

    def cancel(self, me: Context, site: Site) -> None:
        """Keep it from running, if it has not fired yet."""
        cancel_timer(self.context)


def cancel_timer(context: Context) -> None:
    """Cancel a timer; if it has not fired, its thread ends at once."""
    context.cancelled = True
    if isinstance(context.real, threading.Timer):
        context.real.cancel()


class Spawner:
    """Makes threads while running, and waits for those that locals hold."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def spawn(self, me: Context, site: Site, arguments: list[Any]) -> Handle:
        """Make and start a thread."""
        instruction = site.instruction
        target = str(instruction.option("target"))
        number = self.host.next_number(target)
        assert instruction.code is not None
        context = self.host.new_context(
            f"{target}#{number}", target, number, instruction.code,
            daemon=bool(instruction.option("daemon")), arguments=tuple(arguments),
        )  # fmt: skip
        start_thread(self.host, context)
        return Handle(context)

    def join(self, me: Context, site: Site, thread: Any, timeout: int | None) -> None:
        """Wait for a thread that a local holds."""
        if not isinstance(thread, Handle) or thread.context.future is not None:
            raise Fault("TypeError", "`join` needs a thread that `spawn` made")
        Joinable(thread.context.name, -1, thread.context).join(me, site, timeout)
