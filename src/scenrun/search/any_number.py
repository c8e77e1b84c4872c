"""`count: any`: searches for the least number of replicas with a finding, and proves for every number what can be proved."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from scenrun.errors import UsageError
from scenrun.program.ir import Expectations
from scenrun.program.loaded import Loaded
from scenrun.search.explore import explore_program
from scenrun.search.options import STATES, SearchOptions
from scenrun.search.parameterized.proof import Attempt, attempt
from scenrun.search.record import AnyNumber, is_expected
from scenrun.search.result import Explored

FIRST, BESIDE, MOST, UNLIMITED = 2, 3, 16, 4
"""How many replicas of each group there are at the most: before a proof is tried, with a proof, without one, and without one
where no limit of time ends the search."""
PROVING = 0.5
"""The part of the time left that the attempt of a proof has."""


def explore_loaded(loaded: Loaded, seed: int | None = None, how: SearchOptions | None = None) -> Explored:
    """Search the schedules of a scenario; where groups have any number of replicas, for one number after another.

    seed: of the program's random draws and of the sampled schedules; None takes the program's own.
    """
    how = how or SearchOptions()
    if not loaded.program.any_number:
        return explore_program(loaded.program, seed, how)
    _refuse(loaded.program.any_number[0], how)
    return _Search(loaded, loaded.program.seed if seed is None else seed, how).run()


def _refuse(name: str, how: SearchOptions) -> None:
    """Refuse options that have no meaning for every number at once."""
    given = f"`{name}` has `count: any`"
    if how.strategy not in (None, STATES):
        raise UsageError(
            f"{given}, which is for the search of states; the strategy {how.strategy} walks single schedules"
        )
    if how.is_timed:
        raise UsageError(f"{given}, which is proved in free time; in virtual time, say how many there are")
    if how.count:
        raise UsageError(f"{given}; the schedules of every number cannot be counted: say how many there are")


class _Search:
    """The search of one scenario with one number of replicas after another."""

    def __init__(self, loaded: Loaded, seed: int, how: SearchOptions) -> None:
        self.loaded = loaded
        self.seed = seed
        self.how = how
        self.names = loaded.program.any_number
        self._began = time.perf_counter()
        self._last: Explored | None = None
        """The last search that was closed without a finding."""
        self._searched = 0
        """So many replicas in all, or fewer, have no finding, however they are spread over the groups."""

    def run(self) -> Explored:
        """The result: a finding with the least number of replicas, a proof for every number, or `incomplete`."""
        tried: Attempt | None = None
        most = MOST if self.how.limits.seconds is not None else UNLIMITED
        for counts in counts_in_order(self.names, most):
            self._searched = sum(counts.values()) - 1
            if tried is None and max(counts.values()) > FIRST:
                tried = self._attempt()
            if tried is not None and tried.size is not None and max(counts.values()) > BESIDE:
                break
            found = self._search(counts)
            if found.verdict != "holds":
                return self._ended(found, counts, tried)
            self._last = found
        else:
            self._searched = len(self.names) * most
        assert self._last is not None
        return self._without_finding(self._last, tried or self._attempt())

    def _attempt(self) -> Attempt:
        left = self._left()
        end = None if left is None else time.perf_counter() + PROVING * left
        return attempt(self.loaded, self.seed, end, self.how.look)

    def _left(self) -> float | None:
        """The seconds that are left."""
        limit = self.how.limits.seconds
        return None if limit is None else max(0.0, limit - (time.perf_counter() - self._began))

    def _search(self, counts: dict[str, int]) -> Explored:
        limits = replace(self.how.limits, seconds=self._left())
        return explore_program(self.loaded.with_counts(counts).program, self.seed, replace(self.how, limits=limits))

    def _ended(self, found: Explored, counts: dict[str, int], tried: Attempt | None) -> Explored:
        """The result where a search with so many replicas has a finding, or was not closed."""
        if found.verdict == "incomplete":
            if self._last is None:
                return replace(found, any_number=AnyNumber(self.names, why="one replica is too much already"))
            if tried is not None and tried.size is not None and found.interrupted is None:
                return self._without_finding(self._last, tried)
            why = tried.why if tried is not None and tried.why else found.bound or "its limits"
            last = replace(self._last, interrupted=found.interrupted)
            return self._incomplete(last, AnyNumber(self.names, searched=self._searched, why=why))
        return replace(found, seconds=self._seconds(), any_number=AnyNumber(self.names, least=counts))

    def _without_finding(self, last: Explored, tried: Attempt) -> Explored:
        """The result where nothing was found with any number of replicas that was searched."""
        any_number = AnyNumber(self.names, searched=self._searched, size=tried.size, views=tried.views, why=tried.why)
        if tried.size is None:
            return self._incomplete(last, any_number)
        if beyond := _beyond(self.loaded.program.expectations, races=self.how.races):
            why = f"{' and '.join(beyond)} cannot be proved for every number"
            return self._incomplete(last, replace(any_number, why=why))
        ok = is_expected(set(), last.expected, closed=True)
        return replace(last, ok=ok, seconds=self._seconds(), any_number=any_number)

    def _incomplete(self, last: Explored, any_number: AnyNumber) -> Explored:
        return replace(
            last, verdict="incomplete", ok=False, closed=False, bound=any_number.why, seconds=self._seconds(),
            any_number=any_number,
        )  # fmt: skip

    def _seconds(self) -> float:
        return time.perf_counter() - self._began


def counts_in_order(names: Sequence[str], most: int) -> Iterator[dict[str, int]]:
    """How many replicas each group has: fewer in all first, at least one each and at most `most`."""
    for total in range(len(names), len(names) * most + 1):
        for ends in combinations(range(1, total), len(names) - 1):
            counts = [after - before for before, after in zip((0, *ends), (*ends, total), strict=True)]
            if max(counts) <= most:
                yield dict(zip(names, counts, strict=True))


def _beyond(expect: Expectations, *, races: bool) -> list[str]:
    """What a file expects that is proved for no number but those that are searched."""
    outcomes = any(part is not None for part in (expect.allowed, expect.required, expect.forbidden))
    asked = {"`final`": bool(expect.final), "`outcomes`": outcomes, "`race`": races or expect.race_never}
    return [what for what, is_asked in asked.items() if is_asked]
