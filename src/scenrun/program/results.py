"""What a run came to, as data: the verdict, what was found, the figures, the final state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenrun.program.findings import Checked, Finding


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one run came to.

    `verdict` is the kind of the first finding, `holds` where there is none, and `incomplete` where a limit or a signal
    came before anything was found. `ok` says whether the file expects this verdict.
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
    """The shared variables at the end (before anything was freed)."""
    outcome: tuple[Any, ...] | None
    """The observed values of `expect.outcomes`, where the run reached its end."""
    elapsed_s: float
    interrupted: str | None = None
    """The name of the signal that ended the run, if one did."""
    digest: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    lines: tuple[dict[str, Any], ...] = field(default=(), compare=False)
    """The lines of the log, if they were to be kept."""

    @property
    def complete(self) -> bool:
        """Whether no limit and no signal ended the run."""
        return all(finding.kind != "incomplete" for finding in self.findings)
