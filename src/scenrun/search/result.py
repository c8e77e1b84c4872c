"""What exploring a scenario gives back: what was found, and how it is shown to a person."""

from __future__ import annotations

from dataclasses import dataclass

from scenrun.printable import clean
from scenrun.search.counterexample.summary import describe
from scenrun.search.record import SearchRecord


@dataclass(frozen=True, slots=True, repr=False)
class Explored(SearchRecord):
    """The result of `explore`.

    `verdict` is the kind of the first finding; `holds` where everything was searched and nothing found; `incomplete`
    where a limit came before either. `ok` says whether the file expects it.
    """

    def __str__(self) -> str:

        return "\n".join(map(clean, describe(self, {}).split("\n")))

    def __repr__(self) -> str:
        from scenrun.report.notebook import one_line

        found = (one.sentence for one in self.counterexamples)
        return one_line("explore", f"{self.scenario}, seed {self.seed}", self.verdict, found)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from scenrun.report.notebook import html

        return html([str(self).split("\n")], self.ok)
