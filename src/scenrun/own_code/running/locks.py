"""The locks of controlled threads: to take one, and to give it back, are steps. One may do nothing, to see what it is for."""

from __future__ import annotations

import os
import sys

from scenrun.own_code.hooking.with_blocks import calls_to_enter
from scenrun.own_code.running import control, notes
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.running.steps import Step

OUTSIDE = -1
"""The owner of a lock that no controlled thread holds, such as one that the setup has acquired."""
IN_QUIET = "a handler, filter or text of your own waits for a lock while `logging` holds one of its own"
WOULD_BLOCK = "this would block, and no other thread is there to end it"


class Lock:
    """`threading.Lock`."""

    _noun = "lock"

    def __init__(self) -> None:
        self._owner: int | None = None
        self._depth = 0
        self._is_off = _is_off(self._noun)
        if self._is_off:
            self._is_owned = _always  # a condition asks that

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; returns False where it was not free in time."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if self._is_off:
            return True
        found = control.here()
        if found is None:
            return self._acquired_outside(blocking, timeout)
        execution, me = found
        waits = blocking and timeout != 0
        ready = (lambda: self._is_free_for(me.number)) if waits else None
        step = Step(
            "acquire",
            execution.cell_of(self, "lock"),
            True,
            f"acquire a {self._noun}",
            None,
            ready,
            waits and timeout > 0,
        )
        if execution.point(step):
            execution.clock += timeout
        if not self._is_free_for(me.number):
            return False
        self._owner, self._depth = me.number, self._depth + 1
        return True

    def _acquired_outside(self, blocking: bool, timeout: float) -> bool:
        if self._is_free_for(OUTSIDE):
            self._owner, self._depth = OUTSIDE, self._depth + 1
            return True
        waits = blocking and timeout != 0
        if waits and control.is_quiet():
            raise Uncontrolled(IN_QUIET)
        if waits and timeout > 0:  # nobody gives it back in the meantime
            control.pass_time(timeout)
            return False
        if waits:
            raise RuntimeError(WOULD_BLOCK)
        return False

    def _is_free_for(self, number: int) -> bool:
        return self._owner is None

    def release(self) -> None:
        """Give it back."""
        if self._is_off:
            return
        self._announce("release")
        self._check_release()
        self._depth -= 1
        if not self._depth:
            self._owner = None

    def _check_release(self) -> None:
        if self._owner is None:
            raise RuntimeError("release unlocked lock")

    def _announce(self, kind: str) -> None:
        if (found := control.here()) is not None:
            execution, _ = found
            execution.point(Step(kind, execution.cell_of(self, "lock"), kind != "look", f"{kind} a {self._noun}"))

    def locked(self) -> bool:
        """Whether somebody holds it."""
        self._announce("look")
        return self._owner is not None

    def __enter__(self) -> bool:
        found = self.acquire()
        if calls_to_enter():
            notes.note_switch_point()
        return found

    def __exit__(self, *error: object) -> None:
        self.release()
        notes.note_switch_point()

    def _at_fork_reinit(self) -> None:
        self._owner, self._depth = None, 0


class RLock(Lock):
    """`threading.RLock`."""

    _noun = "rlock"

    def _is_free_for(self, number: int) -> bool:
        return self._owner is None or self._owner == number

    def _check_release(self) -> None:
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")

    def _is_owned(self) -> bool:
        found = control.here()
        return self._owner == (OUTSIDE if found is None else found[1].number)

    def _release_save(self) -> tuple[int, int | None]:
        """Give it back however often it is held; a condition's wait does."""
        if self._is_off:
            return 0, None
        self._announce("release")
        self._check_release()
        kept = self._depth, self._owner
        self._depth, self._owner = 0, None
        return kept

    def _acquire_restore(self, kept: tuple[int, int | None]) -> None:
        if self._is_off:
            return
        self.acquire()
        self._depth, self._owner = kept


_HERE = os.path.dirname(os.path.dirname(__file__))


def _is_off(noun: str) -> bool:
    """Whether a lock that is made now does nothing. Where it is made is noted."""
    if control.current is None:
        return False
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    place = frame.f_code.co_filename, frame.f_lineno
    control.current.locks_made.setdefault(place, noun)
    return place in control.current.locks_off


def _always() -> bool:
    return True
