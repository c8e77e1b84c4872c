"""The lanes of a run while it goes on: for each thread, what part of each moment it spent how.

Moments are as long as it takes to have no more than `MOST_MOMENTS` of them, so that neither the time nor the number of a
run's lines makes the lanes larger.
"""

from __future__ import annotations

from typing import Any

from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.spans import ALIVE, CALLING, SLEEPING, WAITING, WORKING, Span, Spans

WAYS = (WORKING, CALLING, SLEEPING, WAITING)
"""How the time of a moment is spent; the rest of a thread's life it runs, or could run."""
MOST_LANES = 64
MOST_MOMENTS = 600
FIRST_MOMENT_S = 0.001


class LiveLanes:
    """Takes the events of a run as they come; what has changed can be asked for at any time."""

    def __init__(self) -> None:
        self.moment_s = FIRST_MOMENT_S
        self.events = 0
        self.left_out = 0
        """The number of threads without a lane, as there are too many."""
        self._spans = Spans(self._ended)
        self._lanes: dict[str, int] = {}
        self._unnamed: set[str] = set()
        self._spent: dict[tuple[int, int], list[float]] = {}
        """Seconds by lane and moment, in the order of `WAYS`."""
        self._lives: dict[int, tuple[float, float | None]] = {}
        """When each thread began, and ended if it has."""
        self._changed: set[tuple[int, int]] = set()
        self._is_new_scale = True

    def take(self, event: Event) -> None:
        """Take the next event."""
        self.events += 1
        if event["event"] == "thread.started" and (lane := self._lane(event["thread"])) is not None:
            self._lives.setdefault(lane, (event["elapsed_s"], None))
        self._spans.take(event)

    def changes(self) -> dict[str, Any]:
        """What has changed since it was last asked for; all of it where moments have become longer (`again`)."""
        told = self._spent if self._is_new_scale else self._changed
        out = {
            "again": self._is_new_scale, "moment_s": self.moment_s, "ways": WAYS, "lanes": list(self._lanes),
            "moments": [[lane, at, *(round(one, 7) for one in self._spent[lane, at])] for lane, at in told],
            "lives": [[lane, *life] for lane, life in self._lives.items()],
            "open": [[self._lanes[thread], what, since] for thread, what, since in self._going_on()],
            "elapsed_s": self._spans.ended_s, "events": self.events, "left_out": self.left_out,
        }  # fmt: skip
        self._changed, self._is_new_scale = set(), False
        return out

    def close(self) -> None:
        """End what is still open, at the end of the log."""
        self._spans.close()

    def _going_on(self) -> list[tuple[str, str, float]]:
        return [one for one in self._spans.going_on() if one[1] in WAYS and one[0] in self._lanes]

    def _lane(self, thread: str) -> int | None:
        lane = self._lanes.get(thread)
        if lane is None and thread not in self._unnamed:
            if len(self._lanes) >= MOST_LANES:
                self._unnamed.add(thread)
                self.left_out += 1
                return None
            lane = self._lanes[thread] = len(self._lanes)
        return lane

    def _ended(self, span: Span) -> None:
        lane = self._lanes.get(span.thread)
        if lane is None:
            return
        if span.what == ALIVE:
            self._lives[lane] = (min(span.begin_s, self._lives.get(lane, (span.begin_s, None))[0]), span.end_s)
        elif span.what in WAYS:
            while span.end_s > self.moment_s * MOST_MOMENTS:
                self._make_longer()
            self._spend(lane, WAYS.index(span.what), span.begin_s, span.end_s)

    def _spend(self, lane: int, way: int, begin: float, end: float) -> None:
        """Share a time out to the moments that it lies in."""
        length = self.moment_s
        at = int(begin / length)
        while begin < end:
            until = min(end, (at + 1) * length)
            spent = self._spent.get((lane, at))
            if spent is None:
                spent = self._spent[lane, at] = [0.0] * len(WAYS)
            spent[way] += max(0.0, until - begin)
            self._changed.add((lane, at))
            begin, at = until, at + 1

    def _make_longer(self) -> None:
        """Make each moment twice as long."""
        self.moment_s *= 2
        merged: dict[tuple[int, int], list[float]] = {}
        for (lane, at), spent in self._spent.items():
            into = merged.setdefault((lane, at // 2), [0.0] * len(WAYS))
            for way, seconds in enumerate(spent):
                into[way] += seconds
        self._spent, self._is_new_scale = merged, True
