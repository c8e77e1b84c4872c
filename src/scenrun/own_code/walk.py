"""Walks the schedules of code by a strategy, and begins anew where more of its accesses turn out to be steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from scenrun.own_code.control import Uncontrolled
from scenrun.own_code.executions import CodeExecutions, Different, Marked
from scenrun.search.hunt import FIRST
from scenrun.search.space.state_space import Stopped
from scenrun.search.strategies.exhaustive import Progress
from scenrun.search.strategies.registry import EXHAUSTIVE, POLICIES
from scenrun.search.strategies.results import Tally
from scenrun.search.strategies.sampled import Sampler
from scenrun.search.strategies.schedule_queue import Limits, ScheduleQueue
from scenrun.search.strategies.workers import walk_here


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """The options of a walk."""

    strategy: str
    seed: int
    schedules: int | None
    seconds: float | None
    depth: int
    bound: int | None
    max_steps: int
    first: bool = True
    """Whether it ends at the first finding."""
    look: Callable[[], str | None] = lambda: None
    """Called now and then; a reason that it returns ends the walk."""


class Walk:
    """One walk."""

    def __init__(self, executions: CodeExecutions, how: WalkOptions) -> None:
        self.executions = executions
        self.how = how
        self.began = time.perf_counter()
        self.before = 0
        """Schedules that were walked before the last sites were marked."""
        self._earlier = Tally()
        """What these showed."""

    def run(self) -> tuple[Tally, str | None]:
        """What was found, and what ended the walk before all schedules were walked; None: nothing did."""
        tally, ended_by = self._drawn() if self.how.strategy in POLICIES else self._all()
        self.executions.alarm = None
        for found in self._earlier.findings.values():
            if found.about not in tally.findings:
                tally.findings[found.about] = found
        for key, outcome in self._earlier.outcomes.items():
            tally.outcomes.setdefault(key, outcome)
        return tally, ended_by

    def sampler(self, alarm: Callable[[], None] | None = None) -> Sampler:
        """What walks schedules that are drawn."""
        how = self.how
        self.executions.alarm = alarm
        policy = POLICIES[how.strategy](how.depth, how.seed, how.max_steps)
        return Sampler(self.executions, policy, how.seed, how.max_steps)

    def _drawn(self) -> tuple[Tally, str | None]:
        """The schedules that a policy draws."""
        how = self.how
        plan = ScheduleQueue(POLICIES[how.strategy](how.depth, how.seed, how.max_steps), self._limits(), self.began)
        try:
            walk_here(plan, self)
        except (Stopped, Uncontrolled, Different) as ended:
            plan.ended_by = str(ended)
        return plan.tally, plan.ended_by

    def _all(self) -> tuple[Tally, str | None]:
        """All schedules, begun anew whenever sites were marked."""
        how = self.how
        self.executions.on_marks = Marked
        while True:
            strategy = EXHAUSTIVE[how.strategy](self.executions, how.max_steps, how.bound)
            progress = Progress(strategy, self._limits(), self.began)
            self.executions.alarm = progress.stop
            try:
                ended_by = progress.run()
                if (progress.tally.findings and how.first) or not self.executions.mark():
                    return progress.tally, ended_by
            except Marked:
                pass
            except (Stopped, Uncontrolled, Different) as ended:
                return progress.tally, str(ended)
            self.before += progress.tally.schedules
            self._earlier.add(progress.tally)

    def _limits(self) -> Limits:
        """The limits of what is left of the walk."""
        how = self.how
        left = None if how.schedules is None else max(1, how.schedules - self.before)
        return Limits(left, how.seconds, how.max_steps, self._look)

    def _look(self, tally: Tally) -> str | None:
        return FIRST if self.how.first and tally.findings else self.how.look()
