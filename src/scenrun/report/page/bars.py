"""The spans of a run as columns for a page; beyond a limit the shortest are merged, and each bar has the number of its spans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scenrun.report.page.columns import Names, Places, ns_of
from scenrun.trace.analysis.spans import ALIVE, Span

MOST_BARS = 150_000
"""The most bars of a page."""
_FIRST_LIMIT_S = 1e-6
_COLUMNS = (
    "thread", "what", "t", "lasted", "at", "places", "object", "op", "line", "ended", "by", "by_t", "by_at", "count", "busy",
)  # fmt: skip


@dataclass(slots=True)
class Bar:
    """A span, or several consecutive ones of one thread and kind."""

    first: Span
    end_s: float
    end_seq: int
    count: int = 1
    busy_s: float = 0.0
    """The total of the merged spans, without the gaps between them."""


class Bars:
    """Takes spans; when there are twice too many, those of a lane within a growing time are merged."""

    def __init__(self, threads: Names, objects: Names, most: int = MOST_BARS) -> None:
        self.threads, self.objects = threads, objects
        self._most = most
        self._bars: list[Bar] = []
        self._limit_s = _FIRST_LIMIT_S
        self.merged = 0
        """The number of spans without a bar of their own."""
        self.within_s = 0.0
        """The time within which spans were merged."""

    def take(self, span: Span) -> None:
        """Takes the next span, in the order of their ends."""
        self._bars.append(Bar(span, span.end_s, span.end_seq, 1, span.seconds))
        # Merging at twice the limit keeps memory bounded and its cost small for each span.
        if len(self._bars) > 2 * self._most:
            self._coarsen()

    def _coarsen(self) -> None:
        while len(self._bars) > self._most and self._limit_s < 1e9:
            self._limit_s *= 2
            self._merge()
        self.within_s = self._limit_s

    def _merge(self) -> None:
        last: dict[tuple[str, str, str | None], Bar] = {}
        kept = []
        for bar in self._bars:
            span = bar.first
            key = (span.thread, span.what, span.object if span.what in ("holding", "inside") else None)
            before = last.get(key)
            if before is not None and span.what != ALIVE and bar.end_s - before.first.begin_s <= self._limit_s:
                before.end_s, before.end_seq = max(before.end_s, bar.end_s), max(before.end_seq, bar.end_seq)
                before.count += bar.count
                before.busy_s += bar.busy_s
                continue
            last[key] = bar
            kept.append(bar)
        self.merged += len(self._bars) - len(kept)
        self._bars = kept

    def as_dict(self, places: Places) -> dict[str, Any]:
        """The columns of all bars."""
        if len(self._bars) > self._most:
            self._coarsen()
        whats, ops, endings = Names(), Names(), Names()
        rows = [self._row(bar, places.of, whats, ops, endings) for bar in self._bars]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(_COLUMNS)
        return {
            **dict(zip(_COLUMNS, columns, strict=True)),
            "whats": whats.shown(),
            "ops": ops.shown(),
            "endings": endings.shown(),
            "merged": self.merged,
            "within": ns_of(self.within_s),
        }

    def _row(self, bar: Bar, place: Callable[[int], int], whats: Names, ops: Names, endings: Names) -> tuple[int, ...]:
        span, by = bar.first, bar.first.by if bar.count == 1 else None
        begin, at = ns_of(span.begin_s), place(span.begin_seq)
        return (
            self.threads.of(span.thread), whats.of(span.what), begin, max(0, ns_of(bar.end_s) - begin), at,
            max(0, place(bar.end_seq) - at), self.objects.of(span.object), ops.of(span.op), span.line or 0,
            endings.of(span.ended), self.threads.of(by.thread if by else None), ns_of(by.at_s) if by else 0,
            place(by.seq) if by else 0, bar.count, ns_of(bar.busy_s) if bar.count > 1 else 0,
        )  # fmt: skip
