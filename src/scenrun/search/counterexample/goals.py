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
        return _leaving(space, judge, about)
    return lambda state: _ends_with(space, judge, state, about)


def _leaving(space: StateSpace, judge: EndStateJudge, about: FindingKey) -> Goal:
    """Whether the finding's thread has ended with its fault; where no thread has its name, whether an end state shows it.

    Which thread that is depends on the threads that exist alone.
    """
    numbers: dict[tuple[int, int], list[int]] = {}

    def has_left(state: int) -> bool:
        known = space.layout, space.threads_number(state)
        if known not in numbers:
            threads = enumerate(space.threads(state))
            numbers[known] = [n for n, who in threads if who.name == about.about and who.kind not in ("task", "future")]
        if not numbers[known]:
            return _ends_with(space, judge, state, about)
        return any(_is_left(space.thread(state, number), about) for number in numbers[known])

    return has_left


def _is_left(thread: Thread, about: FindingKey) -> bool:
    if thread.pc != ENDED or thread.fault is None:
        return False
    return kind_of_fault(thread.fault.type) == about.kind


def _ends_with(space: StateSpace, judge: EndStateJudge, state: int, about: FindingKey) -> bool:
    if any(space.afters_of(state, number) for number in range(space.thread_count)):
        return False
    if space.after_time(state) is not None:
        return False
    return about in judge.of(state).findings
