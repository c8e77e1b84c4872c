"""Random numbers for one schedule: a seed of any size becomes 64 bits, and a multiplication gives the next draw.

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) spreads the seed; Knuth's linear congruential generator goes on from there
(The Art of Computer Programming, volume 2, 3.3.4), of which only the upper 32 bits are looked at. The loops of the policies
write `draw = draw * FACTOR + STEP & BITS` out, as a call would take longer than the draw.
"""

from __future__ import annotations

BITS = (1 << 64) - 1
FACTOR = 6364136223846793005
STEP = 1442695040888963407
_GOLDEN = 0x9E3779B97F4A7C15


def spread(seed: int) -> int:
    """64 bits that look random, from a seed that may be next to another one."""
    z = seed + _GOLDEN & BITS
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & BITS
    z = (z ^ z >> 27) * 0x94D049BB133111EB & BITS
    return z ^ z >> 31


class Chance:
    """A stream of draws for policies that spend more time on other things."""

    __slots__ = ("_draw",)

    def __init__(self, seed: int) -> None:
        self._draw = spread(seed)

    def bits(self) -> int:
        """32 random bits."""
        self._draw = self._draw * FACTOR + STEP & BITS
        return self._draw >> 32

    def below(self, count: int) -> int:
        """A whole number from 0 to below the count."""
        return self.bits() * count >> 32
