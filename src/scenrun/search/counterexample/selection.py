"""From the witnesses of findings to counterexamples: the first few of each kind, shortened as long as there is time for it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.moves import moves_of
from scenrun.program.ir import Program
from scenrun.search.counterexample.clock_order import path_without_clock, without_clock
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.goals import goal_of
from scenrun.search.counterexample.shorten import cost_of, shortened
from scenrun.search.counterexample.time_needed import TimeNeeded, time_needed
from scenrun.search.counterexample.trace import trace_of
from scenrun.search.options import SearchOptions
from scenrun.search.properties.end_states import EndStateJudge, FindingKey
from scenrun.search.properties.witness import Witness
from scenrun.search.record import Counterexample
from scenrun.search.space.state_space import Overflow, StateSpace, Stopped

SHOWN_OF_A_KIND = 3
"""Findings of one kind that are shortened and reported."""
TELLING_S = 10.0
"""Seconds after which counterexamples are reported as found, without shortening."""
_REPLICA = re.compile(r"\[\d+\]")


def counterexamples(
    program: Program,
    seed: int,
    space: StateSpace,
    ways: Iterable[Witness],
    how: SearchOptions,
    numbers: dict[FindingKey, int] | None = None,
    *,
    shortening_s: float = TELLING_S,
) -> tuple[Counterexample, ...]:
    """The counterexamples: the first few of each kind, and one of those that differ only by their replicas' indices."""
    space.alarm = alarm_after(how, shortening_s)
    out, shown, known = [], Counter[str](), set()
    machine = Machine(program, seed, folded=FREE)
    for way in ways:
        kind, alike = way.about.kind, _REPLICA.sub("[]", way.about.about)
        if (kind, alike) in known or shown[kind] == SHOWN_OF_A_KIND:
            continue
        known.add((kind, alike))
        shown[kind] += 1
        transitions = _shortest(space, way) if how.shorten else list(way.transitions)
        if how.is_timed:
            is_shortened = how.shorten and not way.cycle
            found_with = without_clock(program, seed, way.transitions) if is_shortened else None
            transitions, cycle = path_without_clock(program, seed, transitions, way)
            way = replace(way, transitions=tuple(transitions if found_with is None else found_with), cycle=tuple(cycle))
        schedule = None if numbers is None else numbers.get(way.about)
        needed = TimeNeeded(()) if how.is_timed else None if way.cycle else time_needed(machine, transitions)
        out.append(_counterexample(machine, way, transitions, schedule, needed))
    return tuple(out)


def _shortest(space: StateSpace, way: Witness) -> list[Transition]:
    """The transitions of a witness, with few switches; unchanged where it has a cycle or a sentence, or time runs out."""
    if way.cycle or way.said:
        return list(way.transitions)
    while True:
        try:
            return shortened(space, way.transitions, way.goal or goal_of(space, EndStateJudge(space), way.about))
        except Stopped:
            return list(way.transitions)
        except Overflow:
            space.begin_anew()


def _counterexample(
    machine: Machine, way: Witness, transitions: list[Transition], schedule: int | None, needed: TimeNeeded | None
) -> Counterexample:
    whole = [*transitions, *way.cycle]
    story = trace_of(machine, whole)
    return Counterexample(
        about=way.about,
        sentence=way.said or sentence(machine, way.about, story, len(transitions)),
        story=story,
        moves=moves_of(machine, whole),
        switches=cost_of(whole).switches,
        found_with=len(way.transitions) + len(way.cycle),
        cycle_from=len(transitions) if way.cycle else None,
        schedule=schedule,
        time=needed,
    )


def alarm_after(how: SearchOptions, seconds: float) -> Callable[[], None]:
    """A function that raises Stopped once `seconds` have passed or `how.look` returns a reason to stop."""
    end = time.monotonic() + seconds

    def look() -> None:
        if time.monotonic() > end or how.look(None):
            raise Stopped("time")

    return look
