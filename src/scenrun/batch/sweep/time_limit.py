"""The time limit of a cell: an alarm signal first, and the end of the whole process if the alarm has no effect."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TextIO

GRACE_S = 3.0
"""Seconds from the alarm of a cell to the end of its process."""
_AGAIN_S = 1.0
"""Seconds between repeated alarms: one is lost if it comes where an exception cannot be raised."""


class TooLong(BaseException):
    """Raised when a cell's time is over; a BaseException, so that no `except Exception` catches it."""


def too_long(limit_s: float) -> str:
    """The error of such a cell."""
    return f"took longer than the limit of a cell, {limit_s:g} s"


@contextmanager
def within(limit_s: float | None) -> Iterator[None]:
    """Raises TooLong if the body takes longer than `limit_s` seconds. Works in a process's main thread only."""
    if limit_s is None or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    rung: list[int] = []

    def ring(number: int, frame: Any) -> None:
        rung.append(number)
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    # Code that never returns to the interpreter sees no signal; faulthandler's own thread needs no cooperation.
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True, file=_nowhere())
    signal.setitimer(signal.ITIMER_REAL, limit_s, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
    if rung:  # the exception was swallowed, or the cell ended after its time
        raise TooLong


@cache
def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # kept open: faulthandler writes to it when it ends the process
