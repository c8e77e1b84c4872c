"""Turns of `while` loops that change nothing: a thread that waits by looking again and again waits until what it saw is changed.

A turn is idle if between two looks at the loop's condition the thread writes nothing that is shared, calls nothing that is not
accounted for, makes no step but reads, and the variables of its function are the same. Then all further turns are alike until
another thread changes something that was read; so they need not be made. Without this, no search of a loop that spins would end.
"""

from __future__ import annotations

import sys
from typing import Any

from scenrun.own_code.hooking.sites import SITES
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import CLOCK, Execution
from scenrun.own_code.running.steps import Controlled, Step

FIRST_LAPSE_S = 0.001
"""How long the first idle turn lasts of a loop that looks at the clock; each one after it lasts twice as long."""
SPIN = "spin"
"""The kind of the step of a thread that waits in a loop."""


COMPARED = (int, str, bytes, bool)
"""Types whose objects are the same for everybody if they are equal; 0.0 and -0.0 are equal, and are not the same."""


class Loop:
    """The last look at the condition of a `while` loop, in one call of its function."""

    __slots__ = ("busy", "lapse", "values")

    def __init__(self) -> None:
        self.busy = -1
        self.values: dict[str, Any] = {}
        self.lapse = FIRST_LAPSE_S


def enter(site: int) -> None:
    """A loop is about to begin."""
    found = control.here()
    if found is not None:
        found[1].loops.pop((id(sys._getframe(1)), site), None)


def turn(site: int) -> bool:
    """A loop is about to look at its condition, the first time or once more."""
    found = control.here()
    if found is None or not found[0].identities.keeps:  # what is remembered here would live on
        return True
    execution, one = found
    execution.watched.is_used = True
    frame = sys._getframe(1)
    loop = one.loops.setdefault((id(frame), site), Loop())
    values = dict(frame.f_locals)
    if loop.busy == one.busy and _are_same(loop.values, values):
        _wait(execution, one, loop, site)
        loop.busy = -1  # one more turn, to see what has changed
        return True
    loop.busy, loop.values = one.busy, values
    return True


def _are_same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return before.keys() == now.keys() and all(_is_same(before[name], value) for name, value in now.items())


def _is_same(before: Any, now: Any) -> bool:
    return before is now or (type(before) is type(now) and type(now) in COMPARED and before == now)


def _wait(execution: Execution, one: Controlled, loop: Loop, site: int) -> None:
    """Wait until something is changed that the thread has read; if it has looked at the clock, let time pass."""
    if CLOCK in one.reads:
        execution.point(Step("sleep", CLOCK, True, "let time pass", SITES[site]))
        execution.clock += loop.lapse
        loop.lapse *= 2
        return
    if execution.watched.watch(one):  # it saw what was there before
        one.reads.clear()
        return
    if one.has_slept:  # other turns would let more time pass
        execution.unseen_time.append(site)
        execution.compare_clocks()
    first, *others = one.reads or (execution.cell_of(one, SPIN),)
    more = tuple((cell, False) for cell in others)
    execution.point(Step(SPIN, first, False, "look again", SITES[site], lambda: one.is_woken, more=more))
