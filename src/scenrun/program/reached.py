"""The steps of a file, and to which of them threads have come: in how many runs, or schedules, and in none at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scenrun.program.ir import Program

_OF_THE_FILE = ("threads.", "main", "behaviours.", "sync.", "stop")
"""How the paths of steps begin that the file itself has; those of built-in behaviours begin otherwise."""
_LOGGED = ("log", "sleep", "work", "call")
"""The steps without an object of which a log at level debug has lines."""


class StepOfFile(NamedTuple):
    """A step of the file: its line, from 1, and its path, such as `behaviours.update.do[2]`."""

    line: int
    path: str


def steps_at_places(program: Program) -> dict[tuple[int, int], tuple[StepOfFile, ...]]:
    """For each place, the numbers of a code and an instruction, the steps of the file that a thread is in there.

    A step that has others in it, as `try` and `if` have, is reached where one of these is.
    """
    by_path: dict[str, StepOfFile] = {}
    for code in program.codes:
        for one in code.instructions:
            if one.line and one.step.startswith(_OF_THE_FILE) and ("[" in one.step or "." in one.op):
                by_path.setdefault(one.step, StepOfFile(one.line, one.step))
    found = {}
    for code in program.codes:
        for pc, one in enumerate(code.instructions):
            if one.step in by_path:
                around = [by_path[path] for path in _around(one.step) if path in by_path]
                found[code.number, pc] = tuple(around)
    return found


def _around(path: str) -> Iterator[str]:
    """The path of a step, and the paths of those that it is in."""
    yield path
    while "[" in path and (at := path.rfind(".")) > 0:
        path = path[:at]
        yield path


def logged_steps(program: Program) -> set[StepOfFile]:
    """The steps of which a log has lines; the others only compute and decide."""
    return {
        StepOfFile(one.line, one.step)
        for code in program.codes
        for one in code.instructions
        if one.line and one.step.startswith(_OF_THE_FILE)
        if one.op in _LOGGED or ("." in one.op and not one.op.startswith("atomic."))
    }


def draws(program: Program) -> bool:
    """Whether steps draw numbers, on which it may depend where threads come."""
    texts = (text for code in program.codes for one in code.instructions for text in one.arguments)
    return any("random" in text for text in texts)


@dataclass(frozen=True, slots=True)
class Reached:
    """What was reached of a file."""

    what: str
    """What is counted: `drawn schedules`, `runs`."""
    total: int
    """How many of them there are."""
    counts: Mapping[StepOfFile, int]
    """In how many of them a thread came to each step."""
    never: tuple[StepOfFile, ...] = ()
    """The steps to which no thread comes in any schedule: a search has shown it."""
    not_yet: tuple[StepOfFile, ...] = ()
    """The steps to which none came, as far as was looked."""
    searched: int | None = None
    """The states that a search visited; None where none was made."""
    is_closed: bool = False
    """Whether these are all."""
    within: str = ""
    """What the search left out, in words: `in virtual time`, `with seed 0`. Then nothing is said to be never reached."""
    text: str = field(default="", repr=False)
    """The text of the file."""

    @property
    def by_line(self) -> dict[int, int]:
        """For each line with a step the count of the step that most came to."""
        found: dict[int, int] = {}
        for step, count in self.counts.items():
            found[step.line] = max(count, found.get(step.line, 0))
        return found

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "what": self.what, "total": self.total,
            "steps": [{"line": step.line, "step": step.path, "count": count} for step, count in self.counts.items()],
            "never": [step._asdict() for step in self.never], "not_yet": [step._asdict() for step in self.not_yet],
            "states": self.searched, "closed": self.is_closed, "within": self.within,
        }  # fmt: skip
