"""Wraps `ThreadPoolExecutor`: submits tasks and shuts pools down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from time import perf_counter_ns as now
from typing import Any

from scenrun.errors import Fault
from scenrun.execution.counters import Counter
from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context
from scenrun.execution.threads.futures import is_done
from scenrun.execution.threads.threads import MOMENT_S, Handle, Host, Joinable, claim, wait_in_slices
from scenrun.program.primitives.future import KNOWS_ITSELF
from scenrun.trace.histogram import Samples


class RealTask(Joinable):
    """A task of a pool, declared in the file as a thread."""

    kind = "task"

    def __init__(self, label: str, cell: int, context: Context, pool: RealPool) -> None:
        super().__init__(label, cell, context)
        self.pool = pool

    def start(self, me: Context, site: Site) -> None:
        """Submits the task; raises a RuntimeError fault the second time."""
        if not claim(self.context):
            raise Fault("RuntimeError", f"`{self.label}` was started already; a task starts once")
        self.pool.submit_context(self.context)

    def _wait(self, slice_s: float) -> bool:
        if self.context.future is None:
            time.sleep(MOMENT_S)  # marked as started, but not submitted yet
        else:
            is_done(self.context.future, slice_s)
        return self.context.ended


_submitting = threading.local()


def submitted_context() -> Context:
    """Returns the context of the task that the calling thread is submitting."""
    context: Context = _submitting.context
    return context


def _note_cancelled(host: Host, context: Context, future: Future[Any]) -> None:
    """Marks a cancelled task as ended, no matter which thread cancelled it and when."""
    if future.cancelled():
        context.cancelled = True
        host.has_ended(context)


class _Order:
    """The order in which futures are done, noted as `concurrent.futures.as_completed` does: by a waiter of each of them."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    def watch(self, future: Future[Any]) -> None:
        """Notes the future when it is done."""
        with future._condition:
            if future._state in ("CANCELLED_AND_NOTIFIED", "FINISHED"):
                self.done.append(future)
            else:
                future._waiters.append(self)  # type: ignore[arg-type]

    def add_result(self, future: Future[Any]) -> None:
        """Called under the future's lock when it has a result."""
        self.done.append(future)

    add_exception = add_cancelled = add_result


class RealPool:
    """A `concurrent.futures.ThreadPoolExecutor`."""

    kind = "pool"

    def __init__(self, label: str, cell: int, options: dict[str, Any], host: Host) -> None:
        self.label = label
        self.cell = cell
        self.host = host
        self.max_workers: int = options["max_workers"]
        self.real = ThreadPoolExecutor(self.max_workers, thread_name_prefix=label)
        self.keeps_cancelled = options.get("seen") is not None
        """Whether a file waits for several futures, to which a cancelled task is done once a worker has come to it."""
        self._order: _Order | None = _Order() if options.get("seen") == () else None
        self._tasks: list[Context] = []
        self._listing = threading.Lock()
        self._numbering = threading.Lock()
        self.about_to_wait: Callable[[Context], object] = lambda me: None
        """Called when the pool is shut down, before the wait for its tasks."""
        self._worker, self._workers = threading.local(), count()
        self.submitted = Counter()
        self.queued = Samples()
        self.served = Samples()

    def submit(self, me: Context, site: Site, arguments: list[Any]) -> Handle:
        """Submits a new task; returns its handle."""
        instruction = site.instruction
        assert instruction.code is not None
        with self._numbering:  # tasks run in the order of their numbers
            number = self.host.next_number(self.label)
            context = self.host.new_context(
                f"{self.label}#{number}", str(instruction.option("target")), number, instruction.code,
                arguments=tuple(arguments), pool=self,
            )  # fmt: skip
            if instruction.option(KNOWS_ITSELF):
                context.arguments = (*context.arguments[:-1], Handle(context))
            self.submit_context(context)
        return Handle(context)

    def submit_context(self, context: Context) -> None:
        """Submits the task of a context."""
        if self.host.is_exiting and not self.real._shutdown:
            context.started = False
            raise Fault("RuntimeError", f"`{self.label}` takes no more tasks, as main has ended")
        context.started = True
        submitted = now()
        self.host.enlist(context)  # before it is submitted: the run must not look finished meanwhile
        with self._listing:
            self._tasks.append(context)
        _submitting.context = context
        try:
            context.future = self.real.submit(self._run, context, submitted)
        except (RuntimeError, MemoryError) as error:
            with self._listing:
                self._tasks.remove(context)
            self.host.withdraw(context)
            raise Fault("RuntimeError", self._why_not(error)) from None
        context.future.add_done_callback(lambda future: _note_cancelled(self.host, context, future))
        if self._order is not None:
            self._order.watch(context.future)
        self.submitted.add()

    def place_of(self, context: Context) -> int:
        """Returns the place of a task that is done in the order in which those of the pool were."""
        assert self._order is not None
        return self._order.done.index(context.future)

    def _why_not(self, error: Exception) -> str:
        if self.real._shutdown:
            return f"`{self.label}` was shut down and takes no more tasks"
        return f"the system refused to start a worker of `{self.label}`: {error}"

    def _run(self, context: Context, submitted: int) -> Any:
        began = now()
        context.worker = self._name_of_worker()
        self.queued.add(began - submitted)
        try:
            return self.host.run_task(context)
        finally:
            self.served.add(now() - began)

    def _name_of_worker(self) -> str:
        """The name of the calling worker: they are numbered in the order of their first tasks."""
        if not hasattr(self._worker, "name"):
            self._worker.name = f"{self.label}_{next(self._workers)}"
        name: str = self._worker.name
        return name

    def shutdown(self, me: Context, site: Site, wait: bool, cancel_futures: bool) -> None:
        """Closes the pool to new tasks; with `wait`, waits for those it has."""
        self.real.shutdown(wait=False, cancel_futures=cancel_futures)
        if not wait:
            me.waited_ns = 0
            return
        if me.pool is self:
            raise Fault("RuntimeError", f"a task of `{self.label}` cannot wait for its own pool to shut down")
        since = me.publish("pool.shutdown", self, None, site)
        self.about_to_wait(me)
        wait_in_slices(me, None, self._wait)
        me.resume(since)

    def _wait(self, slice_s: float) -> bool:
        for thread in list(self.real._threads):
            thread.join(slice_s)
            if thread.is_alive():
                return False
        return True

    def unfinished(self) -> list[Context]:
        """Returns the tasks that have not ended."""
        with self._listing:
            self._tasks = [context for context in self._tasks if not context.ended]
            return self._tasks.copy()

    def stuck(self, op: str, me: Context) -> bool:
        """Whether the pool has tasks that have not ended."""
        return bool(self.unfinished())

    def free(self, op: str, me: Context) -> None:
        """Does nothing: a thread that waits for a pool checks by itself whether it is cut off."""

    def held_by(self) -> list[str]:
        """Returns the names of the tasks that have not ended."""
        return [context.name for context in self.unfinished()]

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": self.kind,
            "tasks": self.submitted.value,
            "queued": self.queued.summary(),
            "served": self.served.summary(),
        }

    def fold(self) -> None:
        """Folds the samples into the histograms."""
        self.queued.fold()
        self.served.fold()
