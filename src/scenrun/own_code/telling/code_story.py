"""Tells the present execution of functions: the steps by lines of their source, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from scenrun.own_code.running.steps import Controlled, Moved, Place
from scenrun.own_code.searching.executions import CHECK, CodeExecutions
from scenrun.own_code.searching.schedule_tree import Choice
from scenrun.own_code.telling.conflicts import switches_in
from scenrun.own_code.telling.result import CodeFinding, CodeStep
from scenrun.search.properties.end_states import FindingKey


def finding_of(executions: CodeExecutions, about: FindingKey, *, is_shown: bool) -> CodeFinding:
    """The present execution, whose places were recorded, as one that was to show a finding."""
    message = _message(executions, about) if is_shown else "the schedule that showed it does not show it again"
    steps = tuple(_steps(executions, executions.present.moved))
    schedule: tuple[Choice, ...] = tuple(one.thread for one in executions.present.moved)
    return CodeFinding(
        about.kind, about.about, message, steps, schedule, len(schedule), is_shown, tuple(executions.moves_made)
    )


def _message(executions: CodeExecutions, about: FindingKey) -> str:
    execution = executions.present
    if about.about == CHECK:
        return f"the check does not hold: {executions.complaint()}"
    fault = executions.fault_of(about.about)
    if fault is not None:
        return fault
    waiting = [one for one in execution.threads if one.is_needed]
    return "; ".join(f"{one.name} {_stuck(one)}{_at(execution.place_of(one))}" for one in waiting)


def _stuck(one: Controlled) -> str:
    """Why a thread cannot go on."""
    if one.is_spinning:
        return "goes round for ever, as nobody changes what it looks at"
    return "" if one.next is None else f"waits to {one.next.text}"


def _steps(executions: CodeExecutions, moved: Sequence[Moved]) -> Iterable[CodeStep]:
    """The steps, those of a thread in one line together."""
    names = [one.name for one in executions.present.threads]
    switches, at = switches_in(moved, names), 0
    for _, some in groupby(moved, lambda one: one.where):
        made = list(some)
        switched = switches.get(at)
        at += len(made)
        place = made[0].place
        texts = tuple(dict.fromkeys(one.step.text for one in made))
        file, line = (None, None) if place is None else (place.file, place.line)
        yield CodeStep(names[made[0].thread], texts, file, line, any(one.is_late for one in made), switched)


def _at(place: Place | None) -> str:
    return "" if place is None else f" (line {place.line}, {place.function})"
