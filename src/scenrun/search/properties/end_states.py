"""Findings and outcome of a terminal state: one without enabled transitions, or in which all non-daemon threads ended."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

from scenrun.model.machine import Machine
from scenrun.model.state import ENDED, State
from scenrun.program.expectations import complaint_of, holds, value_of
from scenrun.search.space.plain_search import faults_in, is_cancelled
from scenrun.search.space.state_space import StateSpace


class FindingKey(NamedTuple):
    """The identity of a finding: its kind, and the threads or the expectation concerned."""

    kind: str
    about: str


class EndState(Struct, frozen=True):
    """The findings and the outcome of a terminal state."""

    findings: tuple[FindingKey, ...]
    outcome: tuple[Any, ...] | None
    """The values of `expect.outcomes.observe`; None if the program did not end or observes nothing."""


class EndStateJudge:
    """Judges terminal states, those that agree in all that findings and outcome depend on only once."""

    def __init__(self, space: StateSpace) -> None:
        self.space = space
        self._known: dict[int, EndState] = {}
        self._stamp = -1
        self.slots = self._looked_at()
        """The slots of the cells that findings and outcome depend on."""
        self._agreeing = space.agreeing(())

    def of(self, state: int) -> EndState:
        """The findings and outcome of a terminal state."""
        if self._stamp != self.space.stamp:
            self._stamp = self.space.stamp
            self._known.clear()
            self._agreeing = self.space.agreeing(self.slots)
        relevant = self._agreeing(state)
        found = self._known.get(relevant)
        if found is None:
            found = self._known[relevant] = self.end_state_of(self.space.unpack(state))
        return found

    def end_state_of(self, state: State) -> EndState:
        """The findings and outcome of a terminal state that is not packed."""
        return end_state_of(self.space.machine, state)

    def _looked_at(self) -> list[int]:
        """The slots that `final` and `outcomes` name, and those that record whether a task's result was retrieved."""
        machine = self.space.machine
        expect = machine.program.expectations
        named = self.space.touches.slots_of(frozenset().union(*(o.cells for o in (*expect.final, *expect.observe))))
        return sorted(named | {slot for slot, kind in enumerate(machine.slots.kinds) if kind == "task"})


def end_state_of(machine: Machine, state: State) -> EndState:
    """The findings and outcome of a terminal state."""
    expect = machine.program.expectations
    findings = [FindingKey(*fault) for fault in faults_in(state)]
    findings += [FindingKey("violated", expect.always[number].text) for number in state.broken]
    if not machine.is_over(state):
        return EndState((*findings, FindingKey("deadlock", stuck_names(state))), None)
    for observation, look in zip(expect.final, machine.looks.final, strict=True):
        if not holds(look, state.cells):
            findings.append(FindingKey("violated", observation.text))
    if not machine.looks.observe:
        return EndState(tuple(findings), None)
    outcome = tuple(value_of(look, state.cells) for look in machine.looks.observe)
    if complaint_of(expect, outcome) is not None:
        findings.append(FindingKey("violated", outcome_text(outcome)))
    return EndState(tuple(findings), outcome)


def stuck_names(state: State) -> str:
    """The names of the non-daemon threads that have not ended; a cancelled task in its pool's line is none."""
    needed = [t for t in state.threads if t.pc != ENDED and not t.who.daemon and not is_cancelled(state, t)]
    return ", ".join(sorted(t.who.name for t in needed))


def outcome_text(outcome: tuple[Any, ...]) -> str:
    """An outcome as the `about` of a finding."""
    return f"outcome {list(outcome)}"
