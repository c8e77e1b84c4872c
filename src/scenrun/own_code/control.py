"""One execution of controlled threads: real ones, of which one runs at a time, up to the next point.

A thread announces at a point what it will do next, and waits until it is chosen. Then it does that, and goes on to its next
point. What runs between two points touches nothing that another thread could see, as far as all accesses are announced.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from scenrun.own_code.sites import Site

COLLECT_EVERY = 200
"""Executions between two collections of cycles."""
PATIENCE_S = 5.0
"""Seconds within which a thread comes to its next point; past them, what it does is not controlled."""
_HERE = os.path.dirname(__file__)
MOST_UNWINDS = 1_000
"""How often a thread is asked to end after its execution is over; then it is left behind."""


class Uncontrolled(Exception):
    """A thread does something that never ends, or that waits for what is not controlled."""


class NotControlled(AttributeError):
    """Something of a module that a search cannot control."""


class Unwound(BaseException):
    """Ends a thread whose execution is over."""


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

    def is_ready(self) -> bool:
        """Whether it is enabled, other than by its time-out."""
        return self.ready is None or self.ready()


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
        self.fault: BaseException | None = None
        self.turn = _locked()
        self.is_parked = False
        """Whether it waits to be chosen; otherwise it runs, or waits for something else."""
        self.unwinds = 0
        """How often it was asked to end since the execution was over."""

    @property
    def is_enabled(self) -> bool:
        """Whether it can move: by itself, or by its time-out."""
        return self.next is not None and (self.next.is_ready() or self.next.has_timeout)


class Place(NamedTuple):
    """A line of the user's own code."""

    file: str
    line: int
    function: str


class Moved(NamedTuple):
    """A step that was made."""

    thread: int
    step: Step
    is_late: bool
    place: Place | None
    """Where in the user's own code, in an execution that records it."""


class Execution:
    """Threads from their beginning on; whoever made it moves them, one step after another."""

    def __init__(self, files: frozenset[str] = frozenset()) -> None:
        """files: those of the user's own code, in which the place of each step is recorded; none: no place is."""
        self.files = files
        self.threads: list[Controlled] = []
        self.moved: list[Moved] = []
        self.clock = 0.0
        """The virtual time, in seconds: it goes on where a thread sleeps or its time-out fires."""
        self.left_behind: list[str] = []
        """Threads that did not end when the execution was over."""
        self.by_ident: dict[int, Controlled] = {}
        self._arrived = _locked()
        self._is_over = False
        self._given = 0
        self._cells: dict[tuple[int, str], int] = {}
        self._dicts: dict[int, Any] = {}
        self._kept: list[Any] = []
        """What was touched, so that nothing new gets its identity."""

    # --- threads

    def add(self, name: str, body: Callable[[], object], *, daemon: bool = False) -> Controlled:
        """Add a thread, and let it run to its first point; called from the one that moves, or from a thread that starts it."""
        made = Controlled(len(self.threads), name, body, daemon)
        self.threads.append(made)
        starter, self._arrived = self._arrived, _locked()
        WORKERS.do(lambda: self._run(made))
        self._arrived.acquire()
        self._arrived = starter
        return made

    def move(self, number: int) -> None:
        """Let an enabled thread make its next step, and run to the point after it."""
        one = self.threads[number]
        assert one.next is not None
        one.is_late = not one.next.is_ready()
        self.moved.append(Moved(number, one.next, one.is_late, self.place_of(one)))
        one.turn.release()
        if not self._arrived.acquire(timeout=PATIENCE_S):
            raise Uncontrolled(self._where(one))
        if isinstance(one.fault, NotControlled):
            raise Uncontrolled(str(one.fault))

    def place_of(self, one: Controlled) -> Place | None:
        """The innermost line of the user's own code at which a thread is; None where places are not recorded."""
        if not self.files:
            return None
        frame = sys._current_frames().get(self._ident_of(one))
        while frame is not None and frame.f_code.co_filename not in self.files:
            frame = frame.f_back
        return None if frame is None else Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)

    def _ident_of(self, one: Controlled) -> int:
        return next((ident for ident, other in self.by_ident.items() if other is one), 0)

    def _where(self, one: Controlled) -> str:
        """Where a thread is that does not come to its next point, in words."""
        frame = sys._current_frames().get(self._ident_of(one))
        while frame is not None and frame.f_code.co_filename.startswith(_HERE):
            frame = frame.f_back
        place = "" if frame is None else f" at {frame.f_code.co_filename}:{frame.f_lineno}"
        return f"{one.name} did not come to its next step within {PATIENCE_S:g} s{place}"

    def close(self) -> None:
        """End all threads."""
        self._is_over = True
        for one in self.threads:
            while one.next is not None:
                one.unwinds += 1
                if one.unwinds > MOST_UNWINDS or not one.is_parked:
                    self.left_behind.append(one.name)
                    break
                one.turn.release()
                if not self._arrived.acquire(timeout=PATIENCE_S):
                    self.left_behind.append(one.name)
                    break

    def _run(self, one: Controlled) -> None:
        ident = _thread.get_ident()
        self.by_ident[ident] = one
        with suppress(Unwound):
            self._do(one)
            self.point(Step("end", self.cell_of(one, "life"), True, "ends"))
        one.next = None
        del self.by_ident[ident]
        self._arrived.release()

    @staticmethod
    def _do(one: Controlled) -> None:
        try:
            one.body()
        except (Unwound, SystemExit) as ends:  # as in CPython, a thread that exits has ended, and no more
            if isinstance(ends, Unwound):
                raise
        except BaseException as error:  # whatever else a thread ends with is a finding
            one.fault = error

    def here(self) -> Controlled | None:
        """The controlled thread that asks; None for any other."""
        return self.by_ident.get(_thread.get_ident())

    # --- points

    def point(self, step: Step) -> bool:
        """Announce a step and wait to be chosen; returns whether the time-out fired instead. Called by a controlled thread."""
        one = self.by_ident[_thread.get_ident()]
        if self._is_over and one.unwinds == 0:
            raise Unwound
        one.next, one.is_parked = step, True
        self._arrived.release()
        one.turn.acquire()
        one.is_parked = False
        if self._is_over:
            raise Unwound
        return one.is_late

    def access(self, owner: Any, name: str, writes: bool, site: Site) -> None:
        """A point before an access, where a controlled thread makes it."""
        if _thread.get_ident() in self.by_ident:
            kind = "write" if writes else "read"
            self.point(Step(kind, self.cell_of(owner, name), writes, f"{kind} {site.what}", site))

    def another(self) -> int:
        """The next of the numbers that an execution gives out."""
        self._given += 1
        return self._given

    def note_dict(self, owner: Any) -> None:
        """Note whose `__dict__` a dictionary is, as its items are the owner's attributes."""
        try:
            found = object.__getattribute__(owner, "__dict__")
        except AttributeError:
            return
        if type(found) is dict:
            self._kept.append(found)
            self._dicts[id(found)] = owner

    def owner_of(self, value: Any) -> Any:
        """The object whose `__dict__` a value is, if that is known."""
        return self._dicts.get(id(value))

    def cell_of(self, owner: Any, name: str) -> int:
        """The number of a part of an object, in the order in which they are touched: the same for the same schedule."""
        about = id(owner), name
        found = self._cells.setdefault(about, len(self._cells))
        if found == len(self._cells) - 1:
            self._kept.append(owner)
        return found


