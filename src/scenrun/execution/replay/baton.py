"""The baton: lets one real thread at a time take its next step, in the order of a schedule's moves.

A thread requests its turn before each step of the model and is blocked until its move comes. Its move is finished when it
requests the next turn, ends, or is parked inside a wait. The schedule contains only moves that are enabled in the model, so
the operation of each returns at once; if it does not, the replay has failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import perf_counter_ns as now

from msgspec import Struct

from scenrun.execution.site import Site
from scenrun.execution.threads.context import TURN, Context, Cut, Wait
from scenrun.model.moves import COMES, ResolvedMove
from scenrun.model.state import LEAVING


class _Asking(Struct):
    """The request of a thread or task for its turn; `let_on` lets it go on."""

    pc: int
    phase: int
    let_on: Callable[[], object]
    site: Site | None = None
    is_taken: Callable[[], bool] = lambda: False
    """Whether a worker takes it even where nothing is executed in its move."""

    def __str__(self) -> str:
        if self.site is None:
            return "has not begun"
        where = f"{self.site.instruction.step} (line {self.site.line})"
        return f"is about to do {'leave' if self.pc == LEAVING else self.site.op} at {where}, action {self.phase + 1}"


class Baton:
    """Passes from move to move on the thread that finishes a move, so that it needs no thread of its own.

    `frees`: whether threads go on without the baton after the last move.
    """

    def __init__(self, made: Sequence[ResolvedMove], frees: bool) -> None:
        self._made = made
        self._frees = frees
        self._own: dict[str, list[ResolvedMove]] = {}
        """The moves of each thread, in order."""
        for one in made:
            self._own.setdefault(one.move.thread, []).append(one)
        self._passing = threading.Lock()
        self._asking: dict[str, _Asking] = {}
        self._gone: set[str] = set()
        self._next = 0
        self._mover: str | None = None
        self._taken: dict[str, int] = {}
        """The number of moves that each thread has begun."""
        self.is_through = False
        """Whether all moves were made."""
        self.is_free = False
        """Whether threads go on without the baton."""
        self.failed: str | None = None
        """Why the schedule could not be followed to its end; None as long as it can."""
        self.moved_ns = now()
        """When a move last began or finished, in nanoseconds of `perf_counter_ns`."""
        self.when_free: list[Callable[[], object]] = []
        self.when_over: Callable[[], object] = lambda: None

    # --- called by threads

    def ask(self, me: Context, site: Site, pc: int, phase: int = 0) -> ResolvedMove | None:
        """Blocks until the thread's turn comes; returns the move to make, None if the threads go on without the baton."""
        if me.cut:
            raise Cut
        with self._passing:
            if self.is_free:
                return None
            me.seen, me.wait = site, Wait(TURN, None, None, now(), site)
            self._finished(me.name)  # a thread that requests its next turn has finished its move
            self._asking[me.name] = _Asking(pc, phase, me.gate.release, site)
            self._pass_on()
        me.gate.acquire()
        me.wait = None
        if me.cut:
            raise Cut
        return None if self.is_free else self._own[me.name][self._taken[me.name] - 1]

    def is_cut_short(self, me: Context, made: ResolvedMove) -> bool:
        """Whether the operation that a thread is about to do will time out, at once or after it was parked."""
        if made.move.expires:
            return True
        own = self._own[me.name][self._taken[me.name] :]
        if own and own[0].move.op == COMES:  # those of interrupts come in between
            own = [one for one in own if one.move.step == made.move.step and one.move.phase]
        following = own[0] if own else None
        return (
            following is not None and following.move.expires and following.pc == made.pc and following.move.phase == 1
        )

    def queued(self, name: str, begin: Callable[[], object], pc: int, is_taken: Callable[[], bool]) -> None:
        """Requests the turn of a queued task to begin.

        begin: lets a worker take it. is_taken: whether a worker takes it even if it was cancelled.
        """
        with self._passing:
            if self.is_free:
                return
            self._asking[name] = _Asking(pc, 0, begin, is_taken=is_taken)
            self._pass_on()

    def left(self, name: str) -> None:
        """Notes that a thread has ended and its end is visible to the others."""
        with self._passing:
            self._gone.add(name)
            self._finished(name)
            self._pass_on()

    @property
    def is_moving(self) -> bool:
        """Whether moves are left to make and none has failed."""
        return not self.is_through and self.failed is None

    # --- passing on

    def _finished(self, name: str) -> None:
        if name == self._mover:
            self._mover = None
            self._next += 1
            self.moved_ns = now()

    def _pass_on(self) -> None:
        """Lets the thread of the next move go on, if no move is under way and that thread has requested its turn."""
        while self._mover is None and self.is_moving:
            if self._next == len(self._made):
                self.is_through = True
                if self._frees:
                    self._free()
                self.when_over()
                return
            made = self._made[self._next]
            name = made.move.thread
            asking = self._asking.get(name)
            if made.is_void and (asking is None or not asking.is_taken()):
                self._asking.pop(name, None)
                self._next += 1
                continue
            if asking is None:
                if name in self._gone:
                    self.fail(f"{name} has ended already")
                return
            phase = asking.phase if made.move.op == COMES else made.move.phase
            if (asking.pc, asking.phase) != (made.pc, phase):
                self.fail(f"{name} {asking}")
                return
            del self._asking[name]
            self._mover = name
            self._taken[name] = self._taken.get(name, 0) + 1
            self.moved_ns = now()
            asking.let_on()

    def fail(self, reason: str) -> None:
        """Notes why the real threads do not follow the model, and ends the replay."""
        if self.failed is None and not self.is_through:
            self.failed = f"{self.place()}: {reason}"
            self.when_over()

    def place(self) -> str:
        """Describes the move that is under way or is next."""
        if self._next >= len(self._made):
            return "after the last move"
        return f"move {self._next + 1:,} of {len(self._made):,} ({self._made[self._next].move})"

    def is_on_its_way(self) -> str:
        """Describes why the next move is not finished."""
        made = self._made[min(self._next, len(self._made) - 1)].move
        return "it did not return at once" if self._mover is not None else f"{made.thread} did not come to it"

    def close(self) -> None:
        """Lets every blocked thread go on, without the baton from here on."""
        with self._passing:
            self._free()

    def _free(self) -> None:
        if self.is_free:
            return
        self.is_free = True
        for asking in list(self._asking.values()):
            asking.let_on()
        self._asking.clear()
        for tell in self.when_free:
            tell()
