"""What running a scenario gives back: the verdict, what was found, the figures, the final state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenrun.program.findings import Checked, Finding


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of one run.

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

    def timeline(self, width: int = 100) -> str:
        """What every thread did, drawn in text. Raises UsageError unless the run kept its lines at level debug."""
        from scenrun.report.notebook import timeline_of

        return timeline_of(self.lines, width)

    def __str__(self) -> str:
        from scenrun.report.notebook import lines_of_run

        return "\n".join(lines_of_run(self))

    def __repr__(self) -> str:
        from scenrun.report.notebook import one_line

        found = (finding.message for finding in self.findings)
        return one_line(self.way, f"{self.scenario}, seed {self.seed}", self.verdict, found)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from scenrun.report.notebook import page_of_run

        return page_of_run(self)
