"""Explores a scenario in the way that is asked for, and makes of what is found a result that a person can follow."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenrun.errors import UsageError
from scenrun.explore.counting import count
from scenrun.explore.judging import About
from scenrun.explore.packed import Packed
from scenrun.explore.paths import cost_of, shortened
from scenrun.explore.result import Counterexample, Explored, is_expected
from scenrun.explore.searching import Searched, Searching, Way, search
from scenrun.explore.sentences import sentence
from scenrun.explore.space import Limits, Space
from scenrun.explore.story import tell
from scenrun.machine import FREE, Choice, Machine
from scenrun.machine.moves import moves_of
from scenrun.program import Program

STATES = "states"
STATELESS = ("random", "pct", "pos", "surw", "preemptions", "delays", "dpor")
"""The strategies that walk schedules one by one; their modules are imported where they are used."""
SHOWN_OF_A_KIND = 3
"""Findings of one kind that are shortened and told."""
HUNTED = 5_000
"""Schedules of each strategy that are tried where the states are too many."""
HUNTERS = ("random", "pct")
_REPLICA = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class How:
    """How to explore. What is None is chosen."""

    strategy: str | None = None
    """`states` or one of the stateless strategies; None: states, and if they are too many, random schedules and PCT."""
    limits: Limits = field(default_factory=Limits)
    schedules: int | None = None
    jobs: int = 1
    depth: int = 3
    """Of PCT."""
    bound: int | None = None
    """The most preemptions or delays."""
    reduction: str = "auto"
    symmetry: bool = True
    time_mode: str = "free"
    races: bool = False
    """Whether a race is a finding even where the file does not ask."""
    count: bool = False
    shorten: bool = True
    look: Callable[[Any], str | None] = lambda progress: None


def explore_program(program: Program, seed: int | None = None, how: How | None = None) -> Explored:
    """Search the schedules of a program."""
    how = how or How()
    seed = program.seed if seed is None else seed
    began = time.perf_counter()
    if how.strategy in (None, STATES):
        return _by_states(program, seed, how, began)
    return _by_schedules(program, seed, how, began)


# --- by states


def _by_states(program: Program, seed: int, how: How, began: float) -> Explored:
    searched = search(program, seed, Searching(how.limits, how.reduction, how.symmetry, how.look))
    ways = list(searched.ways)
    strategy, schedules, outcomes, notes = STATES, None, list(searched.outcomes), []
    if how.strategy is None and not searched.space.is_closed and not ways and searched.space.interrupted is None:
        hunt = _Hunt(program, seed, how)
        ways, schedules = hunt.ways, hunt.schedules
        outcomes += [outcome for outcome in hunt.outcomes if outcome not in outcomes]
        strategy = " and ".join((STATES, *HUNTERS))
        notes.append(f"as there are more than {searched.space.bound}, {schedules:,} schedules were walked as well")
    space = searched.space
    counted = _counted(searched) if how.count else None
    kinds = {about.kind for about in (way.about for way in ways)} | set(searched.counts)
    races, cycles = _races(searched, how)
    if races and (how.races or program.expectations.race_never):
        kinds.add("race")
    return Explored(
        **_common(program, seed, how, kinds, space.is_closed, ways),
        strategy=strategy,
        bound=space.bound,
        seconds=time.perf_counter() - began,
        counterexamples=_told(program, seed, searched.packed, ways, how),
        found=dict(searched.counts),
        outcomes=tuple(outcomes),
        missing=tuple(searched.missing),
        states=len(space.parents),
        transitions=space.transitions,
        depth=space.depth,
        memory_bytes=space.bytes,
        reduced=searched.reduced,
        symmetric=searched.canonical is not None,
        schedules=schedules,
        races=races,
        lock_cycles=cycles,
        counted=counted,
        notes=tuple(notes),
        interrupted=space.interrupted,
    )


def _counted(searched: Searched) -> Any:
    if searched.reduced:
        raise UsageError("--count walks every schedule; it goes without reduction (--reduction off)")
    if not searched.space.is_closed:
        raise UsageError(f"--count needs all states, and there are more than {searched.space.bound}")
    return count(searched.packed, searched.space)


def _races(searched: Searched, how: How) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Data races and cycles in the order of locks."""
    return (), ()


