"""The figures of each queue: throughput, its size over time, and the time that items spend inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from scenrun.trace.analysis.cause import Cause
from scenrun.trace.analysis.causes import Causes
from scenrun.trace.analysis.figures_of_objects import sample
from scenrun.trace.analysis.figures_of_threads import family
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.run_started import Opening
from scenrun.trace.analysis.spans import FAULT, Span
from scenrun.trace.histogram import Samples

BINS = 128


class Profile:
    """A quantity over time in a bounded number of bins, whose width doubles when time goes beyond them."""

    __slots__ = ("areas", "width_s")

    def __init__(self) -> None:
        self.width_s = 1e-6
        self.areas = [0.0] * BINS

    def add(self, begin_s: float, end_s: float, value: float) -> None:
        """Adds a constant value from `begin_s` to `end_s`."""
        while end_s >= self.width_s * BINS:
            self._widen()
        width, areas = self.width_s, self.areas
        first, last = int(begin_s / width), int(end_s / width)
        if first == last:
            areas[first] += value * (end_s - begin_s)
            return
        areas[first] += value * ((first + 1) * width - begin_s)
        for at in range(first + 1, last):
            areas[at] += value * width
        areas[last] += value * (end_s - last * width)

    def _widen(self) -> None:
        # Areas instead of means make merging exact: two bins are one by addition.
        pairs = zip(self.areas[::2], self.areas[1::2], strict=True)
        self.areas = [one + other for one, other in pairs] + [0.0] * (BINS // 2)
        self.width_s *= 2

    def means(self, end_s: float) -> list[float]:
        """The mean of each bin up to `end_s`; of the last bin over its elapsed part."""
        full, rest = int(end_s / self.width_s), end_s % self.width_s
        means = [area / self.width_s for area in self.areas[:full]]
        return [*means, self.areas[full] / rest] if rest > self.width_s * 1e-6 and full < BINS else means


class QueueFigures:
    """The figures of one queue. Its size is taken from the lines, and constant from each to the next."""

    __slots__ = (
        "_at_s", "_empty_s", "_full_s", "_size", "gets", "getters", "inside", "kind", "largest", "maxsize", "profile",
        "puts", "putters", "timed_out", "waited_get", "waited_put",
    )  # fmt: skip

    def __init__(self, kind: str, maxsize: int) -> None:
        self.kind = kind
        self.maxsize = maxsize
        self.puts = self.gets = self.largest = self.timed_out = 0
        self.waited_put = Samples()
        self.waited_get = Samples()
        self.inside = Samples()
        self.profile = Profile()
        self.putters: dict[str, int] = defaultdict(int)
        self.getters: dict[str, int] = defaultdict(int)
        self._size = 0
        self._at_s = self._empty_s = self._full_s = 0.0

    def put(self, event: Event, is_gone: bool) -> None:
        """Counts a finished put. is_gone: the line of the get that took the item came first."""
        self.puts += 1
        self.putters[family(event["thread"])] += 1
        waited = event.get("waited_s")
        if waited:
            sample(self.waited_put, waited)
        if is_gone:
            sample(self.inside, 0.0)
        self._is(event["elapsed_s"], event.get("size"), self._size + 1)

    def got(self, event: Event, put: Cause | None) -> None:
        """Counts a finished get. put: the line that put the item, if it is known."""
        self.gets += 1
        self.getters[family(event["thread"])] += 1
        waited = event.get("waited_s")
        if waited:
            sample(self.waited_get, waited)
        if put is not None:
            sample(self.inside, event["elapsed_s"] - put.at_s)
        self._is(event["elapsed_s"], event.get("size"), max(0, self._size - 1))

    def _is(self, at_s: float, told: Any, otherwise: int) -> None:
        """Sets the size from now on: the one that the line has, or else the counted one."""
        size: int = told if type(told) is int else otherwise
        self.until(at_s)
        self._size = size
        if size > self.largest:
            self.largest = size

    def until(self, at_s: float) -> None:
        """Extends the present size up to `at_s`."""
        begin, size = self._at_s, self._size
        if at_s <= begin:
            return
        self._at_s = at_s
        if size == 0:
            self._empty_s += at_s - begin
        else:
            self.profile.add(begin, at_s, size)
            if 0 < self.maxsize <= size:
                self._full_s += at_s - begin

    def broken_off(self, span: Span) -> None:
        """Adds a wait that ended with a fault, such as queue.Empty, or that the end of the run cut off."""
        self.timed_out += span.ended == FAULT
        sample(self.waited_put if span.op == "queue.put" else self.waited_get, span.end_s - span.begin_s)

    def as_dict(self, begin_s: float, end_s: float) -> dict[str, Any]:
        """The figures by their names in tables and files; the run lasted from `begin_s` to `end_s`."""
        self.until(end_s)
        self.waited_put.count_zeros(self.puts)
        self.waited_get.count_zeros(self.gets)
        time = max(end_s - begin_s, 1e-9)
        means = self.profile.means(end_s)
        out: dict[str, Any] = {
            "kind": self.kind,
            "maxsize": self.maxsize,
            "puts": self.puts,
            "gets": self.gets,
            "timed_out": self.timed_out,
            "throughput_per_s": self.gets / time,
            "size": self._size,
            "largest": self.largest,
            "size_mean": min(float(self.largest), sum(self.profile.areas) / time),
            "empty_share": min(1.0, max(0.0, self._empty_s - begin_s) / time),
            "full_share": min(1.0, self._full_s / time) if self.maxsize else None,
            "waited_put": self.waited_put.summary(),
            "waited_get": self.waited_get.summary(),
            "inside": self.inside.summary(),
            "putters": dict(self.putters),
            "getters": dict(self.getters),
            "profile": {"bin_s": self.profile.width_s, "sizes": means},
        }
        return out


class Queues:
    """Measures all queues, from their lines, after `causes` has matched puts and gets."""

    def __init__(self, causes: Causes) -> None:
        self._causes = causes
        self.queues: dict[str, QueueFigures] = {}
        self.opening = Opening()
        self.handlers: dict[str, Callable[[Event], None]] = {"queue.put": self._put, "queue.got": self._got}

    def _put(self, event: Event) -> None:
        self.of(event.get("object", "")).put(event, self._causes.got_before is not None)

    def _got(self, event: Event) -> None:
        self.of(event.get("object", "")).got(event, self._causes.put_before)

    def of(self, name: str) -> QueueFigures:
        """The figures of a queue by its label."""
        found = self.queues.get(name)
        if found is None:
            kind, maxsize = self.opening.option(name, "kind"), self.opening.option(name, "maxsize")
            found = QueueFigures(str(kind or "fifo"), maxsize if type(maxsize) is int else 0)
            self.queues[name] = found
        return found

    def as_dict(self, begin_s: float, end_s: float) -> dict[str, dict[str, Any]]:
        """The table of all queues; the run lasted from `begin_s` to `end_s`."""
        return {name: queue.as_dict(begin_s, end_s) for name, queue in self.queues.items()}
