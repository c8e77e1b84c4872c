"""The exception classes of scenrun, and the sources, places and problems that they report.

They tell apart errors of the user's input and output (ScenarioError, UsageError, OutputError), exceptions of a scenario's
threads (Fault), and bugs of scenrun itself (InternalError).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from scenrun.printable import blanked


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return text.splitlines()


@dataclass(frozen=True, slots=True)
class Source:
    """A named text that a scenario or a part of it is read from: a file, standard input, a command-line option."""

    name: str
    text: str = field(repr=False)

    def line(self, number: int) -> str:
        """The text of line `number`, counted from 1; empty past the end."""
        lines = _lines(self.text)
        return lines[number - 1] if 1 <= number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a source; line and column count from 1."""

    source: Source
    line: int
    column: int
    exact: bool = True
    """False where the text at the place is not the text as read (a folded or escaped string)."""

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def moved(self, columns: int) -> Place:
        """The place `columns` further to the right; the same place where it is not exact."""
        return Place(self.source, self.line, self.column + columns) if self.exact else self


MAX_SHOWN = 160
"""The most columns of a source line that an error shows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of a file: its place, and a message that says what is wrong and what to do."""

    place: Place | None
    message: str

    def __str__(self) -> str:
        if self.place is None:
            return self.message
        return f"{self.place}: {self.message}{self._excerpt(self.place)}"

    @staticmethod
    def _excerpt(place: Place) -> str:
        text = place.source.line(place.line)
        start = max(0, place.column - MAX_SHOWN // 2) if len(text) > MAX_SHOWN else 0
        shown = blanked(text[start : start + MAX_SHOWN])
        if not shown.strip() or place.column > len(text) + 1:
            return ""
        return f"\n    {shown}\n    {' ' * (place.column - 1 - start)}^"


class ScenarioError(Exception):
    """The scenario file (or an override of it) is wrong; no thread has been started.

    `problems` lists every problem found, in the order of the file.
    """

    MAX_LISTED = 50

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = sorted(set(problems), key=self._order)
        super().__init__(self._text())

    @staticmethod
    def _order(problem: Problem) -> tuple[str, int, int, str]:
        place = problem.place
        return (place.source.name, place.line, place.column, problem.message) if place else ("", 0, 0, problem.message)

    def _text(self) -> str:
        shown = [str(p) for p in self.problems[: self.MAX_LISTED]]
        left_out = len(self.problems) - len(shown)
        return "\n".join([*shown, *([f"... and {left_out} more problems"] if left_out else [])])


class UsageError(Exception):
    """The command line or a call has an argument that is invalid, or that would have no effect."""


class OutputError(Exception):
    """A log or another output could not be opened or written; `midway`: whether it failed while being written."""

    def __init__(self, message: str, *, midway: bool) -> None:
        self.midway = midway
        super().__init__(message)


class InternalError(Exception):
    """A bug of scenrun itself, to be reported together with the scenario."""


class Fault(Exception):
    """An exception raised inside a scenario's thread, with the name of its type and its text.

    `type` is the name under which a scenario catches it, such as `ValueError` or `queue.Empty`.
    """

    def __init__(self, type: str, text: str) -> None:
        self.type = type
        self.text = text
        super().__init__(type, text)

    def __str__(self) -> str:
        return f"{self.type}: {self.text}" if self.text else self.type
