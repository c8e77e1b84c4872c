"""The comments of a scenario's file, each at the part of the file that it stands above or beside."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

import yaml

from scenrun.errors import Source

MODELINE = "yaml-language-server:"


@dataclass(slots=True)
class Beside:
    """The comments of one part of the file."""

    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


class Comments:
    """The comments of one file by the lines of its parts; each is given once for each time that its part is written."""

    def __init__(self, source: Source, lines: set[int]) -> None:
        self._of: dict[int, Beside] = {}
        starts = sorted(lines)
        for line, text, is_alone in _comments(source.text):
            if text.startswith(MODELINE):
                continue
            if is_alone:
                at = bisect.bisect_left(starts, line)
                if at < len(starts):
                    self._of.setdefault(starts[at], Beside()).above.append(text)
                elif starts:
                    self._of.setdefault(starts[-1], Beside()).beside.append(text)
            elif (at := bisect.bisect_right(starts, line)) > 0:
                self._of.setdefault(starts[at - 1], Beside()).beside.append(text)

    def of(self, line: int) -> tuple[tuple[str, ...], str]:
        """What stands above the part that begins in a line, and beside it."""
        found = self._of.get(line, Beside())
        if len(found.beside) > 1:
            return (*found.above, *found.beside), ""
        return tuple(found.above), "".join(found.beside)


def _comments(text: str) -> list[tuple[int, str, bool]]:
    """Each comment of a YAML text: its line, from 1, its words, and whether it has the line for itself."""
    taken = _scalars(text)
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for at in [at for at, character in enumerate(line) if character == "#"]:
            before = line[:at]
            if (before and before[-1] not in " \t") or _is_inside(taken, number, at):
                continue
            found.append((number, line[at + 1 :].removeprefix(" ").rstrip(), not before.strip()))
            break
    return found


def _scalars(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the quoted texts and blocks of a YAML text begin and end: a `#` in them begins no comment."""
    tokens = yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [
        ((token.start_mark.line + 1, token.start_mark.column), (token.end_mark.line + 1, token.end_mark.column))
        for token in tokens
        if isinstance(token, yaml.ScalarToken)
    ]


def _is_inside(taken: list[tuple[tuple[int, int], tuple[int, int]]], line: int, column: int) -> bool:
    at = bisect.bisect_right(taken, ((line, column), (1 << 30, 0))) - 1
    return at >= 0 and taken[at][0] <= (line, column) < taken[at][1]
