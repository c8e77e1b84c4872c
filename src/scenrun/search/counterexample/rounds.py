"""Finds rounds in a sequence of steps: parts of it that come several times in a row."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

LONGEST, FEWEST = 40, 3
"""The most steps of a round, and how often it comes at least."""


class Rounds(NamedTuple):
    """A part of a sequence that comes `times` times in a row."""

    begin: int
    length: int
    times: int

    @property
    def end(self) -> int:
        """The position after the last round."""
        return self.begin + self.length * self.times

    def as_dict(self) -> dict[str, int]:
        """For JSON: the number of the first step, from 1, how many steps a round has, and how often it comes."""
        return {"from": self.begin + 1, "steps": self.length, "times": self.times}

    def positions(self) -> Iterator[range]:
        """The positions of each round."""
        for number in range(self.times):
            begin = self.begin + number * self.length
            yield range(begin, begin + self.length)


def rounds_of(keys: Sequence[Hashable]) -> list[Rounds]:
    """The rounds from left to right: at each place those that take in the most steps, with the shortest round."""
    out, at = [], 0
    while at < len(keys):
        found = max(_at(keys, at), key=lambda one: (one.length * (one.times - 1), -one.length), default=None)
        if found is not None:
            out.append(found)
        at = at + 1 if found is None else found.end
    return out


def _at(keys: Sequence[Hashable], begin: int) -> Iterator[Rounds]:
    """All rounds that begin at a place."""
    for length in range(1, min(LONGEST, (len(keys) - begin) // FEWEST) + 1):
        times = 1
        while keys[begin : begin + length] == keys[begin + times * length : begin + (times + 1) * length]:
            times += 1
        if times >= FEWEST:
            yield Rounds(begin, length, times)
