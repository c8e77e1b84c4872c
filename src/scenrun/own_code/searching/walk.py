"""Walks the schedules of code by a strategy, and begins anew where more of its accesses turn out to be steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import structs

from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different, Marked
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.search.hunt import FIRST
from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.search.strategies.exhaustive import Progress
from scenrun.search.strategies.registry import EXHAUSTIVE, POLICIES
from scenrun.search.strategies.results import Tally
from scenrun.search.strategies.sampled import Sampler
from scenrun.search.strategies.schedule_queue import Limits, ScheduleQueue
from scenrun.search.strategies.workers import walk_here


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """The options of a walk."""

    strategy: str | None
    """None: all schedules, and as soon as there are many, `random` and `pct` before it goes on."""
    seed: int
    schedules: int | None
    seconds: float | None
    depth: int
    bound: int | None
    max_steps: int
    """Steps after which a schedule is cut off."""
    first: bool = True
    """Whether it ends at the first finding."""
    look: Callable[[], str | None] = lambda: None
    """Called now and then; a reason that it returns ends the walk."""


class Turn(NamedTuple):
    """How much of a walk is done before another one has its turn: by work, so that results do not depend on the machine."""

    schedules: int
    steps: int


HUNTERS = ("pct", "random")
FIRST_TURN, HUNT = (500, 10_000), (500, 100_000)
"""The schedules and steps of the first turn, and of each hunt."""
HAD_ITS_TURN = "another one has its turn"


class Walk:
    """One walk."""

    def __init__(self, executions: CodeExecutions, how: WalkOptions) -> None:
        self.executions = executions
        self.how = how
        self.began = time.perf_counter()
        self.tally = Tally()
        """What all schedules so far showed."""
        self.cut_off = 0
        """Of the schedules since sites were marked last, those that were cut off."""
        self.broke_off = False
        """Whether the code did what cannot be controlled, or something else each time."""
        self.strategies: list[str] = []
        """Those that walked a schedule."""

    def run(self) -> tuple[Tally, str | None]:
        """What was found, and what ended the walk before all schedules were walked; None: nothing did."""
        ended_by = self._walked()
        self.executions.alarm = None
        most = self.how.schedules
        if ended_by is not None and most is not None and self.tally.schedules >= most and not self.tally.findings:
            ended_by = f"{most:,} schedule{'s' * (most != 1)}"
        return self.tally, ended_by

    def _walked(self) -> str | None:
        """What ended the walk."""
        if self.how.strategy is None:
            return self._in_turns()
        if self.how.strategy in POLICIES:
            return self._drawn(self.how.strategy)
        return self._all(self.how.strategy)

    @property
    def every(self) -> str:
        """The strategy that walks all schedules.

        With the GIL it is not DPOR: where only one thread may go on, others that could move are no reason to go back there.
        """
        return "preemptions" if self.executions.loader.with_gil else "dpor"

    def _in_turns(self) -> str | None:
        """All schedules; where they were not walked soon, drawn ones first, as they find most bugs sooner."""
        every = self.every
        ended_by = self._all(every, Turn(*FIRST_TURN))
        for strategy in HUNTERS if ended_by == HAD_ITS_TURN else ():
            ended_by = self._drawn(strategy, Turn(*HUNT))
            if ended_by != HAD_ITS_TURN:
                return ended_by
            if self.tally.findings:
                return FIRST
        return self._all(every) if ended_by == HAD_ITS_TURN else ended_by

    def _drawn(self, strategy: str, turn: Turn | None = None) -> str | None:
        """The schedules that a policy draws; with a turn, up to the first finding."""
        how = self.how
        self.executions.on_marks = Overflow
        policy = POLICIES[strategy](how.depth, how.seed, how.max_steps)
        plan = ScheduleQueue(policy, self._limits(turn, to_first=turn is not None), self.began)
        try:
            walk_here(plan, _Samplers(self.executions, how, strategy))
        except (Stopped, Uncontrolled, Different) as ended:
            plan.ended_by = str(ended)
            self.broke_off = not isinstance(ended, Stopped)
        self._take(strategy, plan.tally)
        return plan.ended_by

    def _all(self, strategy: str, turn: Turn | None = None) -> str | None:
        """All schedules, begun anew whenever sites were marked."""
        how = self.how
        self.executions.on_marks = Marked
        while True:
            walked = EXHAUSTIVE[strategy](self.executions, how.max_steps, how.bound)
            progress = Progress(walked, self._limits(turn), self.began)
            self.executions.alarm = Progress(walked, self._limits(None), self.began).stop
            self.executions.turn = None if turn is None else (self.executions.steps + turn.steps, HAD_ITS_TURN)
            self.cut_off, ended_by = 0, None
            try:
                ended_by = progress.run()
                is_over = (
                    bool(progress.tally.findings and how.first) or ended_by is not None or not self.executions.mark()
                )
            except Marked:
                is_over = False
            except (Stopped, Uncontrolled, Different) as ended:
                is_over, ended_by = True, str(ended)
                self.broke_off = not isinstance(ended, Stopped)
            self.executions.turn = None
            self._take(strategy, progress.tally)
            if is_over:
                return ended_by

    def _take(self, strategy: str, tally: Tally) -> None:
        """Add what some schedules showed; their numbers go on."""
        before = self.tally.schedules
        for about, found in tally.findings.items():
            if about not in self.tally.findings:
                self.tally.findings[about] = structs.replace(found, schedule=before + found.schedule)
        tally.findings = {}
        self.tally.add(tally)
        self.cut_off = tally.cut_off
        if strategy not in self.strategies and tally.schedules:
            self.strategies.append(strategy)

    def _limits(self, turn: Turn | None, *, to_first: bool = False) -> Limits:
        """The limits of what is left of the walk, or of a turn."""
        how, began = self.how, self.executions.steps
        left = None if how.schedules is None else max(1, how.schedules - self.tally.schedules)

        def look(tally: Tally) -> str | None:
            if (how.first or to_first) and tally.findings:
                return FIRST
            if turn is not None and (tally.schedules >= turn.schedules or self.executions.steps - began > turn.steps):
                return HAD_ITS_TURN
            return how.look()

        return Limits(left, how.seconds, how.max_steps, look)


class _Samplers:
    """Makes what walks schedules that are drawn."""

    def __init__(self, executions: CodeExecutions, how: WalkOptions, strategy: str) -> None:
        self.executions, self.how, self.strategy = executions, how, strategy

    def sampler(self, alarm: Callable[[], None] | None = None) -> Sampler:
        """What walks them."""
        how = self.how
        self.executions.alarm = alarm
        policy = POLICIES[self.strategy](how.depth, how.seed, how.max_steps)
        return Sampler(self.executions, policy, how.seed, how.max_steps)
