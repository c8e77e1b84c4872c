"""What threads under control are about to do, and have done."""

from __future__ import annotations

import _thread
import linecache
from collections.abc import Callable
from typing import Any, NamedTuple

from scenrun.own_code.hooking.sites import Site


class Step(NamedTuple):
    """What a thread is about to do."""

    kind: str
    """`read`, `write`, `acquire`, `release`, `start`, `join`, `end`, `sleep` .."""
    cell: int
    """The number of what it touches, in this execution."""
    writes: bool
    text: str
    """The step in a few words."""
    site: Site | None = None
    ready: Callable[[], bool] | None = None
    """Whether it is enabled; None: always."""
    has_timeout: bool = False
    more: tuple[tuple[int, bool], ...] = ()
    """What else it touches, each with whether it changes that."""
    alternatives: int = 1
    """How many ways there are to make it."""

    def is_ready(self) -> bool:
        """Whether it is enabled, other than by its time-out."""
        return self.ready is None or self.ready()


class Opening(NamedTuple):
    """What a thread's next step, whatever it is, is as well: the beginning of something that somebody records."""

    cells: tuple[tuple[int, bool], ...]
    """What that touches, each with whether it changes it."""
    made: Callable[[], None]
    """Called when the step is made, before anything else happens."""


Part = tuple[Any, str, bool]
"""An object, the name of what is touched of it, and whether that is changed."""


class Controlled:
    """A thread of an execution."""

    def __init__(self, number: int, name: str, body: Callable[[], object], daemon: bool) -> None:
        self.number = number
        self.name = name
        self.daemon = daemon
        self.body = body
        self.next: Step | None = None
        """What it announces; None where it has ended."""
        self.is_late = False
        """Whether its time-out has fired instead of its getting what it waits for."""
        self.alternative = 0
        """Which way of making its step was chosen."""
        self.fault: BaseException | None = None
        self.turn = locked()
        self.is_new = True
        """Whether it has not come to its first point: whoever started it waits for that."""
        self.is_parked = False
        """Whether it waits to be chosen; otherwise it runs, or waits for something else."""
        self.has_ended = False
        self.announces_end = True
        self.is_quiet = False
        """Whether it makes no steps for now, as it loads a module, which nobody else can see."""
        self.unheard = ""
        """What is named if it accesses something while it makes no steps; empty: nothing is."""
        self.is_worker = False
        """Whether it works for a pool, which ends it at the exit if it has nothing to do."""
        self.accesses: dict[int, int] = {}
        """How often it has come to each site since its last point."""
        self.may_switch = True
        """Whether it has been, since its last step, where a Python with the GIL may change threads."""
        self.calls: dict[tuple[int, int], bool] = {}
        """The calls that it makes, by frame and number: whether what is called is in Python."""
        self.first_turns: set[tuple[int, int]] = set()
        """Loops whose next turn comes without a jump back, by frame and number."""
        self.busy = 0
        """Grows with whatever it does that is no look at something."""
        self.reads: dict[int, int] = {}
        """The cells that it has read since it did something else, each with how often it had been changed before."""
        self.loops: dict[tuple[int, int], Any] = {}
        """The `while` loops that it is in, or was: by frame and site."""
        self.has_slept = False
        """Whether it has let time pass since it did something else."""
        self.is_woken = False
        """Whether what it read in an idle turn of a loop has been changed."""
        self.opening: Opening | None = None
        """What its next step is as well."""
        self.unwinds = 0
        """How often it was asked to end since the execution was over."""

    @property
    def is_spinning(self) -> bool:
        """Whether it waits in a loop that looks again and again at what nobody has changed."""
        return self.next is not None and self.next.kind == "spin" and not self.is_woken

    def acts(self) -> None:
        """Note that it does something that is no look."""
        self.busy += 1
        self.reads.clear()
        self.has_slept = False

    @property
    def is_needed(self) -> bool:
        """Whether the program cannot end without it."""
        is_idle = self.is_worker and self.next is not None and self.next.kind == "get" and not self.next.is_ready()
        return self.next is not None and not self.daemon and not is_idle

    @property
    def is_enabled(self) -> bool:
        """Whether it can move: by itself, or by its time-out."""
        return self.next is not None and (self.next.is_ready() or self.next.has_timeout)


class Place(NamedTuple):
    """A line of the user's own code."""

    file: str
    line: int
    function: str
    """The function's qualified name."""
    is_inner: bool = False
    """Whether the thread is in other code that this line has called, such as the standard library's."""

    @property
    def source(self) -> str:
        """The text of the line."""
        return linecache.getline(self.file, self.line).strip()


class Moved(NamedTuple):
    """A step that was made."""

    thread: int
    step: Step
    is_late: bool
    place: Place | None
    """Where in the user's own code, in an execution that records it."""

    @property
    def where(self) -> tuple[int, str | None, int]:
        """The thread and the line: the same for steps that are told together."""
        return (self.thread, None, 0) if self.place is None else (self.thread, self.place.file, self.place.line)


def locked() -> Any:
    """A lock that is held, so that whoever takes it waits until it is given."""
    made = _thread.allocate_lock()
    made.acquire()
    return made
