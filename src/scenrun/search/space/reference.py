"""Every state that some schedule leads to, plainly and without any shortcut: the yardstick for cleverer searches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scenrun.model.machine import Machine
from scenrun.model.state import ENDED, State
from scenrun.program.expectations import holds, value_of
from scenrun.program.findings import kind_of_fault
from scenrun.program.values import key


@dataclass(frozen=True)
class End:
    """How a schedule may end: what is found, the shared variables, and the outcome observed."""

    findings: frozenset[tuple[str, str]]
    """Each a kind, such as `deadlock` or `exception`, and what it is about: threads, or an expectation."""
    state: Any
    """The shared variables, as a hashable stand-in (see `machine.state.key`)."""
    outcome: Any = None
    """The values of `expect.outcomes.observe`, where the end was reached, as a hashable stand-in."""


@dataclass(slots=True)
class Walked:
    """What a walk has seen."""

    ends: dict[End, State]
    """Each way to end, with one state that shows it."""
    states: int
    transitions: int
    closed: bool
    """Whether nothing was left out."""


def walk(machine: Machine, max_states: int = 100_000) -> Walked:
    """Depth first through all states, up to so many."""
    initial = machine.initial()
    seen, waiting, transitions = {key(initial)}, [initial], 0
    ends: dict[End, State] = {}
    while waiting and len(seen) <= max_states:
        state = waiting.pop()
        after = [following for _, following in machine.following(state)]
        if not after:
            ends.setdefault(end_of(machine, state), state)
        transitions += len(after)
        for following in after:
            if (found := key(following)) not in seen:
                seen.add(found)
                waiting.append(following)
    return Walked(ends, len(seen), transitions, not waiting)


def end_of(machine: Machine, state: State) -> End:
    """What a state shows in which nobody can take another step, or needs to."""
    over = machine.is_over(state)
    findings = set(faults_in(state)) | set(_always(machine, state))
    if not over:
        findings.add(("deadlock", ", ".join(sorted(t.who.name for t in state.threads if t.pc != ENDED))))
    outcome = None
    if over:
        expect = machine.program.expectations
        broken = [o for o, look in zip(expect.final, machine.looks.final, strict=True) if not holds(look, state.cells)]
        findings |= {("violated", observation.text) for observation in broken}
        outcome = key([value_of(look, state.cells) for look in machine.looks.observe])
    variables = [v for v, kind in zip(state.cells, machine.slots.kinds, strict=False) if kind == "variable"]
    return End(frozenset(findings), key(variables), outcome)


def faults_in(state: State) -> Iterator[tuple[str, str]]:
    """Faults that left a thread, and those of tasks whose result nobody asked for."""
    for thread in state.threads:
        if thread.pc != ENDED or thread.fault is None:
            continue
        asked = thread.who.kind in ("task", "future") and state.cells[thread.who.slots[0]][4]
        if not asked:
            yield kind_of_fault(thread.fault.type), thread.who.name


def _always(machine: Machine, state: State) -> Iterator[tuple[str, str]]:
    for number in state.broken:
        yield "violated", machine.program.expectations.always[number].text
