"""One execution of controlled threads: real ones, of which one runs at a time, up to the next point.

A thread announces at a point what it will do next, and waits until it is chosen. Then it does that, and goes on to its next
point. Whoever made the execution chooses each step; or it gives a function that does, which the threads ask at their points.
Of the accesses between two points, none races with another thread's, as far as all accesses are announced: where one does, that
is noticed, its site is marked, and from the next execution on its accesses are points.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from collections.abc import Callable, Container, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running.baton import PATIENCE_S, Baton
from scenrun.own_code.running.identities import Identities, Parts
from scenrun.own_code.running.steps import Controlled, Moved, Part, Place, Step
from scenrun.own_code.running.unordered import Accesses, Ordered
from scenrun.own_code.running.watched import Watched

CLOCK, LIFE = 0, 1
"""The numbers, among what threads touch, of the clock, and of whether the program goes on."""
Chosen = tuple[int, int]
"""A thread by its number, and which way of its step."""
Mark = int | str
"""A site, or the name of an attribute that is written on a class."""
MOST_AT_ONE_SITE = 2_000
"""Accesses at one site without a point in between, after which they are points: a loop there may wait for another thread."""
_HERE = os.path.dirname(os.path.dirname(__file__))
_TOO_DEEP = "{} recursed deeper than Python allows with hooks"
MOST_UNWINDS = 1_000
"""How often a thread is asked to end after its execution is over; then it is left behind."""


class Uncontrolled(Exception):
    """A thread does something that never ends, or that waits for what is not controlled."""


class NotControlled(AttributeError):
    """Something of a module that a search cannot control."""


class Unwound(BaseException):
    """Ends a thread whose execution is over."""


@dataclass(slots=True)
class AskedClasses:
    """What was found out about classes, which stay what they are as long as an execution lasts."""

    hooked: dict[type, bool] = field(default_factory=dict)
    """Whether they have hooks."""
    accounted_attributes: dict[tuple[type, str], bool] = field(default_factory=dict)
    """Whether reading an attribute does nothing that is not announced."""


class Execution:
    """Threads from their beginning on; whoever made it moves them, one step after another."""

    is_set_up = False
    """Whether what threads share is made: only threads start others from then on."""
    clock = 0.0
    """The virtual time, in seconds: it goes on where a thread sleeps or its time-out fires."""
    locks_off: Set[tuple[str, int]] = frozenset()
    """Where locks are made that do nothing."""
    has_looked_at_clock = False
    has_drawn = False
    """Whether something was drawn at random."""

    def __init__(
        self,
        files: Set[str] = frozenset(),
        marks: Container[Mark] = (),
        *,
        keeps: bool = True,
        with_gil: bool = False,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        """The beginning of an execution.

        - files: those of the user's own code, in which the place of each step is recorded; none: no place is.
        - marks: the sites whose accesses are steps, and the names of attributes that are looked for on classes as well.
        - keeps: as for `Identities`; False where code looks at when objects end.
        - with_gil: whether threads are changed only where a Python with the GIL may do so.
        - on_thread: called before each thread that is added.
        """
        self._on_thread = on_thread
        self.with_gil = with_gil
        self.files = files
        self.identities = Identities(keeps=keeps)
        self.marks = marks
        self.raced: set[Mark] = set()
        """Sites of accesses that the steps did not order, of which at least one was no step; names that came to be on classes."""
        self.threads: list[Controlled] = []
        self.moved: list[Moved] = []
        self.left_behind: list[str] = []
        """Threads that did not end when the execution was over."""
        self.by_ident: dict[int, Controlled] = {}
        self._baton = Baton()
        self._is_over = False
        self._given = 0
        self._cells = Parts(self.identities, count(LIFE + 1).__next__)
        self._accesses = Parts(self.identities, Accesses)
        self._goers: Parts[set[int]] = Parts(self.identities, set)
        """For each generator, the threads that have gone on with it."""
        self._access_steps: dict[tuple[int, tuple[tuple[int, bool], ...]], Step] = {}
        """The steps that are accesses, by site and cells."""
        self._order = Ordered()
        self.locks_made: dict[tuple[str, int], str] = {}
        """Where locks were made, by file and line, each with its kind."""
        self.unaccounted: dict[str, int] = {}
        """What threads did that is not announced, each with a site where they did."""
        self.classes = AskedClasses()
        self.unseen_time: list[int] = []
        """The sites of loops that sleep in each turn, of which not all turns were made."""
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
        self._on_thread()
        begun_by = self.here()
        self._order.begin(made.number, None if begun_by is None else begun_by.number)
        try:
            has_arrived = self._baton.start(self._run, made)
        except RuntimeError as error:
            made.has_ended = True
            raise Uncontrolled(f"{name} could not be started: {error}") from None
        if not has_arrived:
            raise Uncontrolled(self._where(made))
        return made

    def move(self, number: int, alternative: int = 0) -> None:
        """Let an enabled thread make its next step, in one of its ways, and run to the point after it."""
        one = self._to_move(number, alternative)
        if not self._baton.give(one):
            raise Uncontrolled(self._where(one))
        self._check(one)

    def drive(self, choose: Callable[[], Chosen | None]) -> None:
        """Let the threads move one another, as a function chooses at each point, until it gives None.

        It is called by whichever thread has come to its point; what it raises is raised here, once all threads wait.
        """
        trouble: list[BaseException] = []

        def following() -> Controlled | None:
            if self.moved and _is_trouble(self._last.fault):
                return None
            try:
                chosen = choose()
                return None if chosen is None else self._to_move(*chosen)
            except BaseException as error:
                trouble.append(error)
                return None

        if not self._baton.circulate(following, self.moved.__len__):
            raise Uncontrolled(self._where(self._last))
        if self.moved:
            self._check(self._last)
        for error in trouble:
            raise Uncontrolled(_TOO_DEEP.format(self._last.name)) if isinstance(error, RecursionError) else error

    @property
    def _last(self) -> Controlled:
        """The thread that has made the last step."""
        return self.threads[self.moved[-1].thread]

    def _to_move(self, number: int, alternative: int) -> Controlled:
        """Note that a thread makes its next step."""
        one = self.threads[number]
        assert one.next is not None
        one.alternative = alternative
        one.is_late = not one.next.is_ready()
        self.moved.append(Moved(number, one.next, one.is_late, self.place_of(one)))
        for cell, writes in self.touches(one):
            self._order.step(number, cell, writes=writes)
            if writes:
                self.watched.change(cell)
        return one

    @staticmethod
    def _check(one: Controlled) -> None:
        """Raises Uncontrolled where what a thread does cannot be controlled."""
        if isinstance(one.fault, NotControlled | Uncontrolled):
            raise Uncontrolled(str(one.fault))
        if isinstance(one.fault, RecursionError):  # hooks have frames of their own
            raise Uncontrolled(_TOO_DEEP.format(one.name))

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

    def touches(self, one: Controlled) -> Sequence[tuple[int, bool]]:
        """The cells that a thread's next step touches, each with whether it changes it.

        What a daemon does depends on whether the program goes on, and so on the ends and the rests of other threads.
        """
        step = one.next
        assert step is not None
        out: tuple[tuple[int, bool], ...] = ((step.cell, step.writes), *step.more)
        if step.has_timeout:
            out += ((CLOCK, True),)
        if one.daemon:
            out += ((LIFE, False),)
        elif (step.kind == "end" or one.is_worker) and any(other.daemon for other in self.threads):
            out += ((LIFE, True),)
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
                if not self._baton.give(one):
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
        self._baton.give_on(one, waits=False)

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
        opening, one.opening = one.opening, None
        one.next = step if opening is None else step._replace(more=(*step.more, *opening.cells))
        one.is_parked = True
        one.accesses.clear()
        self._baton.give_on(one)
        one.is_parked = one.may_switch = False
        if self._is_over:
            raise Unwound
        if opening is not None:
            opening.made()
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
        if self.identities.mixed_up is not None:
            self.unaccounted.setdefault(f"the __dict__ of {self.identities.mixed_up}, kept by itself", site)

    def _access_step(self, parts: Sequence[Part], site: int) -> Step:
        cells = tuple([(self._cells.of(owner, name), writes) for owner, name, writes in parts])
        made = self._access_steps.get((site, cells))
        if made is None:
            kind, about = "write" if any(writes for _, writes in cells) else "read", SITES[site]
            made = Step(kind, *cells[0], f"{kind} {about.what}", about, more=cells[1:])
            self._access_steps[site, cells] = made
        return made

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


def _is_trouble(fault: BaseException | None) -> bool:
    return isinstance(fault, NotControlled | Uncontrolled | RecursionError)


def _forget(ident: int) -> None:
    """Take out of `threading` what stands there for a thread that it did not start and was asked about, as by `logging`."""
    getattr(threading, "_active", {}).pop(ident, None)
