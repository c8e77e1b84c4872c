"""Data races of one execution: conflicting accesses of which neither happens before the other, by vector clocks.

Flanagan and Freund, FastTrack: Efficient and Precise Dynamic Race Detection (PLDI 2009): an access is an epoch, a
thread and the time of its clock. Departure: of every thread the last access at each place is kept, not only the last
write of all, so that a race does not hide the next one. The order of steps is defined in `happens_before.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scenrun.model.interruptions import INTERRUPT
from scenrun.model.machine import Machine, Transition
from scenrun.model.state import State
from scenrun.search.properties.accesses import Access, Race, Touch, Watching, accessed, locks_of
from scenrun.search.properties.happens_before import Order, Step
from scenrun.search.properties.lock_holders import Holders


def races_along(machine: Machine, transitions: Iterable[Transition]) -> list[Race]:
    """The races of the execution with these transitions from the initial state, in the order of their second accesses."""
    following = Following(machine)
    for transition in transitions:
        following.follow(transition)
    return list(following.races.values())


class Following:
    """Follows an execution from the initial state and collects its races."""

    def __init__(self, machine: Machine) -> None:
        self.machine = Watching.over(machine)
        self.state: State = machine.initial()
        self.order = Order()
        self.holders = Holders(machine)
        self.races: dict[Any, Race] = {}
        self._last: dict[int, dict[tuple[int, Touch], tuple[int, Access]]] = {}
        """For each variable, each thread's last access at each place: the time of its clock, and the access for the report."""
        self._count = 0

    def follow(self, transition: Transition) -> None:
        """Advance by one transition."""
        before, after = self.state, self.machine.step(self.state, transition)
        assert after is not None, "the transition is not enabled"
        if transition.alternative <= INTERRUPT:  # it comes in the thread's own order, and touches nothing
            self.state = after
            self._count += 1
            return
        thread = before.threads[transition.thread]
        step = Step(
            transition.thread,
            thread,
            self.machine.node_of(thread),
            self.machine.outcome,
            transition.expires,
            before,
            after,
        )
        self.order.begin(step)
        locks = locks_of(self.holders, thread.who.name) if self.machine.touched else ()
        for touch in dict.fromkeys(self.machine.touched):
            self._access(transition.thread, touch, accessed(thread, touch, locks))
        self.order.end(step)
        self.holders.follow(before, transition, after)
        self.state = after
        self._count += 1

    def _access(self, me: int, touch: Touch, access: Access) -> None:
        known = self._last.setdefault(touch.slot, {})
        for (other, before), (time, earlier) in known.items():
            if other != me and before.conflicts(touch) and not self.order.is_before(other, time, me):
                race = Race(self.machine.slots.label(touch.slot), earlier, access, at=self._count)
                self.races.setdefault(race.pair, race)
        known[me, touch] = self.order.time_of(me), access
