"""The comments of a scenario's file, each at the part of the file that it stands above or beside."""

from __future__ import annotations

import bisect

from msgspec import Struct, field

from scenrun.errors import Source
from scenrun.language.comments import comments_in

MODELINE = "yaml-language-server:"


class Beside(Struct):
    """The comments of one part of the file."""

    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


class Comments:
    """The comments of one file by the lines of its parts; each is given once for each time that its part is written."""

    def __init__(self, source: Source, lines: set[int], heads: set[int]) -> None:
        """lines: where the parts begin; heads: those that are not written themselves, as `threads:`, but what is below them."""
        self._of: dict[int, Beside] = {}
        self._given: set[int] = set()
        starts = sorted(lines - heads)
        for line, text, is_alone in comments_in(source.text):
            if text.startswith(MODELINE):
                continue
            if is_alone or line in heads:
                at = bisect.bisect_left(starts, line)
                if at < len(starts):
                    self._of.setdefault(starts[at], Beside()).above.append(text)
                elif starts:
                    self._of.setdefault(starts[-1], Beside()).beside.append(text)
            elif (at := bisect.bisect_right(starts, line)) > 0:
                self._of.setdefault(starts[at - 1], Beside()).beside.append(text)

    def of(self, line: int) -> tuple[tuple[str, ...], str]:
        """What stands above the part that begins in a line, and beside it."""
        self._given.add(line)
        found = self._of.get(line, Beside())
        if len(found.beside) > 1:
            return (*found.above, *found.beside), ""
        return tuple(found.above), "".join(found.beside)

    def left(self) -> list[str]:
        """The comments of parts that were never written, in the order of the file."""
        parts = [self._of[line] for line in sorted(self._of) if line not in self._given]
        return [text for part in parts for text in (*part.above, *part.beside) if text.strip()]
