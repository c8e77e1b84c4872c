"""Interrupts in virtual time: code that comes at a moment that the seed decides, between two steps of a thread or in a wait.

What comes runs on the thread itself, whose own steps stand still meanwhile: a generator above that of the thread's code. A
thread that waits is taken out of its line for it, and looks again afterwards, as one that was woken in vain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from scenrun.execution.simulator.clock import Clock
from scenrun.execution.simulator.threads import SimulatedThread, Steps
from scenrun.program.draws import Draws
from scenrun.program.ir import Interrupt

LATEST, SCALE_NS = 17, 1_000
"""An interrupt comes at most 2**17 times so many nanoseconds after its thread has begun."""
_KEPT = ("action", "arguments", "code", "deadline", "fault", "left_with", "memo", "objects", "site", "waited_ns")
"""What an interrupt must leave of a thread as it was."""


class Host(Protocol):
    """The part of a simulation that this module uses."""

    seed: int
    clock: Clock

    def interrupt(self, me: SimulatedThread, interrupt: Interrupt, t: int) -> Steps:
        """Logs that an interrupt comes in a thread at a moment; returns its steps, stopped before the first."""

    def resumed(self, me: SimulatedThread, interrupt: Interrupt, t: int) -> None:
        """Logs that it is over."""


def kept(me: SimulatedThread) -> dict[str, Any]:
    """What an interrupt must leave of a thread as it was, which may be about to end with a fault."""
    return {name: getattr(me, name) for name in _KEPT}


def restore(me: SimulatedThread, before: dict[str, Any]) -> None:
    """Gives a thread back what it had before an interrupt."""
    for name, value in before.items():
        setattr(me, name, value)


class Interruptible:
    """Resumes a thread in which interrupts come, in the place of its `send`."""

    def __init__(self, me: SimulatedThread, interrupts: Iterable[Interrupt], host: Host) -> None:
        draws = Draws(host.seed, f"{me.name} is interrupted")
        every = [one for one in interrupts for _ in range(one.times)]
        self._planned = sorted(((_moment(draws), one) for one in every), key=lambda pair: pair[0])
        self._me, self._own, self._host = me, me.send, host
        self._began: int | None = None
        self._steps: Steps | None = None
        """Those of the interrupt that is running."""
        self._now: Interrupt = self._planned[0][1]
        """The one that is running, or ran last."""
        self._before: dict[str, Any] = {}
        self._sleeps_until: int | None = None
        """When the thread's own sleep ends, where an interrupt has come into it or is to."""

    def __bool__(self) -> bool:
        """Whether one may come now: none comes in another."""
        return bool(self._planned) and self._steps is None

    def send(self, moments: tuple[int, int]) -> int:
        """Resumes the thread with (now, until); returns the moment at which it stopped."""
        t, until = moments
        if self._began is None:
            self._began = t
        while True:
            if self._steps is not None:
                try:
                    return self._steps.send((t, until))
                except StopIteration as over:
                    t = over.value
                    self._leave(t)
            due = self._due()
            if due is not None and due <= t and self._me.has_begun:
                self._come(t)
                continue
            if self._sleeps_until is not None and t < self._sleeps_until:
                return self._sleep_on(t)
            self._sleeps_until = None
            t = self._own((t, until if due is None else min(until, max(due, t))))
            if self._me.ended:
                return t
            if self._me.parked:
                self._stay_ready()
                return t
            if due is None or due > t or t >= until:
                return t

    def _due(self) -> int | None:
        """The moment at which the next interrupt comes; None where none is left."""
        assert self._began is not None
        return self._began + self._planned[0][0] if self._planned else None

    def _come(self, t: int) -> None:
        _, self._now = self._planned.pop(0)
        self._before = kept(self._me)
        self._steps = self._host.interrupt(self._me, self._now, t)

    def _leave(self, t: int) -> None:
        self._steps = None
        restore(self._me, self._before)
        self._host.resumed(self._me, self._now, t)

    def _stay_ready(self) -> None:
        """Has a thread that waits woken at the moment of the next interrupt, if nothing wakes it before."""
        me, due = self._me, self._due()
        if due is None:
            return
        if me.phase is None:
            self._sleeps_until = me.wakes_ns
        if not me.timer or me.wakes_ns > due:
            self._host.clock.wake_at(me, due)

    def _sleep_on(self, t: int) -> int:
        """Sleeps for what is left of a sleep that an interrupt has come into."""
        me = self._me
        assert self._sleeps_until is not None
        me.parked, me.since_ns = True, t
        due = self._due()
        self._host.clock.wake_at(me, self._sleeps_until if due is None else min(due, self._sleeps_until))
        return t


def _moment(draws: Draws) -> int:
    """How long after its thread has begun an interrupt comes: soon as often as much later."""
    return SCALE_NS * draws.randint(0, 2 ** draws.randint(0, LATEST))
