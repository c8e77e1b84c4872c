"""The programs of a check: which calls run at the same time, from small to large."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import NamedTuple

from scenrun.own_code.checking.probing import Probed
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.searching.call_executions import CallProgram

PAIRS = (1, 1)
SHAPES = ((1, 1), (2, 1), (1, 1, 1), (2, 2))
"""How many calls each thread makes, from small to large."""
MOST = 60
"""The most programs of a shape beyond pairs; where there are more, as many are drawn."""
MOST_COUNTED = 1_000_000

Threads = tuple[tuple[Operation, ...], ...]


class Planned(NamedTuple):
    """The programs of one shape."""

    shape: tuple[int, ...]
    programs: tuple[CallProgram, ...]
    of: int
    """How many there are."""

    @property
    def is_whole(self) -> bool:
        """Whether these are all of them."""
        return len(self.programs) == self.of


@dataclass(frozen=True, slots=True)
class Plan:
    """Makes the programs of a class."""

    probed: Probed
    setups: tuple[tuple[Operation, ...], ...]
    """What the object is filled with before, in each program in turn."""
    seed: int = 0
    most: int = MOST

    def of_shape(self, shape: tuple[int, ...], without: Sequence[frozenset[Operation]] = ()) -> Planned:
        """The programs of a shape. without: pairs of calls that fail already: no program has both in two of its threads."""
        found = list(dict.fromkeys(one for one in self._threads(shape) if not _has_any(one, without)))
        every = [CallProgram(threads, setup, self.probed.finals) for threads in found for setup in self.setups]
        total = len(every)
        if shape != PAIRS and total > self.most:
            every = random.Random(f"{self.seed} {shape}").sample(every, self.most)
        return Planned(shape, tuple(every), total)

    def _threads(self, shape: tuple[int, ...]) -> Iterator[Threads]:
        """The threads of each program; those that look alone are left out, where there is more than one call each."""
        kept, readers = self.probed.kept, self.probed.readers
        if shape == PAIRS:  # those that change something first, as they go wrong more often
            yield from sorted(self._pairs(), key=lambda one: sum(call in readers for calls in one for call in calls))
            return
        size = len(kept) ** sum(shape)
        if size > MOST_COUNTED:
            yield from self._drawn(shape)
            return
        for calls in product(kept, repeat=sum(shape)):
            if not all(one in readers for one in calls):
                yield _ordered(shape, calls)

    def _pairs(self) -> Iterator[Threads]:
        """Each two methods, with the same arguments, and the first call of one with the others of the other."""
        calls: dict[str, list[Operation]] = {}
        for one in self.probed.kept:
            calls.setdefault(one.name, []).append(one)
        for mine, theirs in combinations_with_replacement(calls.values(), 2):
            yield (mine[0],), (theirs[0],)
            for other in theirs[1:]:
                yield (mine[0],), (other,)

    def _drawn(self, shape: tuple[int, ...]) -> Iterator[Threads]:
        """Some of very many."""
        chance = random.Random(f"{self.seed} {shape}")
        for _ in range(self.most * 10):
            yield _ordered(shape, [chance.choice(self.probed.kept) for _ in range(sum(shape))])


def _ordered(shape: tuple[int, ...], calls: Sequence[Operation]) -> Threads:
    """The calls as threads; which thread is which does not matter."""
    rest, out = list(calls), []
    for count in shape:
        out.append(tuple(rest[:count]))
        del rest[:count]
    return tuple(sorted(out, key=lambda one: (-len(one), str(one))))


def _has_any(threads: Threads, pairs: Sequence[frozenset[Operation]]) -> bool:
    """Whether two threads have the calls of one of some pairs."""
    beside = {
        frozenset((a, b)) for at, one in enumerate(threads) for other in threads[at + 1 :] for a in one for b in other
    }
    return any(pair in beside for pair in pairs)
