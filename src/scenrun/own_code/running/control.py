"""One execution of controlled threads: real ones, of which one runs at a time, up to the next point.

A thread announces at a point what it will do next, and waits until it is chosen. Then it does that, and goes on to its next
point. Of the accesses between two points, none races with another thread's, as far as all accesses are announced: where one
does, that is noticed, its site is marked, and from the next execution on its accesses are points.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys
import threading
from collections.abc import Callable, Container, Sequence, Set
from contextlib import suppress
from itertools import count
from typing import Any

from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running.identities import Identities, Parts
from scenrun.own_code.running.steps import Controlled, Moved, Part, Place, Step, locked
from scenrun.own_code.running.unordered import Accesses, Ordered
from scenrun.own_code.running.watched import Watched

CLOCK, LIFE = 0, 1
"""The numbers, among what threads touch, of the clock, and of whether the program goes on."""
Mark = int | str
"""A site, or the name of an attribute that is written on a class."""
COLLECT_EVERY = 200
"""Executions between two collections of cycles."""
PATIENCE_S = 5.0
"""Seconds within which a thread comes to its next point; past them, what it does is not controlled."""
MOST_AT_ONE_SITE = 2_000
"""Accesses at one site without a point in between, after which they are points: a loop there may wait for another thread."""
_HERE = os.path.dirname(os.path.dirname(__file__))
MOST_UNWINDS = 1_000
"""How often a thread is asked to end after its execution is over; then it is left behind."""


class Uncontrolled(Exception):
    """A thread does something that never ends, or that waits for what is not controlled."""


class NotControlled(AttributeError):
    """Something of a module that a search cannot control."""


class Unwound(BaseException):
    """Ends a thread whose execution is over."""


class Execution:
    """Threads from their beginning on; whoever made it moves them, one step after another."""

    def __init__(
        self, files: Set[str] = frozenset(), marks: Container[Mark] = (), *, keeps: bool = True, with_gil: bool = False
    ) -> None:
        """The beginning of an execution.

        - files: those of the user's own code, in which the place of each step is recorded; none: no place is.
        - marks: the sites whose accesses are steps, and the names of attributes that are looked for on classes as well.
        - keeps: as for `Identities`; False where code looks at when objects end.
        - with_gil: whether threads are changed only where a Python with the GIL may do so.
        """
        self.with_gil = with_gil
        self.files = files
        self.identities = Identities(keeps=keeps)
        self.marks = marks
        self.raced: set[Mark] = set()
        """Sites of accesses that the steps did not order, of which at least one was no step; names that came to be on classes."""
        self.threads: list[Controlled] = []
        self.moved: list[Moved] = []
        self.clock = 0.0
        """The virtual time, in seconds: it goes on where a thread sleeps or its time-out fires."""
        self.is_set_up = False
        """Whether what threads share is made: only threads start others from then on."""
        self.left_behind: list[str] = []
        """Threads that did not end when the execution was over."""
        self.by_ident: dict[int, Controlled] = {}
        self._arrived = locked()
        self._is_over = False
        self._given = 0
        self._cells = Parts(self.identities, count(LIFE + 1).__next__)
        self._accesses = Parts(self.identities, Accesses)
        self._goers: Parts[set[int]] = Parts(self.identities, set)
        """For each generator, the threads that have gone on with it."""
        self._order = Ordered()
        self.unaccounted: dict[str, int] = {}
        """What threads did that is not announced, each with a site where they did."""
        self.hooked_classes: dict[type, bool] = {}
        """Of the classes that were asked about, whether they have hooks."""
        self.accounted_attributes: dict[tuple[type, str], bool] = {}
        """Of the attributes of classes that were asked about, whether reading one does nothing that is not announced."""
        self.unseen_time: list[int] = []
        """The sites of loops that sleep in each turn, of which not all turns were made."""
        self.has_looked_at_clock = False
        self.has_drawn = False
        """Whether something was drawn at random."""
        self.watched = Watched()
        self._restless: set[int] = set()
        """Sites of loops that may wait for another thread."""

    # --- threads

    def add(
        self, name: str, body: Callable[[], object], *, daemon: bool = False, announces_end: bool = True
    ) -> Controlled:
        """Add a thread, and let it run to its first point; called from the one that moves, or from a thread that starts it.

        announces_end: whether its end is a step; else its last step was one.
        """
        made = Controlled(len(self.threads), name, body, daemon)
        made.announces_end = announces_end
        self.threads.append(made)
        begun_by = self.here()
        self._order.begin(made.number, None if begun_by is None else begun_by.number)
        starter, arrived = self._arrived, locked()
        self._arrived = arrived
        try:  # a thread of its own, as locals of threads and contexts must be new
            _thread.start_new_thread(self._run, (made,))
        except RuntimeError as error:
            self._arrived, made.has_ended = starter, True
            raise Uncontrolled(f"{name} could not be started: {error}") from None
        has_arrived = arrived.acquire(timeout=PATIENCE_S)
        self._arrived = starter
        if not has_arrived:
            raise Uncontrolled(self._where(made))
        return made

    def move(self, number: int, alternative: int = 0) -> None:
        """Let an enabled thread make its next step, in one of its ways, and run to the point after it."""
        one = self.threads[number]
        assert one.next is not None
        one.alternative = alternative
        one.is_late = not one.next.is_ready()
        self.moved.append(Moved(number, one.next, one.is_late, self.place_of(one)))
        for cell, writes in self.touches(one):
            self._order.step(number, cell, writes=writes)
            if writes:
                self.watched.change(cell)
        arrived = self._arrived  # as it is now: a thread that starts another one waits for that by a lock in its place
        one.turn.release()
        if not arrived.acquire(timeout=PATIENCE_S):
            raise Uncontrolled(self._where(one))
        if isinstance(one.fault, NotControlled | Uncontrolled):
            raise Uncontrolled(str(one.fault))
        if isinstance(one.fault, RecursionError):  # hooks have frames of their own
            raise Uncontrolled(f"{one.name} recursed deeper than Python allows with hooks")

    def able(self) -> list[Controlled]:
        """The threads that may move next.

        With the GIL, a thread that has just made a step goes on until it comes to a place where threads may be changed, or waits.
        """
        last = self.threads[self.moved[-1].thread] if self.with_gil and self.moved else None
        if last is not None and not last.may_switch and last.next is not None and last.next.is_ready():
            return [last]
        return [one for one in self.threads if one.is_enabled]

    def compare_clocks(self) -> None:
        """Name it where a thread looks at the clock beside a loop that may have let more time pass than it did."""
        if self.unseen_time and self.has_looked_at_clock:
            self.unaccounted.setdefault("the time that a loop lets pass which sleeps in each turn", self.unseen_time[0])

    def touches(self, one: Controlled) -> list[tuple[int, bool]]:
        """The cells that a thread's next step touches, each with whether it changes it.

        What a daemon does depends on whether the program goes on, and so on the ends and the rests of other threads.
        """
        step = one.next
        assert step is not None
        out = [(step.cell, step.writes), *step.more]
        if step.has_timeout:
            out.append((CLOCK, True))
        if one.daemon:
            out.append((LIFE, False))
        elif (step.kind == "end" or one.is_worker) and any(other.daemon for other in self.threads):
            out.append((LIFE, True))
        return out

    def place_of(self, one: Controlled) -> Place | None:
        """The innermost line of the user's own code at which a thread is; None where places are not recorded."""
        if not self.files:
            return None
        frame, is_inner = sys._current_frames().get(self._ident_of(one)), False
        while frame is not None and frame.f_code.co_filename not in self.files:
            is_inner |= not frame.f_code.co_filename.startswith(_HERE)
            frame = frame.f_back
        if frame is None:
            return None
        return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname, is_inner)

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
            while not one.has_ended:
                one.unwinds += 1
                if one.unwinds > MOST_UNWINDS or not one.is_parked:
                    self.left_behind.append(one.name)
                    break
                arrived = self._arrived
                one.turn.release()
                if not arrived.acquire(timeout=PATIENCE_S):
                    self.left_behind.append(one.name)
                    break

    def _run(self, one: Controlled) -> None:
        ident = _thread.get_ident()
        self.by_ident[ident] = one
        with suppress(Unwound):
            self._do(one)
            if one.announces_end or one.fault is not None:
                self.point(Step("end", self.cell_of(one, "life"), True, "ends"))
        one.next, one.has_ended = None, True
        del self.by_ident[ident]
        _forget(ident)
        with suppress(RuntimeError):  # nobody waits any more for one that was left behind
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
        """The controlled thread that asks; None for any other, and where it is to make no steps."""
        one = self.by_ident.get(_thread.get_ident())
        return None if one is None or one.is_quiet else one

    # --- points

    def point(self, step: Step) -> bool:
        """Announce a step and wait to be chosen; returns whether the time-out fired instead. Called by a controlled thread."""
        one = self.by_ident[_thread.get_ident()]
        if self._is_over and one.unwinds == 0:
            raise Unwound
        if step.cell == CLOCK and step.kind == "look":
            self.has_looked_at_clock = True
            self.compare_clocks()
        if step.kind in ("look", "read"):
            self.watched.saw(one, step.cell)
        elif step.kind == "sleep":
            one.has_slept = True
        elif step.kind != "spin":
            one.acts()
        one.next, one.is_parked = step, True
        one.accesses.clear()
        with suppress(RuntimeError):  # one that was left behind waits here for ever
            self._arrived.release()
        one.turn.acquire()
        one.is_parked = one.may_switch = False
        if self._is_over:
            raise Unwound
        return one.is_late

    def access(self, parts: Sequence[Part], site: int) -> None:
        """Accesses that a controlled thread is about to make, all in one step: a point, if their site is marked."""
        one = self.by_ident.get(_thread.get_ident())
        if one is None or not parts:
            return
        if one.is_quiet:
            if one.unheard:
                self.unaccounted.setdefault(one.unheard, site)
                one.acts()
            return
        one.accesses[site] = times = one.accesses.get(site, 0) + 1
        if times == MOST_AT_ONE_SITE:
            self._restless.add(site)
        if site in self.marks or site in self._restless:
            self.point(self._access_step(parts, site))
        if one.daemon and any(writes for _, _, writes in parts):
            self.raced.add(site)  # what is checked once the others have ended may come before it
        for owner, name, writes in parts:
            if writes:
                one.acts()
                if self.watched.is_used:
                    self.watched.change(self.cell_of(owner, name))
            elif one.loops:
                self.watched.saw(one, self.cell_of(owner, name))
            raced = self._order.access(self._accesses.of(owner, name), one.number, site, writes=writes)
            if raced:
                self.raced.update(raced, (site,))

    def _access_step(self, parts: Sequence[Part], site: int) -> Step:
        cells = [(self.cell_of(owner, name), writes) for owner, name, writes in parts]
        kind, about = "write" if any(writes for _, writes in cells) else "read", SITES[site]
        return Step(kind, *cells[0], f"{kind} {about.what}", about, more=tuple(cells[1:]))

    def is_shared(self, generator: Any) -> bool:
        """Whether several threads have gone on with a generator; the one that asks is about to."""
        one = self.here()
        known: set[int] = self._goers.of(generator, "[]")
        if one is not None:
            known.add(one.number)
        return len(known) > 1

    def another(self) -> int:
        """The next of the numbers that an execution gives out."""
        self._given += 1
        return self._given

    def cell_of(self, owner: Any, name: str) -> int:
        """The number of a part of an object, in the order in which they are touched: the same for the same schedule."""
        return self._cells.of(owner, name)


