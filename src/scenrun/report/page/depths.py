"""The sizes of queues over time for a page; long series are thinned and keep their extremes."""

from __future__ import annotations

from typing import Any

from scenrun.report.page.columns import Names, ns_of
from scenrun.trace.analysis.reading import Event

MOST_POINTS = 50_000
"""The most points of one queue."""
_SIZED = frozenset(("queue.put", "queue.got"))


class Depths:
    """Takes lines, and follows the size of each queue, as far as the lines have it."""

    def __init__(self, objects: Names, most: int = MOST_POINTS) -> None:
        self.objects = objects
        self._most = most
        self._series: dict[str, list[tuple[int, int, int]]] = {}
        self.thinned = 0
        """The number of points left out."""

    def take(self, event: Event, place: int) -> None:
        """Takes the next line."""
        if event["event"] not in _SIZED:
            return
        size, name = event.get("size"), event.get("object")
        if type(size) is not int or name is None:
            return
        points = self._series.setdefault(name, [])
        points.append((ns_of(event["elapsed_s"]), place, max(0, min(size, 1 << 31))))
        if len(points) > 2 * self._most:
            self._series[name] = self._thinned(points)

    def _thinned(self, points: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """The smallest and the largest of each four consecutive points."""
        kept = []
        for start in range(0, len(points), 4):
            four = points[start : start + 4]
            kept += sorted({min(four, key=lambda p: p[2]), max(four, key=lambda p: p[2])}, key=lambda p: p[1])
        self.thinned += len(points) - len(kept)
        return kept

    def as_list(self) -> list[dict[str, Any]]:
        """The points of each queue."""
        out = []
        for name, points in self._series.items():
            times, places, sizes = zip(*points, strict=True)
            out.append({"object": self.objects.of(name), "t": times, "at": places, "size": sizes})
        return out
