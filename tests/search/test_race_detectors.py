"""The detectors of races among themselves, and lock-order cycles: what is one and what is not."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from races_found import AT_RANDOM, WALKS, machine_of, searched, walks
from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.errors import ScenarioError
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.search.properties.accesses import Race
from scenrun.search.properties.execution_races import races_along
from scenrun.search.properties.lock_holders import Holders
from scenrun.search.properties.lock_order import LockCycle, lock_order_cycles
from scenrun.search.properties.races import races_in
from scenrun.search.reduction.persistent_sets import Reduced
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import transitions_along
from scenrun.search.space.visited import Space

# --- the detectors among themselves


def scenarios() -> Iterator[tuple[int, Machine]]:
    """Random scenarios, as far as they can be loaded."""
    for seed in range(AT_RANDOM):
        try:
            program = scenrun.load(Author(random.Random(seed).randbytes(TAPE)).scenario()).program
        except ScenarioError:
            continue
        yield seed, Machine(program, folded=FREE, forgets=True)


@pytest.fixture(scope="module")
def spaces() -> list[tuple[int, Machine, Packed, Space, list[Race]]]:
    """Those whose spaces are small, with their races."""
    out = []
    for seed, machine in scenarios():
        packed, space = searched(machine)
        if space.is_closed:
            out.append((seed, machine, packed, space, races_in(packed, space)))
    assert sum(bool(races) for *_, races in out) > 40
    return out


def test_every_race_of_a_search_is_one_of_some_execution(spaces: list[Any]) -> None:
    """With one access after the other, in one order or the other, the clocks show what the search shows."""
    for seed, machine, packed, space, races in spaces:
        for race in races:
            transitions, _ = transitions_along(packed, space.path_to(race.state))
            names = [thread.who.name for thread in packed.unpack(race.state).threads]
            one, other = (Transition(names.index(access.thread)) for access in (race.first, race.second))
            found = [races_along(machine, [*transitions, *order]) for order in ((one, other), (other, one))]
            assert race.pair in {known.pair for along in found for known in along}, (seed, race)


def test_the_first_race_of_an_execution_is_one_of_the_search(spaces: list[Any]) -> None:
    """Up to there nothing depends on a race, so another schedule brings both accesses side by side."""
    raced = 0
    for seed, machine, _, _, races in spaces:
        pairs = {race.pair for race in races}
        for transitions in walks(machine, 4, seed):
            found = races_along(machine, transitions)
            first = {race.pair for race in found if race.at == found[0].at}
            assert not first or first & pairs, (seed, transitions)
            raced += bool(found)
    assert raced > 100


def test_persistent_sets_keep_every_race(spaces: list[Any]) -> None:
    """Of conflicting accesses that can both come next, a persistent set has both or neither."""
    for seed, machine, _, _, races in spaces:
        if machine.program.interrupts:
            continue  # which no persistent set knows
        packed, space = searched(machine, Reduced)
        assert {race.pair for race in races_in(packed, space)} == {race.pair for race in races}, seed


# --- locks


def cycles_of(text: str) -> list[LockCycle]:
    """The cycles that a state search shows, which those of executions are among."""
    machine = machine_of(text)
    packed, space = searched(machine)
    assert space.is_closed
    found = lock_order_cycles(packed)
    along = lock_order_cycles(machine, walks(machine, WALKS))
    assert {frozenset(cycle.locks) for cycle in along} <= {frozenset(cycle.locks) for cycle in found}
    return found


def crossing(first: str, second: str, more: str = "") -> str:
    """Two threads with these steps, and those of the locks a, b, g and r that they name."""
    named = [name for name in "abgr" if re.search(rf"\b{name}\b", first + second)]
    locks = ", ".join(f"{name}: {'rlock' if name == 'r' else 'lock'}" for name in named)
    return f"sync: {{{locks}{more}}}\nthreads:\n  t: {{do: [{first}]}}\n  u: {{do: [{second}]}}\n"


AB = "{with: a, do: [{with: b, do: [{log: in}]}]}"
BA = "{with: b, do: [{with: a, do: [{log: in}]}]}"
LOCK_CASES = {
    "opposite orders": (crossing(AB, BA), 1),
    "the same order": (crossing(AB, AB), 0),
    "one thread": (crossing(f"{AB}, {BA}", "{log: out}"), 0),
    "a gate": (crossing(f"{{with: g, do: [{AB}]}}", f"{{with: g, do: [{BA}]}}"), 0),
    "a gate of one": (crossing(f"{{with: g, do: [{AB}]}}", BA), 1),
    "an attempt": (crossing("{with: a, do: [{acquire: {lock: b, blocking: false, into: ok}}, {if: ok, then: [{release: b}]}]}", BA), 0),
    "a time-out": (crossing("{with: a, do: [{acquire: {lock: b, timeout: 1s, into: ok}}, {if: ok, then: [{release: b}]}]}", BA), 0),
    "held by an attempt": (
        crossing("{acquire: {lock: a, blocking: false, into: ok}}, {if: ok, then: [{with: b, do: [{log: in}]}, {release: a}]}", BA), 1,
    ),
    "an attempt that failed": (
        crossing("{acquire: {lock: a, blocking: false, into: ok}}, {if: not ok, then: [{with: b, do: [{log: in}]}], else: [{release: a}]}", BA), 0,
    ),
    "a reentrant lock taken again": (
        crossing("{with: r, do: [{with: a, do: [{with: r, do: [{log: in}]}]}]}", "{with: r, do: [{with: a, do: [{log: in}]}]}"), 0,
    ),
    "a reentrant lock given back once": (
        crossing("{acquire: r}, {acquire: r}, {release: r}, {with: a, do: [{log: in}]}, {release: r}", "{with: a, do: [{with: r, do: [{log: in}]}]}"), 1,
    ),
    "a permit": (
        crossing("{with: s, do: [{with: b, do: [{log: in}]}]}", "{with: b, do: [{with: s, do: [{log: in}]}]}", ", s: {semaphore: {value: 1}}"), 1,
    ),
    "two permits": (
        crossing("{with: s, do: [{with: b, do: [{log: in}]}]}", "{with: b, do: [{with: s, do: [{log: in}]}]}", ", s: {semaphore: {value: 2}}"), 0,
    ),
    "a lock as a signal": (
        crossing("{acquire: a}, {with: b, do: [{log: in}]}", "{with: b, do: [{acquire: a}, {release: a}]}, {release: a}"), 0,
    ),
    "a condition takes its lock again": (
        crossing(
            "{with: c, do: [{acquire: b}, {wait: {condition: c, timeout: 1s}}, {release: b}]}",
            "{with: c, do: [{with: b, do: [{log: in}]}]}",
            ", c: condition",
        ), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOCK_CASES)
def test_the_cycles_in_the_order_of_locks(case: str) -> None:
    """Opposite orders of different threads are one, unless a gate, an attempt or a signal makes them harmless."""
    text, expected = LOCK_CASES[case]
    assert len(cycles_of(text)) == expected


def test_a_cycle_is_told_with_threads_locks_and_lines() -> None:
    """A person reads it in one sentence, a program as JSON."""
    (cycle,) = cycles_of(crossing(AB, BA))
    assert cycle.locks == ("a", "b")
    assert cycle.sentence() == (
        "Lock order: t takes b (line 4) while it holds a (line 4), and u takes a (line 5) while it holds b (line 5): "
        "a deadlock, if they get there at the same time."
    )
    assert json.loads(json.dumps(cycle.as_dict()))["edges"][1]["thread"] == "u"


def test_one_execution_without_a_deadlock_shows_the_cycle() -> None:
    """Whoever takes both locks one after another leaves the edges of the graph behind."""
    machine = machine_of(crossing(AB, BA))
    for transitions in walks(machine, WALKS):
        ended = transitions
        state = machine.initial()
        for transition in ended:
            state = machine.step(state, transition) or state
        assert len(lock_order_cycles(machine, [transitions])) == 1


def test_philosophers_make_one_cycle_of_all_forks() -> None:
    """Like threads with locks of an array: each fork is a lock of its own."""
    text = """