_ended = 0
"""How many executions have ended."""
_collects = True
"""Whether the collector of cycles was on before the current execution."""
current: Execution | None = None
"""The execution whose threads are controlled now; None: hooks let everything pass."""


def begin(
    files: Set[str] = frozenset(), marks: Container[Mark] = (), *, keeps: bool = True, with_gil: bool = False
) -> Execution:
    """A new execution, which is the current one. files, marks, keeps, with_gil: as for `Execution`.

    The collector of cycles is off while it lasts: finalizers of what an earlier one left would run in the midst of its steps.
    """
    global current, _collects
    _collects = gc.isenabled()
    gc.disable()
    current = Execution(files, marks, keeps=keeps, with_gil=with_gil)
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


def _forget(ident: int) -> None:
    """Take out of `threading` what stands there for a thread that it did not start and was asked about, as by `logging`."""
    getattr(threading, "_active", {}).pop(ident, None)


def _quiet(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """A hook that does not tell of finalizers that the end of an execution has ended as well."""
    return lambda about: None if about.exc_type is Unwound else hook(about)


def here() -> tuple[Execution, Controlled] | None:
    """The current execution and the controlled thread that asks; None for any other thread."""
    if current is None:
        return None
    one = current.here()
    return None if one is None else (current, one)


def is_quiet() -> bool:
    """Whether the thread that asks is a controlled one that makes no steps for now."""
    one = None if current is None else current.by_ident.get(_thread.get_ident())
    return one is not None and one.is_quiet


def is_loaded(module: str) -> bool:
    """Whether a module is one of the present world's, compiled with hooks."""
    return module in loaded


loaded: dict[str, Any] = {}
"""The modules of the user's own that are loaded for the present execution, by name."""
