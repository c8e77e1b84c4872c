"""Who runs: of all controlled threads, and of whoever moves them, one at a time."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from contextlib import suppress

from scenrun.own_code.running.steps import Controlled, locked

PATIENCE_S = 5.0
"""Seconds within which a thread comes to its next point; past them, what it does is not controlled."""


class Baton:
    """Goes from whoever moves to a thread and back; or from thread to thread, which takes half as many changes of threads."""

    def __init__(self) -> None:
        self._back = locked()
        """Taken by whoever gave the baton away and waits for it."""
        self._following: Callable[[], Controlled | None] | None = None

    def start(self, run: Callable[[Controlled], None], one: Controlled) -> bool:
        """Start a thread, and wait for its first point; returns whether it came there. Raises RuntimeError where it cannot."""
        starter, back = self._back, locked()
        self._back = back
        try:  # a thread of its own, as locals of threads and contexts must be new
            _thread.start_new_thread(run, (one,))
            return bool(back.acquire(timeout=PATIENCE_S))
        finally:
            self._back = starter

    def give(self, one: Controlled) -> bool:
        """Give it to a thread, and wait until it comes back; returns whether it did."""
        back = self._back  # as it is now: a thread that starts another one waits for that by a lock in its place
        one.turn.release()
        return bool(back.acquire(timeout=PATIENCE_S))

    def circulate(self, following: Callable[[], Controlled | None], made: Callable[[], int]) -> bool:
        """Let threads give it on to one another, and wait until it comes back; returns whether it did.

        - following: gives the next thread; None: the baton comes back.
        - made: how many steps were made; as long as there are more of them, it is waited for.
        """
        first, back = following(), self._back
        if first is None:
            return True
        self._following = following
        try:
            first.turn.release()
            steps = made()
            while not back.acquire(timeout=PATIENCE_S):
                if made() == steps:
                    return False
                steps = made()
            return True
        finally:
            self._following = None

    def give_on(self, one: Controlled, *, waits: bool = True) -> None:
        """A thread has come to its point, or to its end; with `waits`, this returns when it has the baton again."""
        to = None
        if self._following is not None and not one.is_new:
            was_quiet, one.is_quiet = one.is_quiet, True  # to choose is no part of what it does
            try:
                to = self._following()
            finally:
                one.is_quiet = was_quiet
        one.is_new = False
        if to is one:
            return
        with suppress(RuntimeError):  # nobody waits any more for one that was left behind
            (self._back if to is None else to.turn).release()
        if waits:
            one.turn.acquire()