sync: {forks: {lock: {count: 4}}}
threads: {p: {count: 4, do: [{with: "forks[index]", do: [{with: "forks[(index + 1) % 4]", do: [{log: eats}]}]}]}}
"""
    (cycle,) = cycles_of(text)
    assert cycle.locks == ("forks[0]", "forks[1]", "forks[2]", "forks[3]")


def held_along(text: str, thread: str) -> list[list[str]]:
    """What a thread holds after each of its steps, when nobody else can move."""
    machine = machine_of(text)
    state, holders, out = machine.initial(), Holders(machine), []
    while following := list(machine.following(state)):
        transition, after = following[-1]
        holders.follow(state, transition, after)
        if state.threads[transition.thread].who.name == thread:
            out.append(holders.held(thread))
        state = after
    return out


def test_a_reentrant_lock_is_held_until_it_is_given_back_as_often_as_taken() -> None:
    """Also after a condition's wait, which gives it up altogether and takes it again as often as before."""
    text = """
sync: {r: rlock, c: {condition: {lock: r}}}
threads: {t: {do: [{acquire: r}, {acquire: r}, {wait: {condition: c, timeout: 1s}}, {release: r}, {release: r}]}}
"""
    assert held_along(text, "t") == [["r"], ["r"], [], [], ["r"], ["r"], ["r"], [], []]


def test_permits_that_are_given_back_together_are_held_no_more() -> None:
    """A release of two gives back two."""
    text = """
sync: {s: {semaphore: {value: 2}}}
threads: {t: {do: [{acquire: s}, {acquire: s}, {release: {lock: s, n: 2}}]}}
"""
    assert held_along(text, "t") == [["s"], ["s"], [], []]
