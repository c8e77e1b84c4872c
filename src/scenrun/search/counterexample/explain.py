"""Describes a finding in one sentence, from the trace that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.model.machine import Machine
from scenrun.program.expectations import value_of
from scenrun.program.findings import Stuck
from scenrun.program.ir import Observation
from scenrun.program.primitives.registry import waiting
from scenrun.search.counterexample.operation_bars import ENDS
from scenrun.search.counterexample.trace import Trace
from scenrun.search.properties.end_states import FindingKey

MAX_NAMED = 5
"""The most threads that a sentence names."""


def sentence(machine: Machine, about: FindingKey, story: Trace, cycle_from: int | None = None) -> str:
    """Describe a finding; `cycle_from` is the number of steps before the cycle of a livelock."""
    if about.kind == "livelock":
        return _livelock(about, story, cycle_from or 0)
    tellers = {"deadlock": _deadlock, "exception": _fault, "violated": _violated}
    return tellers[about.kind](machine, about, story)


def _deadlock(machine: Machine, about: FindingKey, story: Trace) -> str:
    named = set(about.about.split(", "))
    stuck = [one for one in story.waiting if one.thread in named and one.state == "blocked"]
    telling = [one for one in stuck if not one.waits_for_threads] or stuck
    circle = _circle(stuck)
    told = circle or telling
    said = "; ".join(wait_of(one) for one in told[:MAX_NAMED])
    more = f"; and {len(told) - MAX_NAMED} more" if len(told) > MAX_NAMED else ""
    return said + more + (": a circle" if circle and len(circle) > 1 else "")


def wait_of(one: Stuck) -> str:
    """Describe what a blocked thread waits for, and why in vain."""
    if one.operation in ("lock.acquire", "rlock.acquire"):
        others = [name for name in one.held_by if name != one.thread]
        if others:
            return f"{one.thread} waits for {one.object}, which {' and '.join(others)} holds"
        if one.held_by:
            return f"{one.thread} waits for {one.object}, which it holds itself"
        return f"{one.thread} waits for {one.object}, which nobody will release"
    if one.operation is None:
        return f"{one.thread} can never move again"
    if one.operation == "pool.shutdown" and one.held_by:
        return f"{one.thread} waits for {_listed(list(one.held_by[:MAX_NAMED]))} of {one.object} to end"
    return f"{one.thread} {waiting(one.operation, str(one.object), in_vain=True)}"


def _circle(stuck: Sequence[Stuck]) -> list[Stuck]:
    """A cycle of threads, each of which waits for what the next one holds; empty where there is none."""
    by_name = {one.thread: one for one in stuck}
    for first in stuck:
        way, now = [first], first
        while True:
            holder = next((name for name in _blockers(now) if name in by_name), None)
            if holder is None:
                break
            now = by_name[holder]
            if now in way:
                return way[way.index(now) :]
            way.append(now)
    return []


def _blockers(one: Stuck) -> tuple[str, ...]:
    if one.operation == "thread.join" and one.object is not None:
        return (one.object,)
    return one.held_by


def _livelock(about: FindingKey, story: Trace, cycle_from: int) -> str:
    names = about.about.split(", ")
    moving = list(dict.fromkeys(step.thread for step in story.steps[cycle_from:]))
    if not set(names) & set(moving):
        return _starved(names, moving, story)
    who = _listed(names)
    if len(names) == 1:
        return f"{who} can go round for ever and never end"
    return f"{who} can go round for ever, each in its turn, and never end"


def _starved(names: list[str], moving: list[str], story: Trace) -> str:
    """Describe threads that starve: they are blocked for ever while the threads of the cycle move again and again."""
    waits = {one.thread: f" for {one.object}" for one in story.waiting if one.object}
    waiting = "; ".join(f"{name} can wait{waits.get(name, '')} for ever" for name in names[:MAX_NAMED])
    return f"{waiting} while {_listed(moving[:MAX_NAMED])} {'go' if len(moving) > 1 else 'goes'} on"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _fault(machine: Machine, about: FindingKey, story: Trace) -> str:
    thread = next((t for t in story.state.threads if t.who.name == about.about and t.fault is not None), None)
    if thread is None or thread.fault is None:
        return f"{about.about} ends with a fault"
    line = _raised_at(story, about.about, str(thread.fault)) or (thread.fault_at.line if thread.fault_at else None)
    where = f" (line {line})" if line is not None else ""
    swallowed = (
        "; its pool swallowed this, as nobody asked for the result" if thread.who.kind in ("task", "future") else ""
    )
    return f"{about.about} ends with {thread.fault}{where}{swallowed}"


def _raised_at(story: Trace, thread: str, fault: str) -> int | None:
    """The line that raised the exception that leaves a thread: not that of a `with` or `finally` that it passes on its way."""
    line = None
    for own in (one for step in story.steps for one in step.own if one.thread == thread):
        if own.kind == "handled":
            line = None
        elif own.kind == "raised":
            line = own.line if own.text == fault and line is None else line
    return line


def _violated(machine: Machine, about: FindingKey, story: Trace) -> str:
    if about.about.startswith("outcome ["):
        names = ", ".join(o.text for o in machine.program.expectations.observe)
        return f"the outcome ({names}) = {about.about.removeprefix('outcome ')} is not one of those that are expected"
    for what, observations in (
        ("always", machine.program.expectations.always),
        ("final", machine.program.expectations.final),
    ):
        for observation in observations:
            if observation.text == about.about:
                return _broken(machine, what, observation, story)
    return _fault(machine, about, story)


def _broken(machine: Machine, what: str, observation: Observation, story: Trace) -> str:
    named = value_of(machine.looks.function(observation.of_parts(machine.program.cells)), story.state.cells)
    values = [f"{name} is {value!r}" for name, value in named.items()] if isinstance(named, dict) else []
    shown = f" ({', '.join(values)})" if values else ""
    if what == "final":
        return f"at the end, {observation.text} does not hold{shown}"
    if observation.is_reached:
        return f"{observation.text} holds {'at the beginning' if not story.steps else 'after these steps'}{shown}"
    step = next((step for step in story.steps if observation.text in step.broke), None)
    if step is not None and step.move.op == ENDS:
        return (
            f"no order of the calls explains what they came to, with step {step.number}: in {step.thread}, {step.text}"
        )
    by = f" with step {step.number}, of {step.thread}" if step is not None else " from the beginning"
    return f"{observation.text} is to hold always, and is broken{by}{shown}"
