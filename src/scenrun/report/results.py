"""What running a scenario gives back: what the run came to, and how it is shown to a person and in a notebook."""

from __future__ import annotations

from dataclasses import dataclass, fields

from scenrun.program.results import RunRecord


@dataclass(frozen=True, slots=True, repr=False)
class RunResult(RunRecord):
    """The result of one run.

    `verdict` is the kind of the first finding, `holds` where there is none, and `incomplete` where a limit or a signal
    came before anything was found. `ok` says whether the file expects this verdict.
    """

    @classmethod
    def of(cls, record: RunRecord) -> RunResult:
        """What a run came to, as what its caller gets."""
        return cls(**{one.name: getattr(record, one.name) for one in fields(RunRecord)})

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
