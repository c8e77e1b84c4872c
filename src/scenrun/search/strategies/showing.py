"""Records the findings and the outcome of a schedule's last state, each new finding with the shortest prefix that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import choices_along
from scenrun.search.space.reference import faults_in
from scenrun.search.strategies.found import Found, Tally


class Showing:
    """Adds the findings and outcomes of schedules to a tally."""

    def __init__(self, packed: Packed, tally: Tally) -> None:
        self.packed = packed
        self.tally = tally
        self._judge = EndStateJudge(packed)

    def of_end(self, state: int) -> tuple[FindingKey, ...]:
        """The findings of an end state; its outcome is added to the tally."""
        judged = self._judge.of(state)
        self.tally.add_outcome(judged.outcome)
        return judged.findings

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        """The findings that no later step undoes: broken `always` expectations, and threads left by a fault."""
        unpacked = self.packed.unpack(state)
        always = self.packed.machine.program.expectations.always
        tasks = {thread.who.name for thread in unpacked.threads if thread.who.kind in ("task", "future")}
        found = [FindingKey("violated", always[number].text) for number in unpacked.broken]
        return (*found, *[FindingKey(*fault) for fault in faults_in(unpacked) if fault[1] not in tasks])

    def keep(self, findings: Sequence[FindingKey], schedule: int, states: Sequence[int]) -> None:
        """Keep the findings that are new, each with the path to the first step of the schedule that shows it."""
        new = [about for about in findings if about not in self.tally.findings]
        if not new:
            return
        choices, _ = choices_along(self.packed, states)
        first: dict[FindingKey, int] = {}
        for at, state in enumerate(states):
            for about in self.lasting(state):
                first.setdefault(about, at)
        for about in new:
            steps = first.get(about, len(choices))
            self.tally.add_finding(Found(about, schedule, tuple(choices[:steps])))
