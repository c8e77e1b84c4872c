"""Wraps `concurrent.futures.Future`: those of pools, which locals hold, and those that the file itself completes.

Callbacks are steps of whoever completes a future, so they are kept here beside the real future and handed to that thread,
which runs them one after another, as `Future._invoke_callbacks` does.
"""

from __future__ import annotations

import concurrent.futures
import time
from concurrent.futures import Future
from typing import Any

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context, Cut
from scenrun.execution.threads.threads import MOMENT_S, Handle, wait_in_slices
from scenrun.program.primitives.future import ALL, EXCEPTION, FIRST, NO_THREAD, NOW
from scenrun.program.primitives.own_future import INVALID
from scenrun.program.primitives.registry import several
from scenrun.program.primitives.thread import SPAWNED
from scenrun.trace.histogram import Samples

Called = tuple[tuple[Any, ...], ...]
"""Callbacks: for each the number of the step that added it, and the arguments."""


class _Answer:
    """A future's result, as an object to wait for."""

    cell = -1

    def __init__(self, context: Context) -> None:
        self.context = context
        self.label = context.name

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the task has not ended."""
        future = self.context.future
        return future is not None and not future.done()

    def free(self, op: str, me: Context) -> None:
        """Does nothing: a thread that waits for a future checks by itself whether it is cut off."""

    def held_by(self) -> list[str]:
        """Returns the name of the task."""
        return [self.context.name]


class _Several:
    """Several futures, as an object to wait for."""

    cell = -1

    def __init__(self, contexts: list[Context], when: str) -> None:
        self.contexts = contexts
        self.label = several([context.name for context in contexts])
        self._when = when

    def done(self, slice_s: float = 0.0) -> list[Context]:
        """Waits up to `slice_s` seconds for enough of them; returns those that are done."""
        real = {context.future: context for context in self.contexts}
        when, slice_s = (ALL, 0.0) if self._when == NOW else (self._when, slice_s)
        done, _ = concurrent.futures.wait(real, slice_s, when.upper())  # type: ignore[arg-type]
        return [context for future, context in real.items() if future in done]

    def is_enough(self, done: list[Context]) -> bool:
        """Whether those that are done are enough."""
        if self._when == NOW or len(done) == len(self.contexts):
            return True
        if self._when == FIRST:
            return bool(done)
        return self._when == EXCEPTION and any(_has_failed(context) for context in done)

    def stuck(self, op: str, me: Context) -> bool:
        """Whether not enough of them are done."""
        return not self.is_enough(self.done())

    def free(self, op: str, me: Context) -> None:
        """Does nothing: a thread that waits for futures checks by itself whether it is cut off."""

    def held_by(self) -> list[str]:
        """Returns the names of the tasks that are not done."""
        done = self.done()
        return [context.name for context in self.contexts if context not in done]


def _has_failed(context: Context) -> bool:
    future = context.future
    return future is not None and not future.cancelled() and future.exception(0) is not None


class RealFutures:
    """Queries, awaits and cancels the futures that locals hold."""

    def result(self, me: Context, site: Site, future: Any, timeout: int | None) -> Any:
        """Waits for the result, for at most `timeout` nanoseconds; raises the task's fault."""
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
        """Cancels the task; returns False if it has begun already."""
        context = _context_of(future)
        assert context.future is not None
        return context.future.cancel()

    def withdraw(self, me: Context, site: Site, future: Any) -> tuple[bool, Called]:
        """Cancels the task: whether it is cancelled, and the callbacks that are to run now."""
        context = _context_of(future)
        assert context.future is not None
        return _cancelled(context.future, context.callbacks)

    def add_callback(self, me: Context, site: Site, future: Any, given: list[Any]) -> bool:
        """Adds a callback; returns True where the future is done, so that it is to run at once."""
        context = _context_of(future)
        assert context.future is not None
        return _added(context.future, context.callbacks, given)

    def wait(self, me: Context, site: Site, futures: list[Any], when: str, timeout: int | None) -> list[Handle]:
        """Waits for enough of several futures, for at most `timeout` nanoseconds; returns those that are done."""
        return [Handle(context) for context in self._wait(me, site, "future.wait", futures, when, timeout)]

    def next(self, me: Context, site: Site, futures: list[Any], timeout: int | None, total: int) -> list[Handle]:
        """Waits until one of several futures is done; returns all that are, in the order in which they were."""
        done = self._wait(me, site, "future.next", futures, FIRST, timeout)
        if not done:
            raise Fault("TimeoutError", f"{len(futures)} (of {total}) futures unfinished")
        return [Handle(context) for context in sorted(done, key=lambda context: context.pool.place_of(context))]

    @staticmethod
    def _wait(me: Context, site: Site, op: str, futures: list[Any], when: str, timeout: int | None) -> list[Context]:
        about = _Several([_context_of(future) for future in futures], when)
        since = me.publish(op, about, timeout, site)
        found: list[Context] = []

        def wait(slice_s: float) -> bool:
            found[:] = about.done(slice_s)
            return about.is_enough(found)

        wait_in_slices(me, None if timeout is None else since + timeout, wait)
        me.resume(since)
        return found

    def finish(self, me: Context, site: Site, future: Any, result: Any, fault: Fault | None) -> Called:
        """Completes the future of the calling task before its worker runs the callbacks, which are returned."""
        while me.future is None:  # submitted, but the thread that did so has not noted it yet
            time.sleep(MOMENT_S)
        called = _completed(me.future, me.callbacks, result, fault)
        me.future.set_result = me.future.set_exception = _completed_already  # type: ignore[method-assign,assignment]
        return called

    def done(self, future: Any) -> bool:
        """Whether the future has a result or was cancelled."""
        real = _context_of(future).future
        return real is not None and real.done()

    def running(self, future: Any) -> bool:
        """Whether the task is running."""
        real = _context_of(future).future
        return real is not None and real.running()

    def cancelled(self, future: Any) -> bool:
        """Whether the future was cancelled."""
        real = _context_of(future).future
        return real is not None and real.cancelled()

    def is_alive(self, thread: Any) -> bool:
        """Whether a thread or task that a local holds was started and has not ended."""
        if not isinstance(thread, Handle):
            raise Fault("TypeError", NO_THREAD)
        return thread.context.is_live


