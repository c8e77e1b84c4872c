"""A histogram of durations in bounded memory: count, total, maximum, and percentiles within 1/16."""

from __future__ import annotations

from collections import deque
from typing import Any

_STEPS = 16
"""Buckets per power of two: percentiles are right within 1/16."""


class Samples:
    """Durations in nanoseconds: any thread appends with `add`, one thread folds them into the buckets."""

    __slots__ = ("_buckets", "_pending", "add", "count", "max_ns", "total_ns")

    def __init__(self) -> None:
        # Appending to a deque is atomic, so that threads need no lock on their hot path.
        self._pending: deque[int] = deque()
        self.add = self._pending.append
        self._buckets: dict[int, int] = {}
        self.count = self.total_ns = self.max_ns = 0

    def fold(self) -> None:
        """Moves the appended durations into the histogram."""
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
        """The number of durations that are not folded yet."""
        return len(self._pending)

    def count_zeros(self, of: int) -> None:
        """Fills up with zeros to `of` samples in all."""
        self.fold()
        # Operations that did not wait add no sample, which keeps the hot path short; their zeros are made up for here.
        zeros = of - self.count
        if zeros > 0:
            self.count += zeros
            self._buckets[0] = self._buckets.get(0, 0) + zeros

    def percentile(self, share: float) -> int:
        """The duration in nanoseconds that a share (0 to 1) of the samples do not exceed, within 1/16."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_top(bucket), self.max_ns)
        return 0

    def summary(self) -> dict[str, Any]:
        """Total, maximum, median and 99th percentile, in seconds."""
        self.fold()
        return {
            "total_s": self.total_ns / 1e9,
            "max_s": self.max_ns / 1e9,
            "p50_s": self.percentile(0.5) / 1e9,
            "p99_s": self.percentile(0.99) / 1e9,
        }


def _bucket(sample: int) -> int:
    # Small durations have a bucket each; above, the top five bits choose it, which bounds the table and the relative error.
    doubling = sample.bit_length() - 5
    return sample if doubling < 0 else doubling * _STEPS + (sample >> doubling)


def _top(bucket: int) -> int:
    """The largest sample of a bucket."""
    if bucket < _STEPS:
        return bucket
    doubling, step = divmod(bucket - _STEPS, _STEPS)
    return ((_STEPS + step + 1) << doubling) - 1
