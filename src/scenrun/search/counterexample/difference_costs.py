"""Minimizes a weighted sum of differences of times under difference constraints: the dual of a flow of the least cost.

A constraint says that one time is at least so much after another. The least sum is found as the flow of the greatest value
against the constraints, along longest paths (successive shortest paths; Ahuja, Magnanti and Orlin, Network Flows, 1993).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field


class Impossible(Exception):
    """No times satisfy the constraints."""


class TooMuchWork(Exception):
    """The least sum is not found with the work that may be done."""


class Work(Struct):
    """How much may be done in all, in looks at a constraint."""

    left: int


class Differences(Struct):
    """Times under constraints, and the weighted differences of them whose sum is to be least; it must be bounded below."""

    count: int
    """The number of times; time 0 is the origin, and all are at or after it."""
    work: Work
    arcs: list[list[int]] = field(default_factory=list)
    """Each constraint: the earlier time, the later one, by how much at least, and how much flow it has."""
    wanted: list[int] = field(default_factory=list)
    """The weight of each time in the sum."""

    def __post_init__(self) -> None:
        self.wanted = [0] * self.count

    def new(self) -> int:
        """One more time."""
        self.wanted.append(0)
        self.count += 1
        self.at_least(0, self.count - 1, 0)
        return self.count - 1

    def at_least(self, earlier: int, later: int, distance: int) -> None:
        """Add a constraint: `later` is at least `distance` after `earlier`."""
        self.arcs.append([earlier, later, distance, 0])

    def add(self, earlier: int, later: int, weight: int) -> None:
        """Add a term: the time from `earlier` to `later`, with a weight."""
        self.wanted[later] += weight
        self.wanted[earlier] -= weight

    def least(self) -> list[int]:
        """Times with the least sum; raises Impossible and TooMuchWork."""
        self._longest([0])
        wanted = list(self.wanted)
        while any(one < 0 for one in wanted):
            longest, came = self._longest([at for at in range(self.count) if wanted[at] < 0])
            to = max((at for at in range(self.count) if wanted[at] > 0), key=lambda at: longest[at])
            way, first = self._way(came, to)
            most = min([wanted[to], -wanted[first], *(self.arcs[arc][3] for arc, forward in way if not forward)])
            for arc, forward in way:
                self.arcs[arc][3] += most if forward else -most
            wanted[to] -= most
            wanted[first] += most
        return [int(one) for one in self._longest([0])[0]]

    def _way(self, came: list[tuple[int, bool] | None], to: int) -> tuple[list[tuple[int, bool]], int]:
        """The arcs of the path to a time, each with whether it is taken forward, and where the path begins."""
        way: list[tuple[int, bool]] = []
        while (step := came[to]) is not None:
            way.append(step)
            to = self.arcs[step[0]][0 if step[1] else 1]
        return way, to

    def _longest(self, sources: Iterable[int]) -> tuple[list[float], list[tuple[int, bool] | None]]:
        """The longest paths from any of the sources against the flow so far, and the arc by which each time is reached."""
        out: list[float] = [float("-inf")] * self.count
        came: list[tuple[int, bool] | None] = [None] * self.count
        for at in sources:
            out[at] = 0
        for _ in range(self.count + 1):
            if not self._relaxed(out, came):
                return out, came
        raise Impossible

    def _relaxed(self, out: list[float], came: list[tuple[int, bool] | None]) -> bool:
        """Take every arc once; whether a path has become longer."""
        better = False
        self.work.left -= len(self.arcs)
        if self.work.left < 0:
            raise TooMuchWork
        for number, (earlier, later, distance, flow) in enumerate(self.arcs):
            if out[earlier] + distance > out[later]:
                out[later], came[later], better = out[earlier] + distance, (number, True), True
            if flow and out[later] - distance > out[earlier]:
                out[earlier], came[earlier], better = out[later] - distance, (number, False), True
        return better
