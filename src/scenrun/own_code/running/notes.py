"""What a thread under control notes of itself: that it may be changed, that it draws, that it makes no steps for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scenrun.own_code.running import control


def note_switch_point() -> None:
    """Note that the thread that asks is where a Python with the GIL may change threads."""
    found = control.here()
    if found is not None:
        found[1].may_switch = True


def note_draw() -> None:
    """Note that something is drawn at random."""
    if control.current is not None:
        control.current.has_drawn = True


@contextmanager
def quietly(unheard: str = "") -> Iterator[None]:
    """Runs the body without steps of the thread that runs it.

    unheard: what it is that accesses something in it although it should not: it is named as not announced. Empty: nothing is.
    """
    found = control.here()
    if found is None:  # also where the thread that runs it makes no steps already
        yield
        return
    found[1].is_quiet, found[1].unheard = True, unheard
    try:
        yield
    finally:
        found[1].is_quiet = False
