"""`RunResult`, which `scenrun.run` and `scenrun.simulate` return, with its representations as text and in notebooks."""

from __future__ import annotations

from dataclasses import dataclass, fields

from scenrun.program.results import RunRecord


@dataclass(frozen=True, slots=True, repr=False)
class RunResult(RunRecord):
    """The result of one run.

    `verdict` is the kind of the first finding, `holds` if there is none, and `incomplete` if a limit or a signal came before
    anything was found. `ok` is whether the file expects this verdict.
    """

    @classmethod
    def of(cls, record: RunRecord) -> RunResult:
        """The result with a record's fields."""
        return cls(**{one.name: getattr(record, one.name) for one in fields(RunRecord)})

    def timeline(self, width: int = 100) -> str:
        """The activities of all threads as text, `width` columns wide. Raises UsageError unless lines were kept at debug."""
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
        """The HTML that a notebook shows."""
        from scenrun.report.notebook import page_of_run

        return page_of_run(self)
