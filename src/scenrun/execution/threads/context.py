"""The record of one real thread: its published wait, its position, its flags (started, cut off, ended) and its figures."""

from __future__ import annotations

import threading
from time import perf_counter_ns as now
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.program.draws import Draws

if TYPE_CHECKING:
    from concurrent.futures import Future

SLICE_S = 0.1
"""Seconds that a thread blocks in one call while it waits for another thread, before it checks whether it is cut off."""


class Cut(BaseException):
    """Ends the thread at once, as it was cut off or freed. No step of the scenario can catch it."""


class FaultLeft(Exception):
    """Ends the thread with a fault that no step caught."""

    def __init__(self, fault: Fault, site: Site) -> None:
        self.fault = fault
        self.site = site
        super().__init__(fault, site)


class Waited(Protocol):
    """An object that a thread can wait for."""

    label: str
    cell: int

    def stuck(self, op: str, me: Context) -> bool:
        """Whether it is certain that this wait cannot end unless another thread acts."""

    def free(self, op: str, me: Context) -> None:
        """Ends this wait, even if that damages the object: the thread that waits leaves at once."""

    def held_by(self) -> list[str]:
        """Returns the names of the threads that hold it."""


TURN = "turn"
"""The wait of a replayed thread before each of its steps."""
AT_ITS_GATE = ("sleep", TURN)
"""The waits that end when the thread's own gate is released."""


class Wait(Struct, eq=False):
    """A published wait. Each is a new object, so that two looks of the detector can tell whether it is still the same.

    It is never changed; it is not declared frozen, as a frozen one takes twice as long to make.
    """

    op: str
    object: Waited | None
    deadline_ns: int | None
    since_ns: int
    site: Site


class Context:
    """One thread, task or timer of a run."""

    __slots__ = (
        "arguments", "asked", "atomic", "callbacks", "calling", "cancelled", "code", "coming", "cut", "daemon", "ended",
        "ended_ns", "endless", "fault", "future", "gate", "group", "held_ns", "index", "left_with", "messages", "name",
        "pool", "random", "real", "result", "seen", "size", "slept_ns", "started", "started_ns", "steps", "unshown",
        "wait", "waited_ns", "waited_total_ns", "waiter", "worked_ns", "worker",
    )  # fmt: skip

    def __init__(
        self, name: str, group: str, index: int, code: int, seed: int,
        *, daemon: bool = False, endless: bool = False, arguments: tuple[Any, ...] = (), pool: Any = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.group = group
        self.index = index
        self.code = code
        self.daemon = daemon
        self.endless = endless
        self.arguments = arguments
        self.pool = pool
        self.coming: Any = None
        """The interrupts that are still to come in it, as `interrupts.Arrivals`; None where none may."""
        self.worker: str | None = None
        """The worker of its pool that runs it, once one does."""
        self.random = Draws(seed, name)
        self.gate = threading.Lock()
        self.gate.acquire()
        self.wait: Wait | None = None
        self.seen: Site | None = None
        """The last instruction at which the thread published a wait; it is now at that one or later."""
        self.waiter: Any = None
        """The lock that the thread is parked on inside a condition, an event or a barrier."""
        self.cut = False
        self.atomic = False
        self.calling = False
        self.started = False
        self.ended = False
        self.cancelled = False
        self.asked = False
        self.fault: Fault | None = None
        self.left_with: FaultLeft | None = None
        self.result: Any = None
        self.future: Future[Any] | None = None
        self.callbacks: list[Any] = []
        self.real: threading.Thread | None = None
        self.started_ns = self.ended_ns = 0
        self.waited_ns = self.held_ns = self.size = 0
        self.waited_total_ns = self.slept_ns = self.worked_ns = 0
        self.messages = self.unshown = self.steps = 0

    def publish(self, op: str, object: Waited | None, timeout_ns: int | None, site: Site) -> int:
        """Publishes what this thread is about to wait for; returns the time, in nanoseconds of `perf_counter_ns`."""
        since = now()
        self.seen = site
        self.waiter = None
        self.wait = Wait(op, object, None if timeout_ns is None else since + timeout_ns, since, site)
        return since

    def resume(self, since_ns: int) -> int:
        """Ends the wait and returns its duration in nanoseconds; raises Cut if the thread is cut off."""
        self.wait = None
        if self.cut:
            raise Cut
        self.waited_ns = now() - since_ns
        self.waited_total_ns += self.waited_ns
        return self.waited_ns

    def passed(self) -> None:
        """Notes that an operation did not have to wait; raises Cut if the thread is cut off."""
        if self.cut:
            raise Cut
        self.waited_ns = 0

    @property
    def is_live(self) -> bool:
        """Whether the thread was started and has not ended."""
        return self.started and not self.ended


def seconds(nanoseconds: int | None) -> float:
    """Converts nanoseconds to a timeout of the standard library: seconds, and -1 for no timeout."""
    return -1 if nanoseconds is None else nanoseconds / 1e9


_current = threading.local()


def current() -> Context:
    """Returns the context of the calling thread."""
    me: Context = _current.context
    return me


def current_or_none() -> Context | None:
    """Returns the context of the calling thread; None if it is not a thread of a run."""
    return getattr(_current, "context", None)


def enter(context: Context) -> None:
    """Makes this the context of the calling thread."""
    _current.context = context
