"""Findings and outcome of a terminal state: one without enabled transitions, or in which all non-daemon threads ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from scenrun.model.machine import Machine
from scenrun.model.state import ENDED, State
from scenrun.program.expectations import complaint_of, holds, value_of
from scenrun.search.space.packed import Packed
from scenrun.search.space.reference import faults_in


class FindingKey(NamedTuple):
    """The identity of a finding: its kind, and the threads or the expectation concerned."""

    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class EndState:
    """The findings and the outcome of a terminal state."""

    findings: tuple[FindingKey, ...]
    outcome: tuple[Any, ...] | None
    """The values of `expect.outcomes.observe`; None if the program did not end or observes nothing."""


class EndStateJudge:
    """Judges terminal packed states, those that agree in all relevant bits only once."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self.expect = packed.machine.program.expectations
        self._known: dict[int, EndState] = {}
        self._mask: tuple[int, int] = (0, 0)

    def of(self, state: int) -> EndState:
        """The findings and outcome of a terminal packed state."""
        relevant = state & self._relevant()
        found = self._known.get(relevant)
        if found is None:
            found = self._known[relevant] = self.end_state_of(self.packed.unpack(state))
        return found

    def end_state_of(self, state: State) -> EndState:
        """The findings and outcome of a terminal state that is not packed."""
        return end_state_of(self.packed.machine, state)

    def _relevant(self) -> int:
        """The mask of the bits that findings and outcome depend on; renewed, as is the memo, with each layout or new field."""
        packed = self.packed
        fields = len(packed.threads) + len(packed.cells)
        if self._mask[0] != (stamp := fields << 32 | packed.layout):
            self._known.clear()
            mask = packed.live_threads.mask | packed.broken.mask
            for one in packed.threads:
                mask |= one.mask
            for slot in self._looked_at():
                mask |= packed.cells[slot].mask
            self._mask = stamp, mask
        return self._mask[1]

    def _looked_at(self) -> list[int]:
        """The slots that `final` and `outcomes` name, and those that record whether a task's result was retrieved."""
        packed = self.packed
        cells = [o.cells for o in (*self.expect.final, *self.expect.observe)]
        named = packed.touches.slots_of(frozenset().union(*cells))
        declared = len(packed.machine.slots.cells)
        tasks = {slot for slot, kind in enumerate(packed.machine.slots.kinds) if kind == "task"}
        return sorted(named | tasks | set(range(declared, len(packed.cells))))


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
    """The names of the non-daemon threads that have not ended."""
    needed = sorted(t.who.name for t in state.threads if t.pc != ENDED and not t.who.daemon)
    return ", ".join(needed)


def outcome_text(outcome: tuple[Any, ...]) -> str:
    """An outcome as the `about` of a finding."""
    return f"outcome {list(outcome)}"
