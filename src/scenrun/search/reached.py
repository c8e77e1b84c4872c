"""Which steps of a file its threads come to: in some schedule, as a search of the states proves, and in how many drawn ones."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping

from scenrun.model.machine import FOLDED, FREE, Transition
from scenrun.model.state import State
from scenrun.model.step_recorder import Place, StepRecorder
from scenrun.program.any_number import refuse_any_number
from scenrun.program.ir import Program
from scenrun.program.reached import Reached, StepOfFile, draws, steps_at_places
from scenrun.search.options import SearchOptions
from scenrun.search.portfolio import Portfolio, StateSearchOptions
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Overflow

Places = Mapping[Place, tuple[StepOfFile, ...]]
"""The steps of the file at each place."""
MOST_STEPS = 10_000
"""The steps after which a drawn schedule is given up: it counts with what it has come to."""
DRAWING_S = 10.0
"""The seconds that drawing schedules may take."""


def reached(program: Program, seed: int, how: SearchOptions, schedules: int) -> Reached:
    """Search the states of a program, and draw schedules.

    schedules: how many are drawn; each step of one is drawn among all that are enabled.

    Returns for each step of the file in how many of them a thread comes to it. A step that none came to is 0, and is in
    `never` where the search was closed without it, or in `not_yet` where it was not.
    """
    refuse_any_number(program)
    within = []
    if (line := program.reads_clock) is not None:
        how = how.for_clock(line)
        within.append(f"in virtual time, as line {line} reads the clock")
    if draws(program):
        within.append(f"with seed {seed}")
    if program.interrupts:
        how = how.for_interrupts(program.interrupts[0].line)
    places = steps_at_places(program)
    came, is_closed, states = _searched(program, seed, how)
    drawn = _Drawing(program, seed, how, places)
    drawn.walk(schedules)
    known = {step for place in came for step in places.get(place, ())} | set(drawn.counts)
    steps = sorted({step for some in places.values() for step in some})
    missed = tuple(step for step in steps if step not in known)
    is_certain = is_closed and not within
    return Reached(
        what="drawn schedule",
        total=drawn.walked,
        counts={step: drawn.counts[step] for step in steps},
        never=missed if is_certain else (),
        not_yet=() if is_certain else missed,
        searched=states,
        is_closed=is_closed,
        within=" and ".join(within),
    )


def _searched(program: Program, seed: int, how: SearchOptions) -> tuple[set[Place], bool, int]:
    """The places to which threads come in the states that a search visits, whether these are all, and how many they are."""
    machine = StepRecorder(program, seed, folded=FOLDED if how.is_timed else FREE, forgets=True, timed=how.is_timed)
    options = StateSearchOptions(
        limits=how.limits, reduction=how.reduction, symmetry=how.symmetry, timed=how.is_timed, look=how.look
    )
    packed = Packed(machine)
    while True:
        try:
            space = Portfolio(packed, options, lambda orbits: lambda space: None).run()
            return machine.came, space.is_closed, len(space)
        except Overflow:
            continue


class _Drawing:
    """Schedules of which each step is drawn."""

    def __init__(self, program: Program, seed: int, how: SearchOptions, places: Places) -> None:
        self._places = places
        self._machine = StepRecorder(program, seed, folded=FOLDED if how.is_timed else FREE, timed=how.is_timed)
        self._draw = random.Random(f"{seed}/reached")
        self.counts: Counter[StepOfFile] = Counter()
        """In how many schedules a thread came to each step."""
        self.walked = 0

    def walk(self, schedules: int) -> None:
        """Draw so many schedules, or fewer where the time is over."""
        end = time.monotonic() + DRAWING_S
        while self.walked < schedules and time.monotonic() < end:
            if not self._walk_one(end):
                return
            self.walked += 1
            self.counts.update({step for place in self._machine.came for step in self._places.get(place, ())})

    def _walk_one(self, end: float) -> bool:
        """Draw one schedule; False where the time was over before it was."""
        machine = self._machine
        machine.came.clear()
        state = machine.initial()
        for _ in range(MOST_STEPS):
            possible = _enabled(machine, state)
            if not possible:
                break
            if time.monotonic() > end:
                return False
            after = machine.step(state, self._draw.choice(possible))
            assert after is not None
            state = after
        return True


def _enabled(machine: StepRecorder, state: State) -> list[Transition]:
    """The transitions of a state; what they come to is no part of the schedule yet."""
    came = set(machine.came)
    possible = [transition for transition, _ in machine.following(state)]
    machine.came = came
    return possible
