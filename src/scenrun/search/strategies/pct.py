"""PCT: threads have random priorities, the highest that can go on does, and at d-1 random points the one in front falls back.

Burckhardt, Kothari, Musuvathi and Nagarakatti, A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs (ASPLOS
2010): one schedule shows a bug of depth d with a probability of at least 1/(n k^(d-1)), for n threads and k points.

Departures. Only points count at which more than one thread can go on, as elsewhere a change of priorities could as well come
at the next such point. k is learnt as the most points of a schedule so far (schedules before the next power of two, so that
it is the same for any number of processes), and the bound holds for schedules that were walked with the final k. The
thread in front falls back before its step and not after the step before it. A thread that comes back to a state since which
nobody else has moved falls behind all: it spins, and strict priorities would let it spin for ever.
"""

from __future__ import annotations

from typing import NamedTuple

from scenrun.search.space.packed import Packed
from scenrun.search.strategies.chance import Chance
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.remembered import Remembered

Ways = tuple[tuple[int, tuple[int, ...]], ...]
"""The threads that can go on, each with the states that its steps lead to."""


class Size(NamedTuple):
    """How large schedules are."""

    threads: int = 1
    points: int = 1


class Pct(Policy[Ways]):
    """PCT for bugs of depth d."""

    learns = True

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._told = Size()
        self._seen = Size()

    def remembered(self, packed: Packed) -> Remembered[Ways]:
        """Who can go on, and to where."""

        def ways(state: int) -> Ways:
            if packed.is_over(state):
                return ()
            out = []
            for field in packed.thread_fields:
                changes = packed.following_of(state, field)
                if changes:
                    out.append((field.number, tuple([state ^ change for change in changes])))
            return tuple(out)

        return Remembered(ways)

    def walk(self, known: Remembered[Ways], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        chance = Chance(seed)
        falls = self._falls(chance)
        priorities: dict[int, int] = {}
        points, last, behind = 0, -1, 0
        since: set[int] = set()
        steps = 0
        while steps < limit:
            ways = known[state]
            if not ways:
                break
            for thread, _ in ways:
                if thread not in priorities:
                    priorities[thread] = self.depth + chance.bits()
            thread, afters = max(ways, key=lambda way: priorities[way[0]]) if len(ways) > 1 else ways[0]
            if len(ways) > 1:
                points += 1
                if points in falls:
                    priorities[thread] = falls[points]
                    thread, afters = max(ways, key=lambda way: priorities[way[0]])
            if thread != last:
                last = thread
                since.clear()
            since.add(state)
            state = afters[0] if len(afters) == 1 else afters[chance.below(len(afters))]
            steps += 1
            if state in since:
                behind -= 1
                priorities[thread] = behind
                since.clear()
        self._seen = Size(max(self._seen.threads, len(priorities)), max(self._seen.points, points))
        return state, steps

    def _falls(self, chance: Chance) -> dict[int, int]:
        """The points at which the thread in front falls back, with the priority that it falls to."""
        return {1 + chance.below(self._told.points): priority for priority in range(1, self.depth)}

    def lesson(self) -> Size:
        """The size of the largest schedule so far."""
        return self._seen

    def learn(self, lesson: Size | None) -> None:
        """Draw from as many points as schedules have."""
        self._told = lesson or Size()

    def merged(self, one: Size | None, other: Size | None) -> Size:
        """The larger size of each."""
        sizes = [size or Size() for size in (one, other)]
        return Size(max(size.threads for size in sizes), max(size.points for size in sizes))
