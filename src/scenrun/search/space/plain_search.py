"""The reference search: visits every reachable state without packing or reduction, to check faster searches against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from scenrun.model.machine import Machine
from scenrun.model.state import BEGINNING, ENDED, State, Thread
from scenrun.program.expectations import holds, value_of
from scenrun.program.findings import kind_of_fault
from scenrun.program.primitives.registry import KINDS
from scenrun.program.values import key


class End(Struct, frozen=True, dict=True):
    """One way in which a schedule may end: the findings, the shared variables, and the outcome."""

    findings: frozenset[tuple[str, str]]
    """Pairs of a kind, such as `deadlock` or `exception`, and the threads or the expectation concerned."""
    state: Any
    """The shared variables, as a hashable stand-in (see `model.state.key`)."""
    outcome: Any = None
    """The values of `expect.outcomes.observe`, where the program ended, as a hashable stand-in."""


class Walked(Struct):
    """The result of a reference search."""

    ends: dict[End, State]
    """Each way to end, with one terminal state that shows it."""
    states: int
    transitions: int
    closed: bool
    """Whether all reachable states were visited."""


def walk(machine: Machine, max_states: int = 100_000) -> Walked:
    """Visit all states depth first, until more than `max_states` are known."""
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
    """The findings, variables and outcome of a terminal state."""
    over = machine.is_over(state)
    findings = set(faults_in(state)) | set(_always(machine, state))
    if not over:
        stuck = [t.who.name for t in state.threads if t.pc != ENDED and not is_cancelled(state, t)]
        findings.add(("deadlock", ", ".join(sorted(stuck))))
    outcome = None
    if over:
        expect = machine.program.expectations
        broken = [o for o, look in zip(expect.final, machine.looks.final, strict=True) if not holds(look, state.cells)]
        findings |= {("violated", observation.text) for observation in broken}
        outcome = key([value_of(look, state.cells) for look in machine.looks.observe])
    variables = [v for v, kind in zip(state.cells, machine.slots.kinds, strict=False) if kind == "variable"]
    return End(frozenset(findings), key(variables), outcome)


def faults_in(state: State) -> Iterator[tuple[str, str]]:
    """The faults with which threads ended, as pairs of kind and thread; not those of tasks whose result was retrieved."""
    for thread in state.threads:
        if thread.pc != ENDED or thread.fault is None:
            continue
        asked = thread.who.kind in ("task", "future") and state.cells[thread.who.slots[0]][4]
        if not asked:
            yield kind_of_fault(thread.fault.type), thread.who.name


def is_cancelled(state: State, thread: Thread) -> bool:
    """Whether it is a task that was cancelled, and whose worker has not come to it."""
    if thread.pc != BEGINNING or thread.who.kind is None:
        return False
    answer = KINDS[thread.who.kind].answers.get("cancelled")
    return answer is not None and bool(answer(*(state.cells[slot] for slot in thread.who.slots)))


def _always(machine: Machine, state: State) -> Iterator[tuple[str, str]]:
    for number in state.broken:
        yield "violated", machine.program.expectations.always[number].text