class _Workers:
    """Threads that are used again and again, as a new one costs more than a schedule."""

    def __init__(self) -> None:
        self._idle: list[list[Any]] = []

    def do(self, job: Callable[[], None]) -> None:
        """Run a job in a thread."""
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = [_locked(), None]
            _thread.start_new_thread(self._work, (worker,))
        worker[1] = job
        worker[0].release()

    def _work(self, worker: list[Any]) -> None:
        while True:
            worker[0].acquire()
            job, worker[1] = worker[1], None
            job()
            del job
            self._idle.append(worker)


WORKERS = _Workers()
_ended = 0
_collects = True
"""Whether the collector of cycles was on before the current execution."""
current: Execution | None = None
"""The execution whose threads are controlled now; None: hooks let everything pass."""


def begin(files: frozenset[str] = frozenset()) -> Execution:
    """A new execution, which is the current one. files: as for `Execution`.

    The collector of cycles is off while it lasts: finalizers of what an earlier one left would run in the midst of its steps.
    """
    global current, _collects
    _collects = gc.isenabled()
    gc.disable()
    current = Execution(files)
    return current


def end() -> None:
    """End the current execution."""
    global current, _ended
    if current is None:
        return
    hook, sys.unraisablehook = sys.unraisablehook, _quiet(sys.unraisablehook)
    try:
        current.close()
    finally:
        sys.unraisablehook = hook
        current = None
        if _collects:
            gc.enable()
    _ended += 1
    if not _ended % COLLECT_EVERY:
        gc.collect()


def _quiet(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """A hook that does not tell of finalizers that the end of an execution has ended as well."""
    return lambda about: None if about.exc_type is Unwound else hook(about)


def here() -> tuple[Execution, Controlled] | None:
    """The current execution and the controlled thread that asks; None for any other thread."""
    if current is None:
        return None
    one = current.here()
    return None if one is None else (current, one)


def _locked() -> Any:
    made = _thread.allocate_lock()
    made.acquire()
    return made
