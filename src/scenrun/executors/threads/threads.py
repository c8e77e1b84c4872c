"""Real threads, timers, pools and futures under a name: made, started, joined, cancelled."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter_ns as now
from typing import Any, Protocol

from scenrun.errors import Fault
from scenrun.executors.threads.context import SLICE_S, Context, Cut, Site
from scenrun.executors.threads.figures import Counter, Samples

_MOMENT_S = 0.0005
_CLAIMING = threading.Lock()


class Host(Protocol):
    """What these objects need of the run that they belong to."""

    def new_context(self, name: str, group: str, index: int, code: int, **more: Any) -> Context:
        """A context for a thread that is about to be started."""

    def enlist(self, context: Context) -> None:
        """The thread counts from now on."""

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

    def __str__(self) -> str:
        return self.context.name

    __repr__ = __str__

    def __deepcopy__(self, memo: Any) -> Handle:
        return self


class _Joinable:
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
            time.sleep(_MOMENT_S)  # its starter has not got so far yet
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
        time.sleep(_MOMENT_S)


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


class RealThread(_Joinable):
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
    except RuntimeError as error:
        context.ended = True
        raise Fault("RuntimeError", f"the system refused to start `{context.name}`: {error}") from None


class RealTask(_Joinable):
    """A task of a pool that the file declares as a thread."""

    kind = "task"

    def __init__(self, label: str, cell: int, context: Context, pool: RealPool) -> None:
        super().__init__(label, cell, context)
        self.pool = pool

    def start(self, me: Context, site: Site) -> None:
        """Submit it; it is submitted once."""
        if not claim(self.context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a task starts once")
        self.pool.submit_context(self.context)

    def _wait(self, slice_s: float) -> bool:
        if self.context.future is None:
            time.sleep(_MOMENT_S)  # its submitter has not got so far yet
        else:
            is_done(self.context.future, slice_s)
        return self.context.ended


class _Timer(threading.Timer):
    """A timer whose context ends with its thread, whether it fired or was cancelled."""

    def __init__(self, seconds: float, host: Host, context: Context) -> None:
        super().__init__(seconds, host.run_thread, (context,))
        self.owner = context
        self.name = context.name

    def run(self) -> None:
        """Wait, and fire unless cancelled."""
        super().run()
        self.owner.ended = True


class RealTimer(_Joinable):
    """A `threading.Timer`."""

    kind = "timer"

    def __init__(self, label: str, cell: int, context: Context, host: Host) -> None:
        super().__init__(label, cell, context)
        self.host = host

    def start(self, me: Context, site: Site, after: int, arguments: list[Any]) -> None:
        """Let the time begin; a timer starts once."""
        context = self.context
        if not claim(context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a timer starts once")
        context.real = timer = _Timer(after / 1e9, self.host, context)
        context.seen = site
        self.host.enlist(context)
        if context.cancelled:
            timer.cancel()
        timer.start()

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
        _Joinable(thread.context.name, -1, thread.context).join(me, site, timeout)


class _Answer:
    """A future's result, as something to wait for."""

    cell = -1

    def __init__(self, context: Context) -> None:
        self.context = context
        self.label = context.name

    def stuck(self, op: str, me: Context) -> bool:
        """Its task has not ended."""
        future = self.context.future
        return future is not None and not future.done()

    def free(self, op: str, me: Context) -> None:
        """Nothing to do: who waits for a future looks up by itself."""

    def held_by(self) -> list[str]:
        """The task."""
        return [self.context.name]


class Futures:
    """Asks and cancels the futures that locals hold."""

    def result(self, me: Context, site: Site, future: Any, timeout: int | None) -> Any:
        """Wait for the result; the task's fault is raised here."""
        context = _context_of(future)
        since = me.publish("future.result", _Answer(context), timeout, site)
        real = context.future
        assert real is not None
        done = wait_in_slices(me, None if timeout is None else since + timeout, lambda s: is_done(real, s))
        me.resume(since)
        if not done:
            raise Fault("TimeoutError", "")
        context.asked = True
        try:
            return real.result(0)
        except concurrent.futures.CancelledError:
            raise Fault("concurrent.futures.CancelledError", "") from None
        except Cut:
            raise Fault("concurrent.futures.CancelledError", "") from None

    def cancel(self, me: Context, site: Site, future: Any) -> bool:
        """Whether the task was kept from running."""
        context = _context_of(future)
        assert context.future is not None
        return context.future.cancel()

    def done(self, future: Any) -> bool:
        """Whether it has a result, or was cancelled."""
        real = _context_of(future).future
        return real is not None and real.done()

    def running(self, future: Any) -> bool:
        """Whether its task is running."""
        real = _context_of(future).future
        return real is not None and real.running()

    def cancelled(self, future: Any) -> bool:
        """Whether it was cancelled."""
        real = _context_of(future).future
        return real is not None and real.cancelled()

    def is_alive(self, thread: Any) -> bool:
        """Whether a thread that a local holds is alive."""
        if not isinstance(thread, Handle):
            raise Fault("TypeError", "`is_alive()` is asked of a thread")
        return thread.context.is_live


