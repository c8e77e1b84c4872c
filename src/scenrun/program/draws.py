"""Pseudo-random draws, each a function of the seed, the thread's name and the number of draws that it has made."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

from scenrun.errors import Fault

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_NORMAL = NormalDist()
MAX_HEX = 1_024


class Draws:
    """The stream of draws of one thread; `count` is the number made so far."""

    __slots__ = ("_key", "count")

    def __init__(self, seed: int, thread: str) -> None:
        digest = hashlib.blake2b(f"{seed}/{thread}".encode(), digest_size=8).digest()
        self._key = int.from_bytes(digest, "little")
        self.count = 0

    def bits(self) -> int:
        """64 random bits: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), addressed by the count."""
        self.count += 1
        z = (self._key + self.count * _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def random(self) -> float:
        """A number from 0.0 (included) to 1.0 (excluded), as `random.random`."""
        return (self.bits() >> 11) * 2.0**-53

    def randint(self, low: int, high: int) -> int:
        """A whole number from low to high, both included, as `random.randint`."""
        if not isinstance(low, int) or not isinstance(high, int):
            raise Fault("TypeError", "`random.randint` takes whole numbers")
        if high < low:
            raise Fault("ValueError", f"`random.randint` from {low} to {high}: the range is empty")
        span = high - low + 1
        if span > _MASK:
            raise Fault("OverflowError", "`random.randint` draws from at most 2**64 numbers")
        return low + (self.bits() * span >> 64)

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high, as `random.uniform`."""
        return low + (high - low) * self.random()

    def choice(self, items: Sequence[Any]) -> Any:
        """One of the items, as `random.choice`."""
        if not isinstance(items, list | tuple | str | range):
            raise Fault("TypeError", "`random.choice` takes a list, tuple or text")
        if not items:
            raise Fault("IndexError", "`random.choice` of nothing")
        return items[self.bits() * len(items) >> 64]

    def hex(self, size: int) -> str:
        """`size` random bytes as hexadecimal digits, two per byte, as `secrets.token_hex`."""
        if not isinstance(size, int) or not 0 < size <= MAX_HEX:
            raise Fault("ValueError", f"`random.hex` takes a number of bytes from 1 to {MAX_HEX:,}")
        blocks = [f"{self.bits():016x}" for _ in range((size + 7) // 8)]
        return "".join(blocks)[: 2 * size]

    def span(self, kind: str, *numbers: int) -> int:
        """Nanoseconds drawn from a distribution of durations.

        kind, numbers: those of a `Duration`.
        """
        if kind == "uniform":
            low, high = numbers
            return low + (self.bits() * (high - low + 1) >> 64)
        if kind == "exponential":
            return round(-numbers[0] * math.log(1.0 - self.random()))
        mean, deviation = numbers
        return max(0, round(mean + deviation * _NORMAL.inv_cdf((self.bits() >> 12) * 2.0**-52 + 2.0**-53)))
