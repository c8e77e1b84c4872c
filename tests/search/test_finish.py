"""A search from the middle of a schedule: what the plain walk from there finds, by the shortest way."""

from __future__ import annotations

import random

from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.model.machine import FREE, Machine
from scenrun.model.state import State
from scenrun.program.values import key
from scenrun.search.finish import finish_from
from scenrun.search.properties.end_states import end_state_of

PROGRAMS, MOST = 70, 400


def steps_to_the_worst(machine: Machine, begin: State) -> int | None:
    """The number of steps to the nearest end with a finding; -1 for none, None where there are too many states."""
    far, level, seen = 0, [begin], {key(begin)}
    while level:
        after = []
        for state in level:
            following = [then for _, then in machine.following(state)]
            if not following and end_state_of(machine, state).findings:
                return far
            for then in following:
                if key(then) not in seen:
                    seen.add(key(then))
                    after.append(then)
        if len(seen) > MOST:
            return None
        level, far = after, far + 1
    return -1


def test_the_way_is_one_and_the_shortest() -> None:
    """From states that a random schedule comes to."""
    found_bad = found_good = 0
    for number in range(PROGRAMS):
        draw = random.Random(f"finish {number}")
        scenario = Author(draw.randbytes(TAPE)).scenario()
        program = scenrun.load(scenario).program
        if program.reads_clock is not None or program.any_number:
            continue
        machine = Machine(program, folded=FREE)
        state = machine.initial()
        for _ in range(draw.randrange(6)):
            if not (ways := list(machine.following(state))):
                break
            state = draw.choice(ways)[1]
        expected = steps_to_the_worst(machine, state)
        if expected is None:
            continue
        found = finish_from(machine, state, 10 * MOST, 1_000)
        assert found.is_bad == (expected >= 0), number
        if not found.is_bad:
            assert found.closed
            found_good += 1
            continue
        assert len(found.path) == expected
        for transition, at in zip(found.path, found.numbers, strict=True):
            chosen, state = list(machine.following(state))[at]
            assert chosen == transition
        assert end_state_of(machine, state).findings
        found_bad += 1
    assert found_bad > 5
    assert found_good > 1


def test_a_limit_is_said() -> None:
    scenario = {"scenario": "many", "state": {"v": 0}, "threads": {"a": {"count": 5, "do": [{"set": {"v": "v + 1"}}]}}}
    machine = Machine(scenrun.load(scenario).program, folded=FREE)
    assert not finish_from(machine, machine.initial(), 10, 1_000).closed
