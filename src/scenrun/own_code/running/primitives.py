"""Primitives that controlled threads use, beside `locks`: a queue, threads, the clock. Others are built on these."""

from __future__ import annotations

import _thread
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from types import GenericAlias
from typing import Any

from scenrun.own_code.hooking.accounting import note
from scenrun.own_code.hooking.sites import Site, number_of
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import CLOCK, Execution, Uncontrolled
from scenrun.own_code.running.locks import WOULD_BLOCK
from scenrun.own_code.running.steps import Controlled, Step


class SimpleQueue:
    """`queue.SimpleQueue`, a queue without a bound: one step for a put, one for a get, which waits until there is an item."""

    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self) -> None:
        self._items: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item; it is never full."""
        self._announce("put", "put an item")
        self._items.append(item)

    put_nowait = put

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the first item, once there is one."""
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        if (found := control.here()) is not None:
            execution, _ = found
            waits = block and timeout != 0
            ready = (lambda: bool(self._items)) if waits else None
            cell, has_timeout = execution.cell_of(self, "items"), timeout is not None and waits
            if execution.point(Step("get", cell, True, "get an item", None, ready, has_timeout)):
                execution.clock += timeout or 0
        elif block and not self._items and timeout is None:
            raise RuntimeError(WOULD_BLOCK)
        elif block and not self._items:
            control.pass_time(timeout or 0)
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        """Take the first item, if there is one."""
        return self.get(block=False)

    def empty(self) -> bool:
        """Whether there is no item."""
        self._announce("look", "look at a queue")
        return not self._items

    def qsize(self) -> int:
        """The number of items."""
        self._announce("look", "look at a queue")
        return len(self._items)

    def _announce(self, kind: str, text: str) -> None:
        if (found := control.here()) is not None:
            execution, _ = found
            execution.point(Step(kind, execution.cell_of(self, "items"), kind != "look", text))


class Thread:
    """`threading.Thread`, started under control where a controlled thread starts it."""

    def __init__(
        self, group: None = None, target: Callable[..., object] | None = None, name: str | None = None,
        args: Any = (), kwargs: Any = None, *, daemon: bool | None = None,
    ) -> None:  # fmt: skip
        assert group is None
        self._target, self._args, self._kwargs = target, args, kwargs or {}
        self._given = name
        self._inherited = daemon
        self._controlled: Controlled | None = None
        self._maker = _me()
        self._hash = 0 if control.current is None else control.current.another()

    def __hash__(self) -> int:
        """The same in each execution, so that sets of threads have the same order."""
        return self._hash

    def _note_use(self) -> None:
        """Name that a thread uses an object which another one may start, or change."""
        if _me() not in (self._maker, None if self._controlled is None else self._controlled.number):
            note("a Thread object that several threads use", number_of(Site("threading.py", 0, "Thread", "use")))

    @property
    def name(self) -> str:
        """Its name."""
        self._note_use()
        return self._given or (self._controlled.name if self._controlled is not None else "Thread")

    @name.setter
    def name(self, name: str) -> None:
        self._note_use()
        self._given = name

    @property
    def daemon(self) -> bool:
        """Whether the program may end before it."""
        self._note_use()
        return bool(self._inherited)

    @daemon.setter
    def daemon(self, daemon: bool) -> None:
        self._note_use()
        if self._controlled is not None:
            raise RuntimeError("cannot set daemon status of active thread")
        self._inherited = daemon

    @property
    def ident(self) -> int | None:
        """Its identity; None before it was started."""
        self._note_use()
        return None if self._controlled is None else self._controlled.number + 1

    native_id = ident

    def getName(self) -> str:  # noqa: N802
        """Its name, by an older method."""
        return self.name

    def setName(self, name: str) -> None:  # noqa: N802
        """Name it, by an older method."""
        self.name = name

    def isDaemon(self) -> bool:  # noqa: N802
        """Whether the program may end before it, by an older method."""
        return self.daemon

    def setDaemon(self, daemon: bool) -> None:  # noqa: N802
        """Say whether the program may end before it, by an older method."""
        self.daemon = daemon

    def run(self) -> None:
        """What it does."""
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def start(self) -> None:
        """Start it."""
        self._note_use()
        found, execution = control.here(), control.current
        if execution is None or (found is None and execution.is_set_up):
            raise Uncontrolled("a thread can be started only by setup and by the threads that are searched")
        if self._controlled is not None:
            raise RuntimeError("threads can only be started once")
        starter = "setup" if found is None else found[1].name
        if found is not None:
            execution.point(Step("start", execution.cell_of(execution, "threads"), True, "start a thread"))
        if self._inherited is None:
            self._inherited = found is not None and found[1].daemon
        name = self._given or f"{starter}.{sum(one.name.startswith(starter + '.') for one in execution.threads) + 1}"
        self._controlled = execution.add(name, self._begin, daemon=self._inherited)
        self._controlled.is_worker = getattr(self._target, "__module__", "") == "concurrent.futures.thread"

    def _begin(self) -> None:
        _here.thread = self
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        if self._controlled is None:
            self._note_use()
        if self._controlled is None:
            raise RuntimeError("cannot join thread before it is started")
        found, joined = control.here(), self._controlled
        if found is None:
            if joined.next is not None and control.current is not None and not control.current.is_set_up:
                raise Uncontrolled("setup waits for a thread, and threads go on only after it")
            return
        execution, me = found
        if me is joined:
            raise RuntimeError("cannot join current thread")
        has_timeout = timeout is not None
        step = Step(
            "join", execution.cell_of(joined, "life"), False, f"join {joined.name}", None, lambda: joined.next is None,
            has_timeout,
        )  # fmt: skip
        if execution.point(step):
            execution.clock += timeout or 0

    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        if self._controlled is None:
            self._note_use()
        found = control.here()
        if found is not None and self._controlled is not None:
            execution, _ = found
            execution.point(Step("look", execution.cell_of(self._controlled, "life"), False, f"is {self.name} alive"))
        return self._controlled is not None and self._controlled.next is not None


