"""Ends a cell that takes too long: by an alarm first, and with its whole process where that is of no use."""

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
"""How long after its alarm a cell may take to end before its process is ended."""
_AGAIN_S = 1.0
"""How often the alarm is raised again: the first may be lost where an exception cannot be raised."""


class TooLong(BaseException):
    """A cell's time is over; no `except Exception` keeps it."""


def too_long(limit_s: float) -> str:
    """What is said of such a cell."""
    return f"took longer than the limit of a cell, {limit_s:g} s"


@contextmanager
def within(limit_s: float | None) -> Iterator[None]:
    """Raise TooLong where what is done takes longer. Only a process's main thread can be stopped so."""
    if limit_s is None or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    rung: list[int] = []

    def ring(number: int, frame: Any) -> None:
        rung.append(number)
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True, file=_nowhere())
    signal.setitimer(signal.ITIMER_REAL, limit_s, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
    if rung:  # what was raised has been taken for the cell's own
        raise TooLong


@cache
def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # kept open: a process that is ended writes its last words there