def is_done(future: Future[Any], slice_s: float) -> bool:
    """Waits up to `slice_s` seconds; returns whether the future has a result or was cancelled."""
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


def held(handle: Any, op: str) -> None:
    """Raises a TypeError fault if the handle is not of the kind that the operation needs, as the operation itself does."""
    if isinstance(handle, list):
        for one in handle:
            _context_of(one)
    elif op.endswith("is_alive"):
        if not isinstance(handle, Handle):
            raise Fault("TypeError", NO_THREAD)
    elif op.startswith("future"):
        _context_of(handle)
    elif not isinstance(handle, Handle) or handle.context.future is not None:
        raise Fault("TypeError", SPAWNED.mistaken)


def _completed(real: Future[Any], callbacks: list[Any], result: Any, fault: Fault | None) -> Called:
    with real._condition:
        if fault is None:
            real.set_result(result)
        else:
            real.set_exception(fault)
        return _taken(callbacks)


def _cancelled(real: Future[Any], callbacks: list[Any]) -> tuple[bool, Called]:
    with real._condition:
        before = real.cancelled()
        is_cancelled = real.cancel()
        return is_cancelled, _taken(callbacks) if is_cancelled and not before else ()


def _added(real: Future[Any], callbacks: list[Any], given: list[Any]) -> bool:
    with real._condition:
        if real.done():
            return True
        callbacks.append(tuple(given))
        return False


def _taken(callbacks: list[Any]) -> Called:
    taken = tuple(callbacks)
    callbacks.clear()
    return taken


def _completed_already(_: Any) -> None:
    """What the pool's worker does with the future of a task that has completed it itself."""


class RealOwnFuture:
    """A `concurrent.futures.Future` that steps of the file complete."""

    kind = "own_future"

    def __init__(self, label: str, cell: int) -> None:
        self.label = label
        self.cell = cell
        self.real: Future[Any] = Future()
        self._callbacks: list[Any] = []
        self.waited = Samples()

    def set_result(self, me: Context, site: Site, value: Any) -> Called:
        """Completes it with a result; returns the callbacks."""
        return self._complete(value, None)

    def set_exception(self, me: Context, site: Site, fault: Fault) -> Called:
        """Completes it with an exception; returns the callbacks."""
        return self._complete(None, fault)

    def _complete(self, value: Any, fault: Fault | None) -> Called:
        try:
            return _completed(self.real, self._callbacks, value, fault)
        except concurrent.futures.InvalidStateError:
            status = "cancelled" if self.real.cancelled() else "finished"
            raise Fault(INVALID, f"`{self.label}` is {status} already") from None

    def cancel(self, me: Context, site: Site) -> tuple[bool, Called]:
        """Cancels it: whether it is cancelled, and the callbacks that are to run now."""
        return _cancelled(self.real, self._callbacks)

    def add_callback(self, me: Context, site: Site, given: list[Any]) -> bool:
        """Adds a callback; returns True where it is done, so that the callback is to run at once."""
        return _added(self.real, self._callbacks, given)

    def result(self, me: Context, site: Site, timeout: int | None) -> Any:
        """Waits for the result, for at most `timeout` nanoseconds; raises what it was completed with."""
        since = me.publish("own_future.result", self, timeout, site)
        done = wait_in_slices(me, None if timeout is None else since + timeout, lambda s: is_done(self.real, s))
        self.waited.add(me.resume(since))
        if not done:
            raise Fault("TimeoutError", "")
        try:
            return self.real.result(0)
        except concurrent.futures.CancelledError:
            raise Fault("concurrent.futures.CancelledError", "") from None
        except Fault as fault:
            raise Fault(fault.type, fault.text) from None

    def done(self) -> bool:
        """Whether it has a result or was cancelled."""
        return self.real.done()

    def running(self) -> bool:
        """Whether it is running, which one that the file completes never is."""
        return self.real.running()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.real.cancelled()

    def stuck(self, op: str, me: Context) -> bool:
        """Whether it is not done."""
        return not self.real.done()

    def free(self, op: str, me: Context) -> None:
        """Does nothing: a thread that waits for a future checks by itself whether it is cut off."""

    def held_by(self) -> list[str]:
        """Returns no name: nobody is known who will complete it."""
        return []

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {"kind": "future", "waits": self.waited.count, "waited": self.waited.summary()}

    def fold(self) -> None:
        """Folds the samples into the histogram."""
        self.waited.fold()