def _me() -> int | None:
    """The number of the thread that asks; None of one that is not controlled, as the setup's."""
    found = control.here()
    return None if found is None else found[1].number


class _Here(threading.local):
    """The Thread object of the thread that asks."""

    thread: Thread | None = None


_here = _Here()


def current_thread() -> Any:
    """The Thread object of a controlled thread; for any other, the real one."""
    found = control.here()
    if found is None:
        return threading.current_thread()
    if _here.thread is None or _here.thread._controlled is not found[1]:
        made = Thread(name=found[1].name, daemon=found[1].daemon)
        made._controlled, made._maker = found[1], found[1].number
        _here.thread = made
    return _here.thread


def get_ident() -> int:
    """The identity of the thread that asks."""
    found = control.here()
    return _thread.get_ident() if found is None else found[1].number + 1


def number_of_object(one: Any) -> int:
    """A number of an object that is the same in each execution that makes the same steps."""
    if "_scenrun_number" not in one.__dict__:
        one.__dict__["_scenrun_number"] = id(one) if control.current is None else control.current.another()
    return int(one.__dict__["_scenrun_number"])


# --- time


def sleep(seconds: float) -> None:
    """Let others go first for some time: any time, as time is free."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if (found := control.here()) is not None:
        execution, _ = found
        execution.point(Step("sleep", CLOCK, True, f"sleep {seconds:g} s"))
    control.pass_time(seconds)


def clock_of(real: Callable[[], float]) -> Callable[[], float]:
    """A clock that shows virtual time, also to setup and check; a thread that looks at it makes a step."""
    began = real()

    def now() -> float:
        execution: Execution | None = control.current
        if execution is None:
            return began
        if execution.here() is not None:
            execution.point(Step("look", CLOCK, False, "look at the clock"))
        return began + execution.clock

    return now


def in_ns(clock: Callable[[], float]) -> Callable[[], int]:
    """The same clock in whole nanoseconds."""
    return lambda: round(clock() * 1e9)


monotonic, perf_counter, now = clock_of(time.monotonic), clock_of(time.perf_counter), clock_of(time.time)