def is_done(future: Future[Any], slice_s: float) -> bool:
    """Wait so long for a future to have its result, or to be cancelled."""
    try:
        future.exception(slice_s)
    except TimeoutError:
        return future.done()
    except concurrent.futures.CancelledError:
        return True
    return True


def _context_of(future: Any) -> Context:
    if not isinstance(future, Handle) or future.context.future is None:
        raise Fault("TypeError", "a future is expected, as `submit` gives it")
    return future.context


def _note_cancelled(context: Context, future: Future[Any]) -> None:
    """A task that was cancelled has ended, whoever cancelled it and whenever."""
    if future.cancelled():
        context.cancelled = context.ended = True


class RealPool:
    """A `concurrent.futures.ThreadPoolExecutor`."""

    kind = "pool"

    def __init__(self, label: str, cell: int, options: dict[str, Any], host: Host) -> None:
        self.label = label
        self.cell = cell
        self.host = host
        self.max_workers: int = options["max_workers"]
        self.real = ThreadPoolExecutor(self.max_workers, thread_name_prefix=label)
        self._tasks: list[Context] = []
        self._listing = threading.Lock()
        self.submitted = Counter()
        self.queued = Samples()
        self.served = Samples()

    def submit(self, me: Context, site: Site, arguments: list[Any]) -> Handle:
        """Hand it a task."""
        instruction = site.instruction
        assert instruction.code is not None
        number = self.host.next_number(self.label)
        context = self.host.new_context(
            f"{self.label}#{number}", str(instruction.option("target")), number, instruction.code,
            arguments=tuple(arguments), pool=self,
        )  # fmt: skip
        self.submit_context(context)
        return Handle(context)

    def submit_context(self, context: Context) -> None:
        """Hand it the task of a context."""
        context.started = True
        submitted = now()
        self.host.enlist(context)
        with self._listing:
            self._tasks.append(context)
        try:
            context.future = self.real.submit(self._run, context, submitted)
        except RuntimeError:
            context.ended = context.cancelled = True
            raise Fault("RuntimeError", f"`{self.label}` was shut down and takes no more tasks") from None
        context.future.add_done_callback(lambda future: _note_cancelled(context, future))
        self.submitted.add()

    def _run(self, context: Context, submitted: int) -> Any:
        began = now()
        self.queued.add(began - submitted)
        try:
            return self.host.run_task(context)
        finally:
            self.served.add(now() - began)

    def shutdown(self, me: Context, site: Site, wait: bool, cancel_futures: bool) -> None:
        """Close it to new tasks, and wait for those it has, if told to."""
        self.real.shutdown(wait=False, cancel_futures=cancel_futures)
        if not wait:
            return
        if me.pool is self:
            raise Fault("RuntimeError", f"a task of `{self.label}` cannot wait for its own pool to shut down")
        since = me.publish("pool.shutdown", self, None, site)
        wait_in_slices(me, None, self._wait)
        me.resume(since)

    def _wait(self, slice_s: float) -> bool:
        for thread in list(self.real._threads):
            thread.join(slice_s)
            if thread.is_alive():
                return False
        return True

    def unfinished(self) -> list[Context]:
        """Tasks that have not ended."""
        with self._listing:
            self._tasks = [context for context in self._tasks if not context.ended]
            return self._tasks.copy()

    def stuck(self, op: str, me: Context) -> bool:
        """Tasks have not ended."""
        return bool(self.unfinished())

    def free(self, op: str, me: Context) -> None:
        """Nothing to do: who waits for a pool looks up by itself."""

    def held_by(self) -> list[str]:
        """The tasks that have not ended."""
        return [context.name for context in self.unfinished()]

    def figures(self) -> dict[str, Any]:
        """The figures of the run's summary."""
        return {
            "kind": self.kind,
            "tasks": self.submitted.value,
            "queued": self.queued.summary(),
            "served": self.served.summary(),
        }

    def fold(self) -> None:
        """Take the samples into the histograms."""
        self.queued.fold()
        self.served.fold()
