"""Durations folded into a histogram of bounded size: their number, total, largest, and percentiles within 1/16."""

from __future__ import annotations

from collections import deque
from typing import Any

_STEPS = 16
"""Buckets for each doubling: a percentile is right within 1/16."""


class Samples:
    """Durations in nanoseconds: threads append, the supervisor folds."""

    __slots__ = ("_buckets", "_pending", "add", "count", "max_ns", "total_ns")

    def __init__(self) -> None:
        self._pending: deque[int] = deque()
        self.add = self._pending.append
        self._buckets: dict[int, int] = {}
        self.count = self.total_ns = self.max_ns = 0

    def fold(self) -> None:
        """Take what was appended into the histogram."""
        if not self._pending:
            return
        pop, buckets = self._pending.popleft, self._buckets
        taken = [pop() for _ in range(len(self._pending))]
        self.count += len(taken)
        self.total_ns += sum(taken)
        self.max_ns = max(self.max_ns, max(taken))
        for sample in taken:
            bucket = _bucket(sample)
            buckets[bucket] = buckets.get(bucket, 0) + 1

    def __len__(self) -> int:
        """How many are not folded yet."""
        return len(self._pending)

    def count_zeros(self, of: int) -> None:
        """All but the samples taken of so many were nothing: fill up with zeros."""
        self.fold()
        zeros = of - self.count
        if zeros > 0:
            self.count += zeros
            self._buckets[0] = self._buckets.get(0, 0) + zeros

    def percentile(self, share: float) -> int:
        """Nanoseconds that so much of the samples do not exceed, within the histogram's precision."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_top(bucket), self.max_ns)
        return 0

    def summary(self) -> dict[str, Any]:
        """Total, largest and percentiles, in seconds."""
        self.fold()
        return {
            "total_s": self.total_ns / 1e9,
            "max_s": self.max_ns / 1e9,
            "p50_s": self.percentile(0.5) / 1e9,
            "p99_s": self.percentile(0.99) / 1e9,
        }


def _bucket(sample: int) -> int:
    doubling = sample.bit_length() - 5
    return sample if doubling < 0 else doubling * _STEPS + (sample >> doubling)


def _top(bucket: int) -> int:
    """The largest sample of a bucket."""
    if bucket < _STEPS:
        return bucket
    doubling, step = divmod(bucket - _STEPS, _STEPS)
    return ((_STEPS + step + 1) << doubling) - 1
