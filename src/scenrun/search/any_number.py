"""`count: any`: searches for the least number of replicas with a finding, and proves for every number what can be proved."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from msgspec import structs

from scenrun.errors import UsageError
from scenrun.program.ir import Expectations
from scenrun.program.loaded import Loaded
from scenrun.report.amounts import exact_seconds
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
    if (line := loaded.program.reads_clock) is not None:
        how = how.for_clock(line)
    _refuse(loaded.program.any_number[0], how)
    if loaded.program.expectations.reach:
        raise UsageError(f"`{loaded.program.any_number[0]}` has `count: any`; to reach a state, say how many there are")
    if loaded.program.interrupts:
        raise UsageError(
            f"`{loaded.program.any_number[0]}` has `count: any`; what comes at any moment is searched for a number of threads: "
            "say how many there are"
        )
    if loaded.program.expectations.liveness:
        raise UsageError(
            f"`{loaded.program.any_number[0]}` has `count: any`; what comes to hold is searched for a number: "
            "say how many there are"
        )
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
        self._expected: tuple[Explored, dict[str, int]] | None = None
        """The first search with some of the findings that the file expects, and how many replicas it had."""

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
            if found.verdict == "incomplete":
                return self._ended(found, tried)
            if found.kinds and not self._is_some_of_expected(found):
                return self._found(found, counts)
            if found.kinds:
                self._expected = self._expected or (found, counts)
            else:
                self._last = found
        else:
            self._searched = len(self.names) * most
        if self._expected is not None:
            return self._found(*self._expected)
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
        left, given = self._left(), self.how.limits.seconds
        how = structs.replace(self.how, limits=structs.replace(self.how.limits, seconds=left))
        found = explore_program(self.loaded.with_counts(counts).program, self.seed, how)
        if left is not None and given is not None and found.bound == exact_seconds(left):
            return replace(found, bound=exact_seconds(given))
        return found

    def _is_some_of_expected(self, found: Explored) -> bool:
        """Whether a search has shown only some of the kinds of finding that the file expects."""
        return set(found.kinds) < set(found.expected) - {"holds"} and not self.how.first

    def _found(self, found: Explored, counts: dict[str, int]) -> Explored:
        """The result where a search with so many replicas has a finding, and those with fewer have none."""
        some = None if self._expected is None or self._expected[0] is found else self._expected[1]
        return replace(found, seconds=self._seconds(), any_number=AnyNumber(self.names, least=counts, some=some))

    def _ended(self, found: Explored, tried: Attempt | None) -> Explored:
        """The result where a search was not closed."""
        if self._expected is not None:
            return self._found(*self._expected)
        if tried is None and found.interrupted is None:
            tried = self._attempt()
        last = self._last or found
        if tried is not None and tried.size is not None and found.interrupted is None:
            return self._without_finding(last, tried, found.bound or "")
        why = tried.why if tried is not None and tried.why else "no proof was tried"
        known = AnyNumber(self.names, searched=self._searched, why=why, ended=found.bound or "")
        return self._incomplete(replace(last, interrupted=found.interrupted), known)

    def _without_finding(self, last: Explored, tried: Attempt, ended: str = "") -> Explored:
        """The result where nothing was found with any number of replicas that was searched; `ended`: what ended the last one."""
        any_number = AnyNumber(
            self.names, searched=self._searched, size=tried.size, views=tried.views, why=tried.why, ended=ended
        )
        if tried.size is None:
            return self._incomplete(last, any_number)
        if beyond := _beyond(self.loaded.program.expectations, races=self.how.races):
            why = f"{' and '.join(beyond)} cannot be proved for every number"
            return self._incomplete(last, replace(any_number, why=why))
        ok = is_expected(set(), last.expected, closed=True)
        return replace(
            last,
            verdict="holds",
            ok=ok,
            closed=True,
            bound=None,
            coverage=None,
            seconds=self._seconds(),
            any_number=any_number,
        )

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
