"""The record of one run: its verdict, findings, checked expectations, figures and final state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenrun.program.findings import Checked, Finding


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The record of one run.

    `verdict` is the kind of the first finding, `holds` where there is none, and `incomplete` where a limit or a signal
    ended the run before anything was found. `ok` says whether the file expects this verdict.
    """

    scenario: str
    run: str
    way: str
    seed: int
    verdict: str
    expected: tuple[str, ...]
    ok: bool
    findings: tuple[Finding, ...]
    expectations: tuple[Checked, ...]
    figures: dict[str, Any]
    state: dict[str, Any]
    """The shared variables at the end, before any stuck thread was freed."""
    outcome: tuple[Any, ...] | None
    """The observed values of `expect.outcomes`, where the run reached its end."""
    elapsed_s: float
    interrupted: str | None = None
    """The name of the signal that ended the run, if one did."""
    digest: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    lines: tuple[dict[str, Any], ...] = field(default=(), compare=False)
    """The lines of the log, if the caller keeps them."""

    @property
    def complete(self) -> bool:
        """Whether no limit and no signal ended the run."""
        return all(finding.kind != "incomplete" for finding in self.findings)
