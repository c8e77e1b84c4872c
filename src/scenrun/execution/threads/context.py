"""What the executor knows of one thread: where it waits, what it was told, and what it did."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import perf_counter_ns as now
from typing import TYPE_CHECKING, Any, Protocol

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.program.draws import Draws

if TYPE_CHECKING:
    from concurrent.futures import Future

SLICE_S = 0.1
"""How long a thread that waits for another thread waits in one piece, before it looks whether it is to leave."""


class Cut(BaseException):
    """The thread leaves at once: it was cut off or freed. No step of the scenario sees this."""


class FaultLeft(Exception):
    """A fault that no step caught leaves the thread."""

    def __init__(self, fault: Fault, site: Site) -> None:
        self.fault = fault
        self.site = site
        super().__init__(fault, site)


class Waited(Protocol):
    """What a thread can wait for."""

    label: str
    cell: int

    def stuck(self, op: str, me: Context) -> bool:
        """Whether this wait surely cannot end as things are."""

    def free(self, op: str, me: Context) -> None:
        """End this wait, whatever it does to the object: the thread leaves at once."""

    def held_by(self) -> list[str]:
        """Who holds it, by name."""


TURN = "turn"
"""What a replayed thread waits for before each of its steps."""
AT_ITS_GATE = ("sleep", TURN)
"""The waits that end when the thread's own gate is released."""


@dataclass(slots=True, eq=False)
class Wait:
    """A published wait. Each is a new object, so that two looks can tell whether it is still the same.

    Nobody changes it; it is not declared frozen, as making one would take twice as long.
    """

    op: str
    object: Waited | None
    deadline_ns: int | None
    since_ns: int
    site: Site


class Context:
    """One thread, task or timer of a run."""

    __slots__ = (
        "arguments", "asked", "atomic", "calling", "cancelled", "code", "cut", "daemon", "ended", "ended_ns",
        "endless", "fault", "future", "gate", "group", "held_ns", "index", "left_with", "messages", "name",
        "pool", "random", "real", "result", "seen", "size", "slept_ns", "started", "started_ns", "steps", "unshown",
        "wait", "waited_ns", "waited_total_ns", "waiter", "worked_ns",
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
        self.random = Draws(seed, name)
        self.gate = threading.Lock()
        self.gate.acquire()
        self.wait: Wait | None = None
        self.seen: Site | None = None
        """The last instruction at which it published a wait; it is now at that one or later."""
        self.waiter: Any = None
        """The lock that it is parked on inside a condition, an event or a barrier."""
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
        self.real: threading.Thread | None = None
        self.started_ns = self.ended_ns = 0
        self.waited_ns = self.held_ns = self.size = 0
        self.waited_total_ns = self.slept_ns = self.worked_ns = 0
        self.messages = self.unshown = self.steps = 0

    def publish(self, op: str, object: Waited | None, timeout_ns: int | None, site: Site) -> int:
        """Say what this thread is about to wait for; gives the moment."""
        since = now()
        self.seen = site
        self.waiter = None
        self.wait = Wait(op, object, None if timeout_ns is None else since + timeout_ns, since, site)
        return since

    def resume(self, since_ns: int) -> int:
        """The wait is over: leave at once if told to; otherwise gives how long it took, in nanoseconds."""
        self.wait = None
        if self.cut:
            raise Cut
        self.waited_ns = now() - since_ns
        self.waited_total_ns += self.waited_ns
        return self.waited_ns

    def passed(self) -> None:
        """There was nothing to wait for: leave at once if told to."""
        if self.cut:
            raise Cut
        self.waited_ns = 0

    @property
    def is_live(self) -> bool:
        """Whether it may still do something by itself."""
        return self.started and not self.ended


def seconds(nanoseconds: int | None) -> float:
    """Nanoseconds as the standard library takes time-outs: seconds, and -1 for no time-out."""
    return -1 if nanoseconds is None else nanoseconds / 1e9


_current = threading.local()


def current() -> Context:
    """The context of the calling thread."""
    me: Context = _current.context
    return me


def current_or_none() -> Context | None:
    """The context of the calling thread; None where it is nobody's."""
    return getattr(_current, "context", None)


def enter(context: Context) -> None:
    """The calling thread is this context's from now on."""
    _current.context = context
