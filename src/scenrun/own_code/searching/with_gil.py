"""Whether a finding comes with the GIL, too: the search knows more places at which threads are changed than such a Python has."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.model.moves import Diverged, Move
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.own_code.telling.follow import Follower
from scenrun.search.options import DEPTH
from scenrun.search.properties.end_states import FindingKey

SCHEDULES, STEPS = 200, 10_000
"""The most schedules, and steps, of each strategy."""
MAX_STEPS = 2_000
"""Steps after which a schedule is cut off."""
FOUND = "it comes with the GIL, too"
NOT_FOUND = "it does not come with the GIL: every schedule with its switches was walked"
NOT_SEARCHED = "it may not come with the GIL: {} schedules with its switches did not show it"
FAILED = "whether it comes with the GIL is not known: {}"


def with_gil(
    executions: CodeExecutions, moves: Sequence[Move], marks: tuple[dict[str, str], ...], about: FindingKey
) -> str:
    """Whether a finding comes with the GIL, in words.

    - executions: those of code that notes where a Python with the GIL may change threads.
    - moves: the schedule that shows the finding, and marks: the accesses that are steps in it.
    - about: the finding.
    """
    try:
        if _fits(executions, moves, marks, about):
            return FOUND
        return _searched(executions, about)
    except (Uncontrolled, Different) as error:
        return FAILED.format(error)
    finally:
        executions.close()


def _fits(
    executions: CodeExecutions, moves: Sequence[Move], marks: tuple[dict[str, str], ...], about: FindingKey
) -> bool:
    """Whether the very schedule can be made."""
    executions.records = True
    executions.follow_marks(marks)
    follower = Follower(executions)
    try:
        follower.follow(moves)
        return follower.shows(about)
    except Diverged:
        return False
    finally:
        executions.close()
        executions.records, executions.is_settled, executions.fixed_marks = False, False, None


def _searched(executions: CodeExecutions, about: FindingKey) -> str:
    schedules = 0
    for strategy in ("pct", "preemptions"):
        began = executions.steps

        def look(began: int = began) -> str | None:
            return "steps" if executions.steps - began > STEPS else None

        how = WalkOptions(strategy, 0, SCHEDULES, None, DEPTH, None, MAX_STEPS, first=False, look=look)
        walk = Walk(executions, how)
        tally, ended_by = walk.run()
        if any(found.kind == about.kind and found.about == about.about for found in tally.findings):
            return FOUND
        schedules += tally.schedules
        is_whole = strategy == "preemptions" and ended_by is None and not walk.cut_off
        if is_whole and not executions.unaccounted and not executions.left_behind:
            return NOT_FOUND
    return NOT_SEARCHED.format(schedules)
