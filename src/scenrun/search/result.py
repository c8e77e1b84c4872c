"""The result object of `explore`: a search record that prints itself as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from scenrun.printable import clean
from scenrun.search.counterexample.summary import describe
from scenrun.search.record import SearchRecord


@dataclass(frozen=True, slots=True, repr=False)
class Explored(SearchRecord):
    """The result of `explore`.

    `verdict` is the kind of the first finding; `holds` where the search is closed without a finding; `incomplete` where
    a limit was reached without a finding. `ok`: whether the file expects this.
    """

    def __str__(self) -> str:
        return "\n".join(map(clean, describe(self, {}).split("\n")))

    def __repr__(self) -> str:
        from scenrun.report.notebook import one_line

        found = (one.sentence for one in self.counterexamples)
        return one_line("explore", f"{self.scenario}, seed {self.seed}", self.verdict, found)

    def _repr_html_(self) -> str:
        """The representation in a notebook."""
        from scenrun.report.notebook import html

        return html([str(self).split("\n")], self.ok)
