"""Entry point of `explore`: runs the chosen search and turns its findings into an `Explored` result."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from msgspec import Struct, field, structs

from scenrun.errors import UsageError
from scenrun.model.machine import FOLDED, FREE, Machine, Transition
from scenrun.model.own_instructions import NonTerminatingStep
from scenrun.program.expectations import missing_outcomes
from scenrun.program.ir import Program
from scenrun.report.amounts import exact_seconds
from scenrun.search.counterexample.selection import counterexamples
from scenrun.search.coverage import coverage_of
from scenrun.search.hunt import FIRST, HUNTERS, Hunt, reason_to_end
from scenrun.search.options import SAMPLED, STATES, SearchOptions
from scenrun.search.portfolio import StateSearchOptions
from scenrun.search.properties.accesses import Race
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.lock_order import LockCycle, lock_order_cycles
from scenrun.search.properties.races import races_in
from scenrun.search.properties.schedule_count import count
from scenrun.search.properties.witness import Witness
from scenrun.search.record import is_expected
from scenrun.search.result import Explored
from scenrun.search.sampled_races import is_asked_for_races, sampled_races
from scenrun.search.space.breadth_first import Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import transitions_along
from scenrun.search.space.visited import Space
from scenrun.search.state_search import SearchedSpace, search
from scenrun.search.strategies.results import Campaign

HUNTED, HUNTING_S = 5_000, 5.0
"""Schedules, and at most seconds, of each strategy of a hunt, where there are too many states to visit all."""
HUNTED_FIRST, HUNTING_FIRST_S = 1_000, 0.5
"""The same once the space turns out large, before the search goes on."""
BETWEEN = "interrupts, which in virtual time come only where something else happens"
"""Why such a search is not closed."""
FIRST_S = 0.5
"""Seconds that shortening the first finding may take while the search waits."""


def explore_program(program: Program, seed: int | None = None, how: SearchOptions | None = None) -> Explored:
    """Search the schedules of a program.

    seed: of the program's random draws and of the sampled schedules; None takes the program's own.
    """
    how = how or SearchOptions()
    seed = program.seed if seed is None else seed
    began = time.perf_counter()
    if program.reads_clock is not None:
        how = how.for_clock(program.reads_clock)
    if program.interrupts:
        how = how.for_interrupts(program.interrupts[0].line)
    found = _searched(program, seed, how, began)
    if program.interrupts and how.is_timed:
        found = _at_some_moments(found, how)
    if program.expectations.liveness and found.interrupted is None:
        from scenrun.search.eventually import with_liveness

        found = with_liveness(found, program, seed, how)
    if program.expectations.reach and found.interrupted is None:
        from scenrun.search.witnesses import with_witnesses

        search = functools.partial(_searched, began=None)
        found = with_witnesses(found, program, seed, how, search)
    return found


def _searched(program: Program, seed: int, how: SearchOptions, began: float | None) -> Explored:
    """The result for all but `reach`, `eventually` and `leads_to`; began: when the search did, now if None."""
    began = time.perf_counter() if began is None else began
    explore = _by_states if how.strategy in (None, STATES) else _by_schedules
    try:
        return explore(program, seed, how, began)
    except NonTerminatingStep as error:
        return _without_end(program, seed, how, str(error))


def _at_some_moments(found: Explored, how: SearchOptions) -> Explored:
    """The result where interrupts come only where time is up for something else, and might come in between."""
    return replace(
        found, closed=False, verdict=found.kinds[0] if found.kinds else "incomplete", bound=found.bound or BETWEEN,
        ok=is_expected(set(found.kinds), found.expected, False, is_first=how.first),
    )  # fmt: skip


def _without_end(program: Program, seed: int, how: SearchOptions, why: str) -> Explored:
    """The result where a step does not terminate: no finding, not closed, and `why` as the bound."""
    return Explored(
        **_common(program, seed, how, set(), False, ()), strategy=how.strategy or STATES, bound=why, seconds=0.0,
        counterexamples=(), found={}, outcomes=(),
    )  # fmt: skip


# --- by states


def _by_states(program: Program, seed: int, how: SearchOptions, began: float) -> Explored:
    hunts = how.strategy is None and not how.is_timed
    first = _First(program, seed, how)
    hunt = Hunt(program, seed, how, began)
    searching = StateSearchOptions(
        how.limits, how.reduction, how.symmetry, how.is_timed, first.look, first.listener,
        first.beside(hunt) if hunts else None, lambda: _kept_s(how.limits) if hunts and not hunt.ways else 0.0,
    )  # fmt: skip
    searched, races = search(program, seed, searching, lambda it: _races(program, how, it))
    ways = [*searched.ways, *(way for _, way in races if way is not None)]
    walked = _Walked(ways, list(searched.outcomes))
    if hunts and not searched.space.is_closed:
        walked.add(hunt, searched.space, how)
    space = searched.space
    notes = [*walked.notes, *_of_dead_owners(searched.packed)]
    counted = _counted(searched) if how.count else None
    found = dict(searched.counts)
    if races and is_asked_for_races(program, how):
        found["race"] = len(races)
    return Explored(
        **_common(
            program, seed, how, set(found) | {way.about.kind for way in walked.ways}, space.is_closed, walked.ways
        ),
        strategy=walked.strategy,
        bound=space.bound,
        seconds=time.perf_counter() - began,
        counterexamples=counterexamples(program, seed, searched.packed, walked.ways, how),
        found=found,
        outcomes=tuple(walked.outcomes),
        missing=tuple(searched.missing),
        states=len(space),
        states_s=space.seconds,
        transitions=space.transitions,
        depth=space.depth,
        memory_bytes=space.bytes,
        reduced=searched.reduced,
        symmetric=searched.orbits is not None,
        schedules=walked.schedules,
        races=tuple(race for race, _ in races),
        lock_cycles=_lock_cycles(searched, found),
        counted=counted,
        notes=tuple(notes),
        interrupted=space.interrupted,
        coverage=None if space.is_closed or walked.ways else coverage_of(searched.packed, searched.last_states, seed),
    )


class _Walked(Struct):
    """The findings and outcomes of a search of states, and of the schedules that were walked beside it."""

    ways: list[Witness]
    outcomes: list[tuple[Any, ...]]
    strategy: str = STATES
    schedules: int | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, hunt: Hunt, space: Space, how: SearchOptions) -> None:
        """Add what a hunt has found; where nothing was found at all, it goes on first."""
        if not self.ways and not hunt.ways and space.interrupted is None:
            hunt.walk(how.schedules or HUNTED, HUNTING_S)
        ended, limit = space.bound, how.limits.seconds
        if limit is not None and ended == exact_seconds(limit - _kept_s(how.limits)):
            space.bound = exact_seconds(limit)
        if not hunt.schedules:
            return
        known = {way.about for way in self.ways}
        self.ways = [*(way for way in hunt.ways if way.about not in known), *self.ways]
        self.outcomes += [outcome for outcome in hunt.outcomes if outcome not in self.outcomes]
        self.strategy, self.schedules = " and ".join((STATES, *HUNTERS)), hunt.schedules
        self.notes.append(f"the search of states ended at {ended}; {hunt.schedules:,} schedules were walked as well")


class _First:
    """Tells the first finding of a state search while the search goes on, or ends the search there."""

    def __init__(self, program: Program, seed: int, how: SearchOptions) -> None:
        self.program = program
        self.seed = seed
        self.how = how
        self._began = time.perf_counter()
        self._way: Witness | None = None
        """The first finding."""
        self._is_told = False

    def look(self, space: Space) -> str | None:
        """What looks at the search now and then: tells a finding that is due, and asks whether the search is to end."""
        self._tell()
        return self.how.look(space)

    @property
    def listener(self) -> Callable[[Witness], str | None] | None:
        """What is to be called with the first finding; None where it makes no difference."""
        return self.found if self.how.first or self.how.found is not None else None

    def beside(self, hunt: Hunt) -> Callable[[], str | None]:
        """What walks schedules once the space turns out large; returns the reason that ends the search there, if any."""

        def walk() -> str | None:
            if self._way is not None:
                return None
            hunt.walk(min(HUNTED_FIRST, self.how.schedules or HUNTED_FIRST), HUNTING_FIRST_S, to_first=True)
            return self.found(hunt.ways[0]) if hunt.ways and self.listener is not None else None

        return walk

    def found(self, way: Witness) -> str | None:
        """Take the first finding; returns the reason that ends the search, if it is to end there."""
        if self.how.first:
            return FIRST
        self._way = self._way or way  # a search that begins anew finds another
        self._tell()
        return None

    def _tell(self) -> None:
        """Tell the finding, once, if the search has gone on for long enough."""
        is_due = time.perf_counter() - self._began >= self.how.found_after_s
        if self._way is None or self._is_told or self.how.found is None or not is_due:
            return
        self._is_told = True
        # in a space of its own: what shortening computes must not come before the search does, nor lay its states out anew
        folded = FOLDED if self.how.is_timed else FREE
        own = Packed(Machine(self.program, self.seed, folded=folded, forgets=True, timed=self.how.is_timed))
        ways = [structs.replace(self._way, goal=None)]
        (one,) = counterexamples(self.program, self.seed, own, ways, self.how, shortening_s=FIRST_S)
        self.how.found(one)


def _counted(searched: SearchedSpace) -> Any:
    if searched.reduced:
        raise UsageError("--count walks every schedule; it goes without reduction (--reduction off)")
    if not searched.space.is_closed:
        raise UsageError(f"--count needs all states, and there are more than {searched.space.bound}")
    return count(searched.packed, searched.space)


def _lock_cycles(searched: SearchedSpace, found: dict[str, int]) -> tuple[LockCycle, ...]:
    """The lock-order cycles; none where the search is closed and found no deadlock, which refutes them."""
    if searched.space.is_closed and "deadlock" not in found:
        return ()
    return tuple(lock_order_cycles(searched.packed))


def _races(program: Program, how: SearchOptions, searched: SearchedSpace) -> list[tuple[Race, Witness | None]]:
    """The races in the visited states, each with a witness where a race is a finding."""
    races = races_in(searched.packed, searched.space, searched.orbits)
    is_finding = is_asked_for_races(program, how)
    return [(race, _way_to(searched, race) if is_finding else None) for race in races]


def _way_to(searched: SearchedSpace, race: Race) -> Witness:
    """The witness of a race: a path to a state in which both accesses come next, followed by both of them."""
    packed, state = searched.packed, race.state
    assert state is not None
    transitions, end = transitions_along(packed, searched.space.path_to(state), searched.orbits)
    names = [who.name for who in packed.threads(end)]
    both = (Transition(names.index(race.first.thread)), Transition(names.index(race.second.thread)))
    return Witness(_about(race), (*transitions, *both), said=race.sentence())


def _about(race: Race) -> FindingKey:
    return FindingKey("race", f"{race.variable}, {race.first.thread}, {race.second.thread}")


def _kept_s(limits: Limits) -> float:
    """The seconds of a limit of time that are kept for walking schedules: at most half of it."""
    return 0.0 if limits.seconds is None else min(len(HUNTERS) * HUNTING_S, limits.seconds / 2)


# --- by schedules


def _by_schedules(program: Program, seed: int, how: SearchOptions, began: float) -> Explored:
    from scenrun.search.strategies.campaign import run_campaign

    campaign = run_campaign(
        program, strategy=how.strategy or "random", seed=seed, schedules=how.schedules, seconds=how.limits.seconds,
        jobs=how.jobs, depth=how.depth, bound=how.bound, make_executor=how.make_executor,
        look=lambda tally: reason_to_end(how, tally, to_first=how.first),
    )  # fmt: skip
    findings = campaign.findings
    if how.first:  # of those that come at the same time, as how many do depends on the machine
        findings = tuple(found for found in findings if found.schedule == findings[0].schedule)
    numbers = {found.about: found.schedule for found in findings}
    ways = [Witness(found.about, found.transitions) for found in findings]
    missing = missing_outcomes(program.expectations, campaign.outcomes) if campaign.closed else []
    found = dict(Counter(way.about.kind for way in ways))
    if missing:
        found["violated"] = found.get("violated", 0) + len(missing)
    packed = Packed(Machine(program, seed, folded=FREE, forgets=True))
    notes = _notes_of(campaign, is_clean=not ways)
    first = campaign.first
    races = sampled_races(packed, seed, how, campaign)
    notes += _of_dead_owners(packed)
    if races and is_asked_for_races(program, how):
        ways += [Witness(_about(race), tuple(transitions), said=race.sentence()) for race, transitions in races]
        found["race"] = len(races)
    return Explored(
        **_common(program, seed, how, set(found), campaign.closed, ways),
        strategy=campaign.strategy,
        bound=campaign.ended_by,
        seconds=time.perf_counter() - began,
        counterexamples=counterexamples(program, seed, packed, ways, how, numbers),
        found=found,
        outcomes=tuple(campaign.outcomes),
        missing=tuple(missing),
        schedules=campaign.schedules,
        schedules_to_first=None if first is None else first.schedule + 1,
        races=tuple(race for race, _ in races),
        lock_cycles=tuple(lock_order_cycles(packed)),
        notes=tuple(notes),
    )


def _notes_of(campaign: Campaign, *, is_clean: bool) -> list[str]:
    """What a reader of a campaign's result should know: PCT's chances, and schedules that were cut off."""
    notes = []
    if campaign.chances is not None and campaign.schedules:
        chances = campaign.chances
        notes.append(
            f"PCT finds a bug of depth {chances.depth} in one schedule with a probability of at least "
            f"{chances.probability:.3g} ({chances.threads} threads, {chances.points} points)"
        )
    if campaign.cut_off and campaign.strategy in SAMPLED:
        notes.append(f"{campaign.cut_off:,} schedules did not end within {campaign.max_steps:,} steps and were cut off")
    elif campaign.cut_off:
        notes.append(f"{campaign.cut_off:,} schedules were cut off: they went round in a loop, or on for too long")
    if campaign.cut_off and is_clean:
        notes.append("livelocks, and threads stuck beside others that go on, are found by --strategy states alone")
    return notes


# --- results


def _of_dead_owners(packed: Packed) -> list[str]:
    """A note where a thread ends while it holds an rlock: what CPython does then depends on reused thread identities."""
    if not packed.died_holding:
        return []
    thread, lock = next(iter(packed.died_holding))
    return [
        f"{thread} ends while it holds {lock}: here that stays held for ever; in CPython it may come to belong to a later "
        "thread, to which the system gives the same identity"
    ]


def _common(
    program: Program, seed: int, how: SearchOptions, kinds: set[str], closed: bool, ways: Sequence[Witness]
) -> dict[str, Any]:
    """The fields of a result that both kinds of search fill in the same way."""
    expected = program.expectations.verdict("virtual" if how.is_timed else "explore")
    ordered = list(dict.fromkeys([*(way.about.kind for way in ways), *sorted(kinds)]))
    verdict = ordered[0] if ordered else "holds" if closed else "incomplete"
    return {
        "scenario": program.name, "digest": program.digest, "seed": seed, "verdict": verdict, "expected": expected,
        "ok": is_expected(kinds, expected, closed, is_first=how.first), "kinds": tuple(ordered), "time_mode": how.time_mode,
        "closed": closed, "file": program.source.name, "overrides": dict(program.overrides),
    }  # fmt: skip


def progress_of(space: Space, seconds: float) -> str:
    """The progress of a state search that has gone on for so many seconds, in words."""
    growth = "" if space.growth is None else f", each level {space.growth:.2f} times the one before"
    rate = f", {len(space) / seconds:,.0f} states/s" if seconds > 0 else ""
    return f"{len(space):,} states, {space.transitions:,} transitions, depth {space.depth}{rate}{growth}"
