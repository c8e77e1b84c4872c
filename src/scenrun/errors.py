"""The three families of errors: the file's, the scenario's own threads', and ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return text.splitlines()


@dataclass(frozen=True, slots=True)
class Source:
    """A text that scenarios come from: a file, standard input, an option of the command line."""

    name: str
    text: str = field(repr=False)

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), or nothing past the end."""
        lines = _lines(self.text)
        return lines[number - 1] if 1 <= number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a source; line and column count from 1."""

    source: Source
    line: int
    column: int
    exact: bool = True
    """False where the text at the place is not the text as read (a folded or escaped string)."""

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def moved(self, columns: int) -> Place:
        """The place so many columns further on, where the text allows to say so."""
        return Place(self.source, self.line, self.column + columns) if self.exact else self


MAX_SHOWN = 160
"""Columns of a source line that an error shows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file: where, what, and what to do next."""

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
        shown = "".join(c if c.isprintable() else " " for c in text[start : start + MAX_SHOWN])
        if not shown.strip() or place.column > len(text) + 1:
            return ""
        return f"\n    {shown}\n    {' ' * (place.column - 1 - start)}^"


class ScenarioError(Exception):
    """The scenario file (or an override of it) is wrong; nothing has been started.

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
    """The command line or a call asks for something that cannot be, or that would have no effect."""


class OutputError(Exception):
    """The log could not be opened or written; `midway` tells which."""

    def __init__(self, message: str, *, midway: bool) -> None:
        self.midway = midway
        super().__init__(message)


class InternalError(Exception):
    """scenrun itself is wrong: please report it, with the scenario."""


class Fault(Exception):
    """An exception inside a scenario's thread: a value with a type's name and a text.

    `type` is the name under which a scenario catches it, such as `ValueError` or `queue.Empty`.
    """

    def __init__(self, type: str, text: str) -> None:
        self.type = type
        self.text = text
        super().__init__(type, text)

    def __str__(self) -> str:
        return f"{self.type}: {self.text}" if self.text else self.type
