"""PCT: the enabled thread with the highest random priority moves; at d-1 priority change points that thread's priority drops.

Burckhardt, Kothari, Musuvathi and Nagarakatti, A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs (ASPLOS
2010): one schedule shows a bug of depth d with a probability of at least 1/(n k^(d-1)), for n threads and k points.

Departures. Only points at which more than one thread is enabled count: elsewhere a priority change has the same effect at the
next such point. k is learnt as the most points of a schedule so far (it is updated only when the number of schedules reaches
a power of two, so that it is the same for any number of processes), and the bound holds for schedules that were walked with
the final k. The priority drops before the thread's step, not after the preceding step. A thread that returns to a state since
which no other thread has moved gets the lowest priority: it spins, and strict priorities would let it spin for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.random_numbers import Chance

Moves = Sequence[tuple[int, Sequence[int]]]
"""The enabled threads by number, each with the states that its steps lead to."""


class Size(NamedTuple):
    """The largest numbers of threads and of points with more than one enabled thread, over some schedules."""

    threads: int = 1
    points: int = 1


class Pct(Policy[Moves]):
    """Probabilistic concurrency testing for bugs of depth `depth`."""

    learns = True

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._told = Size()
        self._seen = Size()

    def known(self, executions: Executions) -> KnownStates[Moves]:
        """The enabled threads of each state, with their successor states."""
        return executions.known(executions.moves)

    def walk(self, known: KnownStates[Moves], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        chance = Chance(seed)
        drawing = _Drawing(self.depth, self._falls(chance), chance)
        walked = known.walk(drawing.pick, state, limit)
        threads, points = len(drawing.priorities), drawing.points
        self._seen = Size(max(self._seen.threads, threads), max(self._seen.points, points))
        return walked

    def _falls(self, chance: Chance) -> dict[int, int]:
        """The priority change points, each with the priority that the leading thread gets there, from 1 to d-1."""
        return {1 + chance.below(self._told.points): priority for priority in range(1, self.depth)}

    def lesson(self) -> Size:
        """The maximal size over the schedules so far."""
        return self._seen

    def learn(self, lesson: Size | None) -> None:
        """Draw the change points from as many points as schedules have had."""
        self._told = lesson or Size()

    def merged(self, one: Size | None, other: Size | None) -> Size:
        """The maximum of two sizes, for threads and points separately."""
        sizes = [size or Size() for size in (one, other)]
        return Size(max(size.threads for size in sizes), max(size.points for size in sizes))


class _Drawing:
    """The priorities of the threads, in one schedule."""

    def __init__(self, depth: int, falls: dict[int, int], chance: Chance) -> None:
        self._depth = depth
        self._falls = falls
        self._chance = chance
        self.priorities: dict[int, int] = {}
        self.points = 0
        """The points so far with more than one enabled thread."""
        self._last = -1
        self._behind = 0
        self._since: set[int] = set()
        """The states since another thread has moved."""

    def pick(self, moves: Moves, state: int) -> int:
        """The state after the step of the thread that leads."""
        chance, priorities = self._chance, self.priorities
        for thread, _ in moves:
            if thread not in priorities:
                priorities[thread] = self._depth + chance.bits()  # above the d-1 priorities of change points
        thread, afters = self._leading(moves)
        if thread != self._last:
            self._last = thread
            self._since.clear()
        self._since.add(state)
        after = afters[0] if len(afters) == 1 else afters[chance.below(len(afters))]
        if after in self._since:  # it spins
            self._behind -= 1
            priorities[thread] = self._behind
            self._since.clear()
        return after

    def _leading(self, moves: Moves) -> tuple[int, Sequence[int]]:
        """The thread of the highest priority, after its fall if there is one here."""
        if len(moves) == 1:
            return moves[0]
        first = max(moves, key=self._priority)
        self.points += 1
        if self.points not in self._falls:
            return first
        self.priorities[first[0]] = self._falls[self.points]
        return max(moves, key=self._priority)

    def _priority(self, move: tuple[int, Sequence[int]]) -> int:
        return self.priorities[move[0]]
