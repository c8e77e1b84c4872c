"""The lines of a log as columns of small numbers, the form of a page's data, with tables of names and places."""

from __future__ import annotations

from collections import deque
from typing import Any

from scenrun.report.page.texts import detail_of, harmless
from scenrun.trace.analysis.reading import Event

MOST_LINES = 200_000
"""The most lines of a page."""
MOST_KEPT = 2_000
"""The most lines kept from the middle of a longer log: findings, errors, warnings."""
_LOUD = frozenset(("warning", "error", "critical"))
_FARTHEST_NS = 1 << 52


def ns_of(seconds: float) -> int:
    """Seconds as whole nanoseconds, within the range in which JavaScript's numbers are exact."""
    return round(max(-_FARTHEST_NS, min(_FARTHEST_NS, seconds * 1e9))) if seconds == seconds else 0


class Names:
    """A table of texts, each with its number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, name: str | None) -> int:
        """The number of a text; -1 for None."""
        if name is None:
            return -1
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.numbers)
        return number

    def shown(self, most: int = 500) -> list[str]:
        """The texts in the order of their numbers, harmless and of at most `most` characters."""
        return [harmless(name, most) for name in self.numbers]


class Places:
    """The places of lines in the log by their `seq`: the first is at 0, and missing lines leave no gap."""

    def __init__(self) -> None:
        self.count = 0
        self._starts: list[tuple[int, int]] = []
        """The jumps of `seq`: its value after the jump, and the line's place."""
        self._following = -1

    def note(self, seq: int) -> int:
        """The place of the next line."""
        place = self.count
        if seq != self._following:
            self._starts.append((seq, place))
        self._following = seq + 1
        self.count += 1
        return place

    def jumps(self) -> list[list[int]]:
        """Pairs of a place and the `seq` from which the lines are counted there."""
        return [[place, min(seq, _FARTHEST_NS)] for seq, place in self._starts]

    def of(self, seq: int) -> int:
        """The place of a line that has been noted."""
        starts = self._starts
        if len(starts) == 1:
            return seq - starts[0][0]
        low, high = 0, len(starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if starts[middle][0] <= seq else (low, middle)
        return starts[low][1] + seq - starts[low][0] if starts else 0


Row = tuple[int, int, int, int, int, int, int, int, str]
"""A line: its place, nanoseconds, then the numbers of event, thread, object, step and level, its line, and its detail."""


class Lines:
    """Keeps the lines of a log: all of a short one; of a longer one the first, the last, and warnings and errors between."""

    def __init__(self, threads: Names, objects: Names, most: int = MOST_LINES) -> None:
        self.events, self.steps, self.levels = Names(), Names(), Names()
        self.threads, self.objects = threads, objects
        self._head: list[Row] = []
        self._loud: list[Row] = []
        self._tail: deque[Row] = deque(maxlen=max(1, most - most // 2))
        self._most = most // 2
        self.left_out = 0

    def take(self, event: Event, place: int) -> None:
        """Keeps the next line."""
        row = (
            place, ns_of(event["elapsed_s"]), self.events.of(event["event"]), self.threads.of(event.get("thread")),
            self.objects.of(event.get("object")), self.steps.of(event.get("step")), self.levels.of(_level(event)),
            _line(event), detail_of(event),
        )  # fmt: skip
        if len(self._head) < self._most:
            self._head.append(row)
            return
        if len(self._tail) == self._tail.maxlen:
            self._let_go(self._tail[0])
        self._tail.append(row)

    def _let_go(self, row: Row) -> None:
        loud = {self.levels.of(level) for level in _LOUD & self.levels.numbers.keys()}
        if row[6] in loud and len(self._loud) < MOST_KEPT:
            self._loud.append(row)
        else:
            self.left_out += 1

    def as_dict(self) -> dict[str, Any]:
        """The columns; times and places as differences from line to line, which have fewer digits."""
        rows = [*self._head, *self._loud, *self._tail]
        details = Names()
        columns = list(zip(*rows, strict=True)) if rows else [()] * 9
        return {
            "at": _differences(columns[0]),
            "t": _differences(columns[1]),
            **dict(zip(("event", "thread", "object", "step", "level", "line"), columns[2:8], strict=True)),
            "detail": [details.of(text) for text in columns[8]],
            "details": list(details.numbers),
            "events": self.events.shown(),
            "steps": self.steps.shown(),
            "levels": self.levels.shown(),
            "left_out": self.left_out,
        }


def _differences(numbers: Any) -> list[int]:
    return [b - a for a, b in zip((0, *numbers[:-1]), numbers, strict=True)] if numbers else []


def _level(event: Event) -> str:
    level = event.get("level", "")
    return level if isinstance(level, str) else ""


def _line(event: Event) -> int:
    line = event.get("line", 0)
    return line if 0 <= line < 1 << 31 else 0
