"""Collects the problems that compiling finds, without those that only follow from a part of the file that was not read."""

from __future__ import annotations

from collections.abc import Iterable

from scenrun.errors import Place, Problem, ScenarioError
from scenrun.language.suggestions import nearest

MAX_PROBLEMS = 100
"""The number of problems after which compiling stops."""


class Complaints:
    """The problems found so far.

    unread: the words of the parts of the file that could not be read; None: any name may occur there.
    """

    def __init__(self, unread: frozenset[str] | None = frozenset()) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        """What is no mistake in a file that is being built, and may be one in a file that is done."""
        self.suggested: set[str] = set()
        """Names that were suggested for a misspelt one; they count as used."""
        self._unread = unread
        self._noted: set[Problem] = set()
        self._unused: list[tuple[Place | None, str, str]] = []

    def refuse(self, place: Place | None, message: str, about: str | None = None) -> None:
        """Note a problem, unless the name that it is `about` may be declared or used in an unread part."""
        if about is not None and (self._unread is None or about in self._unread):
            return
        problem = Problem(place, message)
        if problem in self._noted:
            return
        self._noted.add(problem)
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise ScenarioError([Problem(place, f"more than {MAX_PROBLEMS} problems; what follows was not looked at")])

    def later(self, place: Place | None, message: str, about: str) -> None:
        """Note an unused name, of which `finish` warns unless it was suggested for a misspelt one."""
        self._unused.append((place, message, about))

    def finish(self) -> None:
        """Warn of the unused names, now that every misspelt one has been seen."""
        for place, message, about in self._unused:
            if about not in self.suggested and self._unread is not None and about not in self._unread:
                self.warnings.append(Problem(place, message))

    def hint(self, word: str, known: Iterable[str]) -> str:
        """`; did you mean ..?` with the nearest known name, or an empty text."""
        found = nearest(word, known)
        if found is None:
            return ""
        self.suggested.add(found)
        return f"; did you mean `{found}`?"