class _Hunt:
    """Random schedules, where the states are too many to see all."""

    def __init__(self, program: Program, seed: int, how: How) -> None:
        from scenrun.explore.strategies.campaign import run_campaign

        self.ways: list[Way] = []
        self.schedules = 0
        self.outcomes: list[tuple[Any, ...]] = []
        for strategy in HUNTERS:
            campaign = run_campaign(
                program, strategy=strategy, seed=seed, schedules=how.schedules or HUNTED, seconds=how.limits.seconds,
                jobs=how.jobs, depth=how.depth,
            )  # fmt: skip
            self.schedules += campaign.schedules
            self.outcomes += [outcome for outcome in campaign.outcomes if outcome not in self.outcomes]
            known = {way.about for way in self.ways}
            self.ways += [Way(found.about, found.choices) for found in campaign.findings if found.about not in known]


# --- by schedules


def _by_schedules(program: Program, seed: int, how: How, began: float) -> Explored:
    from scenrun.explore.strategies.campaign import run_campaign

    campaign = run_campaign(
        program, strategy=how.strategy or "random", seed=seed, schedules=how.schedules, seconds=how.limits.seconds,
        jobs=how.jobs, depth=how.depth, bound=how.bound, look=how.look,
    )  # fmt: skip
    numbers = {found.about: found.schedule for found in campaign.findings}
    ways = [Way(found.about, found.choices) for found in campaign.findings]
    found: dict[str, int] = {}
    for way in ways:
        found[way.about.kind] = found.get(way.about.kind, 0) + 1
    packed = Packed(Machine(program, seed, folded=FREE, forgets=True))
    notes = []
    if campaign.chances is not None:
        chances = campaign.chances
        notes.append(
            f"PCT finds a bug of depth {chances.depth} in one schedule with a probability of at least "
            f"{chances.probability:.3g} ({chances.threads} threads, {chances.points} points)"
        )
    if campaign.cut_off:
        notes.append(f"{campaign.cut_off:,} schedules did not end within {campaign.max_steps:,} steps and were cut off")
    first = campaign.first
    return Explored(
        **_common(program, seed, how, set(found), campaign.closed, ways),
        strategy=campaign.strategy,
        bound=campaign.ended_by,
        seconds=time.perf_counter() - began,
        counterexamples=_told(program, seed, packed, ways, how, numbers),
        found=found,
        outcomes=tuple(campaign.outcomes),
        schedules=campaign.schedules,
        schedules_to_first=None if first is None else first.schedule + 1,
        notes=tuple(notes),
    )


# --- results


def _common(
    program: Program, seed: int, how: How, kinds: set[str], closed: bool, ways: Sequence[Way]
) -> dict[str, Any]:
    """What both kinds of search say alike."""
    expected = program.expectations.verdict("explore")
    ordered = list(dict.fromkeys([*(way.about.kind for way in ways), *sorted(kinds)]))
    verdict = ordered[0] if ordered else "holds" if closed else "incomplete"
    return {
        "scenario": program.name, "digest": program.digest, "seed": seed, "verdict": verdict, "expected": expected,
        "ok": is_expected(kinds, expected, closed), "kinds": tuple(ordered), "time_mode": how.time_mode,
        "closed": closed, "file": program.source.name, "overrides": dict(program.overrides),
    }  # fmt: skip


def _told(
    program: Program, seed: int, packed: Packed, ways: Iterable[Way], how: How, numbers: dict[About, int] | None = None
) -> tuple[Counterexample, ...]:
    """The findings, shortened and told: of one kind the first few, and of those that only swap replicas one."""
    out, shown, known = [], Counter[str](), set()
    machine = Machine(program, seed, folded=FREE)
    for way in ways:
        kind, alike = way.about.kind, _REPLICA.sub("[]", way.about.about)
        if (kind, alike) in known or shown[kind] == SHOWN_OF_A_KIND:
            continue
        known.add((kind, alike))
        shown[kind] += 1
        choices = _shortest(packed, way) if how.shorten else list(way.choices)
        schedule = None if numbers is None else numbers[way.about]
        out.append(_counterexample(machine, way, choices, schedule))
    return tuple(out)


def _shortest(packed: Packed, way: Way) -> list[Choice]:
    """The choices of a way, with as few switches as can be had."""
    if way.goal is None or way.cycle:
        return list(way.choices)
    return shortened(packed, way.choices, way.goal)


def _counterexample(machine: Machine, way: Way, choices: list[Choice], schedule: int | None) -> Counterexample:
    whole = [*choices, *way.cycle]
    story = tell(machine, whole)
    return Counterexample(
        about=way.about,
        sentence=sentence(machine, way.about, story),
        story=story,
        moves=moves_of(machine, whole),
        switches=cost_of(whole).switches,
        found_with=len(way.choices) + len(way.cycle),
        cycle_from=len(choices) if way.cycle else None,
        schedule=schedule,
    )


def progress_of(space: Space) -> str:
    """How far a state search is, in words."""
    return f"{len(space.parents):,} states, {space.transitions:,} transitions, depth {space.depth}"
