"""Counts the verdicts and outcomes of several runs of one scenario."""

from __future__ import annotations

import json
from typing import Any

from scenrun.program.results import RunRecord


class Tally:
    """The number of runs with each verdict and each outcome.

    until: the verdict that the runs look for, or `finding` for any other than `holds`; None: they look for none.
    """

    def __init__(self, scenario: str, until: str | None = None) -> None:
        self.scenario = scenario
        self.until = until
        self.runs = 0
        self.verdicts: dict[str, int] = {}
        self.outcomes: dict[str, int] = {}
        self.first_not_ok: RunRecord | None = None
        self.found: RunRecord | None = None
        self.only_incomplete = True
        """Whether every run whose verdict was not expected was incomplete."""

    @property
    def is_found(self) -> bool:
        """Whether a run had the verdict that is looked for."""
        return self.found is not None

    def add(self, result: RunRecord) -> None:
        """Add the result of one run."""
        self.runs += 1
        self.verdicts[result.verdict] = self.verdicts.get(result.verdict, 0) + 1
        if result.outcome is not None:
            key = json.dumps(list(result.outcome), default=str)
            self.outcomes[key] = self.outcomes.get(key, 0) + 1
        if not result.ok:
            self.first_not_ok = self.first_not_ok or result
            self.only_incomplete = self.only_incomplete and result.verdict == "incomplete"
        wanted = result.verdict == self.until or (self.until == "finding" and result.verdict != "holds")
        if wanted and self.found is None:
            self.found = result

    @property
    def ok(self) -> bool:
        """Whether the verdict that is looked for was found; without one, whether every run was as the file expects."""
        return self.first_not_ok is None if self.until is None else self.is_found

    def status(self, incomplete: int) -> int:
        """The exit status: 0, 1, or `incomplete`, the status of incomplete runs."""
        if self.ok:
            return 0
        return incomplete if self.only_incomplete and self.until is None else 1

    def fields(self) -> dict[str, Any]:
        """The fields of the event `tally.finished`."""
        out: dict[str, Any] = {"ok": self.ok, "runs": self.runs, "verdicts": dict(sorted(self.verdicts.items()))}
        if self.outcomes:
            ordered = sorted(self.outcomes.items(), key=lambda item: (-item[1], item[0]))
            out["outcomes"] = [{"outcome": json.loads(key), "runs": count} for key, count in ordered]
        if self.found is not None:
            out["stopped_by_run"] = self.found.run
        if self.first_not_ok is not None:
            out["first_not_ok_seed"] = self.first_not_ok.seed
        return out
