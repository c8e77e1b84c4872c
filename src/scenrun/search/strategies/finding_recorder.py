"""Records the findings and the outcome of a schedule's last state, each new finding with the shortest prefix that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.search.properties.end_states import FindingKey
from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.results import Found, Tally


class FindingRecorder:
    """Adds the findings and outcomes of schedules to a tally."""

    def __init__(self, executions: Executions, tally: Tally) -> None:
        self.executions = executions
        self.tally = tally

    def of_end(self, state: int) -> tuple[FindingKey, ...]:
        """The findings of an execution that ended at a state; its outcome is added to the tally."""
        judged = self.executions.end(state)
        self.tally.add_outcome(judged.outcome)
        return judged.findings

    def of_cut_off(self, state: int) -> tuple[FindingKey, ...]:
        """The findings of an execution that was cut off at a state: those that no later step undoes."""
        return self.executions.lasting(state)

    def keep(self, findings: Sequence[FindingKey], schedule: int, states: Sequence[int]) -> None:
        """Keep the findings that are new, each with the path to the first step of the schedule that shows it."""
        new = [about for about in findings if about not in self.tally.findings]
        if not new:
            return
        transitions = self.executions.transitions(states)
        first: dict[FindingKey, int] = {}
        for at, state in enumerate(states):
            for about in self.executions.lasting(state):
                first.setdefault(about, at)
        for about in new:
            steps = first.get(about, len(transitions))
            self.tally.add_finding(Found(about, schedule, tuple(transitions[:steps])))
