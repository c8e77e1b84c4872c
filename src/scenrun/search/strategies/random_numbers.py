"""Random number generator of the policies: a seed of any size is hashed to 64 bits, then one multiplication per draw.

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) hashes the seed; Knuth's linear congruential generator (The Art of
Computer Programming, volume 2, 3.3.4) continues from there, of which only the upper 32 bits are used. A policy's innermost
loop may inline `draw = draw * FACTOR + STEP & BITS`, as a call would take longer than the draw.
"""

from __future__ import annotations

BITS = (1 << 64) - 1
FACTOR = 6364136223846793005
STEP = 1442695040888963407
_GOLDEN = 0x9E3779B97F4A7C15


def spread(seed: int) -> int:
    """A 64-bit hash of a seed, so that consecutive seeds give unrelated streams."""
    z = seed + _GOLDEN & BITS
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & BITS
    z = (z ^ z >> 27) * 0x94D049BB133111EB & BITS
    return z ^ z >> 31


class Chance:
    """A stream of draws, for policies in which the cost of a call does not matter."""

    __slots__ = ("_draw",)

    def __init__(self, seed: int) -> None:
        self._draw = spread(seed)

    def bits(self) -> int:
        """32 random bits."""
        self._draw = self._draw * FACTOR + STEP & BITS
        return self._draw >> 32

    def below(self, count: int) -> int:
        """A random whole number from 0 to `count - 1`."""
        return self.bits() * count >> 32
