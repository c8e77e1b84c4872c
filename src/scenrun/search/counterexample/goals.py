"""Goals for shortening: predicates that decide whether a state shows a given finding."""

from __future__ import annotations

from scenrun.model.state import ENDED, Thread
from scenrun.program.findings import kind_of_fault
from scenrun.search.counterexample.shorten import Goal
from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.space.state_space import StateSpace


def goal_of(space: StateSpace, judge: EndStateJudge, about: FindingKey) -> Goal:
    """The predicate of a finding: true from the step that breaks an `always` or ends a thread with a fault, or in end states."""
    always = [o.text for o in space.machine.program.expectations.always]
    if about.kind == "violated" and about.about in always:
        return lambda state: any(always[number] == about.about for number in space.broken(state))
    if about.kind in ("violated", "exception"):
        return lambda state: _has_left(space, state, about) or _ends_with(space, judge, state, about)
    return lambda state: _ends_with(space, judge, state, about)


def _has_left(space: StateSpace, state: int, about: FindingKey) -> bool:
    return any(_is_left(space.thread(state, number), about) for number in range(len(space.threads(state))))


def _is_left(thread: Thread, about: FindingKey) -> bool:
    if thread.pc != ENDED or thread.fault is None or thread.who.kind in ("task", "future"):
        return False
    return thread.who.name == about.about and kind_of_fault(thread.fault.type) == about.kind


def _ends_with(space: StateSpace, judge: EndStateJudge, state: int, about: FindingKey) -> bool:
    if space.moves(state) or space.after_time(state) is not None:
        return False
    return about in judge.of(state).findings
