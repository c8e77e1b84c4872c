"""Performs operations in virtual time: a thread completes one at once, or parks at its objects and is woken in order."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scenrun.execution.simulator.actions import Phase, SitedAction
from scenrun.execution.simulator.clock import Clock
from scenrun.execution.simulator.costs import Costs
from scenrun.execution.simulator.schedulers.scheduler import Scheduler
from scenrun.execution.simulator.threads import SimulatedThread
from scenrun.execution.site import Site
from scenrun.program.primitives.kinds import Failed, Then


def alarm(phase: Phase, deadline: int | None, t: int) -> int | None:
    """Returns the moment at which a wait ends by itself; None without a time-out, and for one that is up and cannot fire yet."""
    return None if phase.expire is None or deadline is None or deadline <= t else deadline


def places(phase: Phase, objects: tuple[Any, ...]) -> list[Any]:
    """Returns the objects that may enable a phase, each once."""
    return [objects[at] for at in phase.waits_at] if phase.waits_at else list(dict.fromkeys(objects))


def _line_of(phase: Phase, objects: tuple[Any, ...], me: SimulatedThread) -> Any:
    """Returns the key of the line in which a thread waits: that of all whose phase is enabled when its first one is."""
    if not phase.waits_at:
        return phase, me
    return (phase, objects[0]) if phase.together else phase


class Operations:
    """Operations on simulated objects; passes threads that become ready to the scheduler."""

    def __init__(self, scheduler: Scheduler, costs: Costs) -> None:
        self.scheduler = scheduler
        self._ready = scheduler.add
        self.wakes_all = scheduler.wakes_all
        self.costs = costs
        self.clock = Clock()

    def do(self, me: SimulatedThread, at: SitedAction, objects: Any, arguments: tuple[Any, ...], t: int) -> Any:
        """Performs an operation in which no thread ever waits; returns its result."""
        act = at.action
        outcome = act.phases[0].act(objects, me, arguments, None)
        assert outcome is not None
        objects[0].noted(act.operation.name, 0, outcome, objects, me, t)
        me.waited_ns = 0
        if isinstance(outcome, Failed):
            self._fail(me, at.site, outcome, objects)
        for made in objects:
            if made.waiting:
                self.wake(made, t)
        return getattr(outcome, "result", None)

    def operate(
        self,
        me: SimulatedThread,
        at: SitedAction,
        objects: tuple[Any, ...],
        arguments: tuple[Any, ...],
        t: int,
        until: int,
    ) -> Any:
        """Performs an operation in which the thread may have to wait: a generator that returns (result, t, until)."""
        act = at.action
        timeout = None if act.timeout_at is None else arguments[act.timeout_at]
        deadline = None if timeout is None else t + timeout
        waited, has_waited, memo, cost = 0, False, None, self.costs.of(act.op)
        me.site = at.site
        name, first = act.operation.name, objects[0]
        for number, phase in enumerate(act.phases):
            while True:
                outcome = phase.act(objects, me, arguments, memo)
                if outcome is None and deadline is not None and t >= deadline and phase.expire is not None:
                    outcome = phase.expire(objects, me, arguments, memo)
                if outcome is not None:
                    break
                me.action, me.arguments, me.memo = act, arguments, memo
                self.park(me, phase, objects, alarm(phase, deadline, t), t, has_waited)
                since = t
                t, until = yield t
                waited += t - since
                has_waited = True
            first.noted(name, number, outcome, objects, me, t)
            for made in objects:
                if made.waiting:
                    self.wake(made, t)
            if not isinstance(outcome, Then):
                break
            memo = outcome.memo
            me.moves += 1
            t += cost
            # A thread whose next phase is not enabled parks at once, with no turn of others in between: so threads stand
            # in the next line in the order in which they came.
            if t >= until and act.phases[number + 1].enabled(objects, me, arguments, memo):
                t, until = yield t
        me.waited_ns = waited
        me.waited_total_ns += waited
        first.waited_for(name, waited if has_waited else None)
        if isinstance(outcome, Failed):
            me.resumed = t, until
            self._fail(me, at.site, outcome, objects)
        return getattr(outcome, "result", None), t, until

    def _fail(self, me: SimulatedThread, site: Site, failed: Failed, objects: tuple[Any, ...]) -> None:
        """Raises the fault of an operation and counts it as a step, unless the operation is part of an atomic step."""
        if not site.instruction.option("atomic"):
            me.moves += 1
            me.due_ns = self.costs.of(site.op)
        raise failed.fault(*(made.label for made in objects[:2]))

    def park(
        self, me: SimulatedThread, phase: Phase, objects: tuple[Any, ...], deadline: int | None, t: int, again: bool
    ) -> None:
        """Parks the thread at its objects, and until `deadline` if there is one; `again`: it had been woken in vain."""
        me.parks += 1
        me.parked, me.phase, me.objects, me.since_ns, me.deadline = True, phase, objects, t, deadline
        key = _line_of(phase, objects, me)
        for made in places(phase, objects):
            made.waiting += 1
            line = made.lines.get(key)
            if line is None:
                line = made.lines[key] = OrderedDict()
            line[me] = None
            if again and not phase.together:
                line.move_to_end(me, last=False)  # it was first in line, but another thread was faster
        if deadline is not None:
            self.clock.wake_at(me, deadline)

    def unpark(self, thread: SimulatedThread) -> None:
        """Takes a parked thread out of its lines and passes it to the scheduler."""
        phase = thread.phase
        if phase is not None:
            objects = thread.objects
            key = _line_of(phase, objects, thread)
            for made in places(phase, objects):
                made.waiting -= 1
                line = made.lines[key]
                del line[thread]
                if not line and phase.together:  # keyed by object as well, empty ones would accumulate
                    del made.lines[key]
            thread.phase = None
        thread.parked = False
        thread.timer = 0
        self._ready(thread)

    def wait(
        self, me: SimulatedThread, at: SitedAction, objects: tuple[Any, ...], arguments: tuple[Any, ...], t: int,
        again: bool = False,
    ) -> None:  # fmt: skip
        """Parks the thread in an operation on one object that has one phase and no timeout: `park` for generated code."""
        act = at.action
        phase, (made,) = act.phases[0], objects
        me.site, me.action, me.arguments = at.site, act, arguments
        me.parks += 1
        me.parked, me.phase, me.objects, me.since_ns, me.deadline = True, phase, objects, t, None
        made.waiting += 1
        line = made.lines.get(phase)
        if line is None:
            line = made.lines[phase] = OrderedDict()
        line[me] = None
        if again:
            line.move_to_end(me, last=False)  # it was first in line, but another thread was faster

    def waited(self, me: SimulatedThread, at: SitedAction, objects: tuple[Any, ...], waited_ns: int, t: int) -> None:
        """Ends an operation of one phase in which the thread has waited for `waited_ns`."""
        me.waited_ns = waited_ns
        me.waited_total_ns += waited_ns
        made = objects[0]
        made.waited_for(at.action.operation.name, waited_ns)
        if made.waiting and made.is_shared:
            self.wake(made, t)

    def wake(self, made: Any, t: int) -> None:
        """Wakes the threads that wait at a changed object and whose phase is now enabled.

        If only one of several can get what they wait for, the first is woken and tries again; a scheduler that chooses
        among all of them (`wakes_all`) gets all.
        """
        lines = made.lines.values()
        for line in lines if len(lines) == 1 else list(lines):
            while line:
                thread = next(iter(line))
                phase = thread.phase
                if not phase.enabled(thread.objects, thread, thread.arguments, thread.memo):
                    break
                thread.ready_ns = t
                self.unpark(thread)
                if not phase.together and not self.wakes_all:
                    break
            if len(lines) < 2:
                return

    def sleep(self, me: SimulatedThread, site: Site, t: int, nanoseconds: int) -> int:
        """Parks the thread for a number of nanoseconds; returns the time at which the sleep began."""
        me.site, me.parked, me.since_ns = site, True, t
        me.parks += 1
        self.clock.wake_at(me, t + nanoseconds + self.costs.late_ns if nanoseconds > 0 else t)
        return t
