"""SURW: samples the orders of the interesting steps uniformly, as far as the numbers of steps to come are known.

Zhao, Wolff, Mathur and Roychoudhury, Selectively Uniform Concurrency Testing (ASPLOS 2025): a thread is drawn in proportion to
its weight, the number of interesting steps that it, and the threads that it has yet to start, have left. Until it has done
one, other threads whose next step is interesting are parked; in between, the walk is uniform. When all enabled threads are
parked, the draw is discarded.

In each schedule, the interesting steps are those that touch one object, drawn from the objects that several threads touch and
at least one changes; threads themselves, which are started and joined, are not among them.

Departures. The numbers of steps come from a few random walks before the first schedule, the same in every process; for
threads without branches and loops they are exact. A thread that does more interesting steps than expected has the weight of
one step. A discarded draw is repeated among the enabled threads. A draw is also discarded when the schedule returns to a
state visited since the draw: the drawn thread may be waiting, in a loop, for one that is parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from scenrun.search.strategies.executions import Executions, Option
from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.policy import Policy
from scenrun.search.strategies.random_numbers import Chance

PILOTS = 16
"""The number of random walks that count steps."""


class One(NamedTuple):
    """A thread that has not ended."""

    name: str
    afters: Sequence[int]
    touched: int
    """The objects that its next step touches, as bits by slot."""
    changed: int
    """Those of them that it changes."""


Ones = tuple[One, ...]
"""The threads in a state that have not ended, by number; empty where none is enabled."""


class Profile(Struct):
    """The counts of the pilot walks."""

    steps: dict[int, Counter[str]] = field(default_factory=dict)
    """For each object, the number of steps of each thread that touch it, summed over all pilots."""
    parents: dict[str, str] = field(default_factory=dict)
    """The thread that has started each thread, by name."""
    changed: int = 0
    """The objects that some step changes, as bits."""

    def objects(self) -> list[int]:
        """The objects for which the order of steps may matter: several threads touch them, and one changes them."""
        return sorted(bit for bit, counts in self.steps.items() if len(counts) > 1 and self.changed >> bit & 1)


class Surw(Policy[Ones]):
    """Selectively uniform random walk."""

    def __init__(self, seed: int, max_steps: int) -> None:
        self._seed = seed
        self._max_steps = max_steps
        self._profile: Profile | None = None
        self._objects: list[int] = []

    def known(self, executions: Executions) -> KnownStates[Ones]:
        """The threads of each state, with the objects that their next steps touch."""
        objects = executions.objects

        def ones(state: int) -> Ones:
            point = executions.point(state)
            options = sorted((*point.enabled, *point.waiting), key=lambda option: option.thread)
            return tuple([self._one(option, objects) for option in options]) if point.enabled else ()

        return KnownStates(ones)

    @staticmethod
    def _one(option: Option, objects: int) -> One:
        effects = option.effects
        touched = (effects.reads | effects.writes) & objects
        return One(option.name, option.afters, touched, effects.writes & objects)

    def walk(self, known: KnownStates[Ones], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        profile = self._profile or self._profiled(known, state)
        chance = Chance(seed)
        interesting, left = 0, Counter[str]()
        if self._objects:
            drawn = self._objects[chance.below(len(self._objects))]
            interesting, left = 1 << drawn, Counter(profile.steps[drawn])
        drawing = _Drawing(profile, left, interesting, chance)
        for steps in range(limit):
            ones = known[state]
            if not ones:
                return state, steps
            one = drawing.next_of(ones, state)
            afters = one.afters
            state = afters[0] if len(afters) == 1 else afters[chance.below(len(afters))]
        return state, limit

    # --- pilots

    def _profiled(self, known: KnownStates[Ones], state: int) -> Profile:
        """Count steps in pilot walks; an Overflow discards the counts, so that they are complete or absent."""
        profile = Profile()
        for pilot in range(PILOTS):
            self._count(profile, known, state, Chance(~(self._seed * PILOTS + pilot)))
        self._profile, self._objects = profile, profile.objects()
        return profile

    def _count(self, profile: Profile, known: KnownStates[Ones], state: int, chance: Chance) -> None:
        seen: set[str] = {"main"}
        mover = "main"
        for _ in range(self._max_steps):
            ones = known[state]
            for one in ones:
                if one.name not in seen:
                    seen.add(one.name)
                    profile.parents[one.name] = mover
            enabled = [one for one in ones if one.afters]
            if not enabled:
                return
            one = enabled[chance.below(len(enabled))]
            mover = one.name
            profile.changed |= one.changed
            for bit in _bits(one.touched):
                profile.steps.setdefault(bit, Counter())[mover] += 1
            state = one.afters[chance.below(len(one.afters))]


class _Drawing:
    """Draws the thread that moves next, in one schedule."""

    def __init__(self, profile: Profile, left: Counter[str], interesting: int, chance: Chance) -> None:
        self._profile = profile
        self._interesting = interesting
        self._left = left  # sums over the pilots, undivided, so that weights stay integers
        """The expected number of interesting steps that each thread has left, times the number of pilots."""
        self._chance = chance
        self._started: set[str] = set()
        self._parked: set[str] = set()
        self._intended: str | None = None
        self._since: set[int] = set()
        """The states visited since the latest draw."""

    def next_of(self, ones: Ones, state: int) -> One:
        """The thread that moves in a state."""
        enabled = [one for one in ones if one.afters]
        self._note_new(ones)
        if self._intended is None or all(one.name != self._intended for one in ones):
            self._draw(ones)
        elif state in self._since:
            self._draw([one for one in enabled if one.name != self._intended] or enabled)
        self._since.add(state)
        while True:
            free = [one for one in enabled if one.name not in self._parked]
            if not free:
                self._draw(enabled)
                continue
            one = free[self._chance.below(len(free))] if len(free) > 1 else free[0]
            if not one.touched & self._interesting:
                return one
            if one.name == self._intended:
                self._done(one.name)
                return one
            self._parked.add(one.name)

    def _done(self, name: str) -> None:
        self._left[name] -= PILOTS
        self._intended = None

    def _draw(self, ones: Sequence[One]) -> None:
        """Draw the thread that does the next interesting step."""
        self._parked.clear()
        self._since.clear()
        self._intended = self._drawn(ones)

    def _note_new(self, ones: Ones) -> None:
        """Move the weight of a started thread from its parent to itself: if its parent is drawn, draw again between the two."""
        for one in ones:
            if one.name not in self._started:
                self._started.add(one.name)
                if self._intended is not None and self._profile.parents.get(one.name) == self._intended:
                    self._intended = self._drawn([other for other in ones if other.name in (self._intended, one.name)])

    def _drawn(self, ones: Sequence[One]) -> str:
        """One of some threads, weighted by the interesting steps that they and the threads they have yet to start have left."""
        names = [one.name for one in ones]
        weights = dict.fromkeys(names, 0)
        for one in ones:
            if one.touched & self._interesting and self._left[one.name] <= 0:
                weights[one.name] = PILOTS  # one step, in the unit of the sums
        for name, left in self._left.items():
            heir = self._heir(name)
            if heir in weights:
                weights[heir] += max(left, 0)
        if not any(weights.values()):
            return names[self._chance.below(len(names))]
        at = self._chance.below(sum(weights.values()))
        for name, weight in weights.items():
            if at < weight:
                return name
            at -= weight
        return names[-1]

    def _heir(self, name: str) -> str:
        """The started thread that carries a thread's weight: the thread itself, or its closest ancestor that has started."""
        while name not in self._started and name in self._profile.parents:
            name = self._profile.parents[name]
        return name


def _bits(value: int) -> Iterable[int]:
    """The numbers of the bits that are set."""
    while value:
        lowest = value & -value
        yield lowest.bit_length() - 1
        value ^= lowest
