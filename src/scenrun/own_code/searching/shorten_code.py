"""Shortens a schedule of code: leaves out steps and joins those of one thread, as long as the finding is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from scenrun.model.machine import Transition
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.search.counterexample.shorten import cut_down
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.space.state_space import Stopped

TRIES, PATIENCE_S = 300, 5.0
"""The most schedules that are tried, and the seconds in which."""


def shortened(executions: CodeExecutions, transitions: Sequence[Transition], about: FindingKey) -> Sequence[Transition]:
    """A schedule with fewer switches or steps that shows a finding."""
    whole: list[Transition] = list(transitions)
    if not whole:  # a thread ended before its first step
        return whole

    def shows(state: int) -> bool:
        if about in executions.lasting(state):
            return True
        return not executions.successors(state) and about in executions.end(state).findings

    space: Any = _AsSpace(executions)
    executions.alarm = _alarm()
    try:
        return cut_down(space, whole, shows, TRIES)
    except (Uncontrolled, Different):
        return whole
    finally:
        executions.alarm = None


def _alarm() -> Callable[[], None]:
    end = time.monotonic() + PATIENCE_S

    def look() -> None:
        if time.monotonic() > end:
            raise Stopped("time")

    return look


class _AsSpace:
    """What shortening asks of a state space, of executions."""

    thread_count = 1 << 30

    def __init__(self, executions: CodeExecutions) -> None:
        self.executions = executions

    @property
    def initial(self) -> int:
        """The state at which every execution begins."""
        return self.executions.state_of(())

    def is_over(self, state: int) -> bool:
        """An execution that is over has no steps; nothing else needs to be asked."""
        return False

    def after_time(self, state: int) -> None:
        """Time passes with the steps."""
        return

    def following_of(self, state: int, thread: int) -> list[tuple[Transition, int]]:
        """The step of a thread, if it is enabled."""
        afters = self.executions.afters_of(state, thread)
        return [(Transition(thread, alternative=way), after) for way, after in enumerate(afters)]
