"""The search in arrays visits what the plain ones do: whatever the width of a state, the hashes, and what comes between."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import yaml
from loops_at_random import Author

import scenrun
from scenrun.errors import UsageError
from scenrun.model.machine import FOLDED, FREE, Machine
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search import portfolio
from scenrun.search.arrays import columns, level_search, level_space, nontermination, reduced_search, row_table
from scenrun.search.arrays.columns import StateSet, columns_of, ints_of, sorted_run
from scenrun.search.arrays.level_search import LevelSearch
from scenrun.search.arrays.level_space import LevelSpace
from scenrun.search.arrays.nontermination import ArrayNontermination
from scenrun.search.arrays.reduced_search import ReducedLevelSearch
from scenrun.search.arrays.symmetry import ArraySymmetry
from scenrun.search.explore import explore_program
from scenrun.search.options import SearchOptions
from scenrun.search.properties.end_states import EndStateJudge
from scenrun.search.properties.nontermination import Nontermination
from scenrun.search.properties.races import races_in
from scenrun.search.reduction.persistent_sets import PersistentSets, Reduced
from scenrun.search.reduction.symmetry import Symmetry
from scenrun.search.space import layout
from scenrun.search.space.breadth_first import Breadth, Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Overflow
from scenrun.search.space.visited import Space

MOST = 1_000
"""States of a program that is compared."""
SCENARIOS, SHIPPED = Path(__file__).parents[2] / "scenarios", 2_000
"""The shipped scenarios, and the states of one up to which its whole space is compared."""
FREELY, BY_THE_CLOCK = False, True
NOTHING: Any = lambda space: None  # noqa: E731


def packed_of(program: Program, *, timed: bool = False) -> Packed:
    """The packed states of a program."""
    return Packed(Machine(program, program.seed, folded=FOLDED if timed else FREE, forgets=True, timed=timed))


def programs(start: int, count: int) -> Iterator[Program]:
    """Small random programs."""
    for number in range(start, start + count):
        yield scenrun.load(Author(number).scenario()).program


def shown(packed: Packed, space: Space, orbits: Any = None) -> dict[str, Any]:
    """All that a space shows, without the order within a level and the layout of its states."""
    judge = EndStateJudge(packed)
    ends, _ = space.ends_from(0, judge.slots)
    found = {about for state in ends for about in judge.of(state).findings}
    violations = {(one.kind, one.about) for one in packed.violations if space.first_like(one.state, one.touched)}
    return {
        "states": {key(packed.unpack(state)) for state in space},
        "figures": (len(space), space.transitions, space.depth, space.bound),
        "levels": levels_of(space),
        "ends": found,
        "outcomes": {key(list(o)) for state in ends if (o := judge.of(state).outcome) is not None},
        "violations": violations,
        "races": {race.pair for race in races_in(packed, space, orbits)} if not packed.machine.timed else set(),
    }


def levels_of(space: Space) -> list[int]:
    """The number of states of each level."""
    if isinstance(space, LevelSpace):
        return [len(level) for level in space.levels]
    lengths = Counter(len(space.path_to(state)) for state in space)
    return [lengths[length] for length in sorted(lengths)]


def ways(how: str, stack: ExitStack) -> None:
    """Sets what states are kept in: `wide` more columns, `numbered` one column and numbers, `alike` hashes that often agree."""
    if how != "narrow":
        stack.enter_context(mock.patch.object(layout, "NARROW", 23))
    if how == "wide" or how == "alike":
        stack.enter_context(mock.patch.object(level_search, "LEAST_HOT", 1_000))
    if how == "numbered":
        stack.enter_context(mock.patch.object(level_search, "MOST_HOT", 40))
    if how == "alike":

        def few(states: Any) -> Any:
            return states[0] if len(states) == 1 else states[0] % np.uint64(31)

        for module in (columns, level_space, nontermination, reduced_search):
            stack.enter_context(mock.patch.object(module, "mixed", few))
        stack.enter_context(mock.patch.object(row_table, "MOST_BITS", 2))
        stack.enter_context(mock.patch.object(row_table, "LEAST_BITS", 1))


@pytest.mark.parametrize("how", ["narrow", "numbered", "wide", "alike"])
@pytest.mark.parametrize("timed", [FREELY, BY_THE_CLOCK])
def test_the_same_space_comes_of_it(how: str, timed: bool) -> None:
    """States, transitions, depths, last states, outcomes, violations, races, and shortest ways that can be gone."""
    compared = 0
    for program in programs(5_000_000, 16):
        plain = packed_of(program, timed=timed)
        expected = Breadth(plain, Limits(MOST)).run()
        if not expected.is_closed:
            continue
        with ExitStack() as stack:
            ways(how, stack)
            stack.enter_context(mock.patch.object(level_search, "AT_ONCE", 7))
            packed = packed_of(program, timed=timed)
            space = LevelSearch(packed, Limits(), NOTHING, NOTHING).run()
            assert shown(packed, space) == shown(plain, expected), program.name
            if how in ("wide", "alike"):
                assert space.codec.width > 1
                assert not space.codec.is_numbered
            for state in list(space)[::17]:
                path = space.path_to(state)
                assert all(after in [s for _, s in packed.following(at)] for at, after in pairwise(path))
        compared += 1
    assert compared > 8


@pytest.mark.parametrize("how", ["narrow", "numbered", "wide"])
def test_endless_sets_are_the_same(how: str) -> None:
    """Whatever is removed first, and in whichever way components are found."""
    found = 0
    for program in programs(5_100_000, 60):
        plain = packed_of(program)
        expected = Breadth(plain, Limits(MOST)).run()
        if not expected.is_closed:
            continue
        with ExitStack() as stack:
            ways(how, stack)
            stack.enter_context(mock.patch.multiple(nontermination, FEW=-1, LARGE=10**9))
            stack.enter_context(mock.patch.object(nontermination, "AT_ONCE", 5))
            packed = packed_of(program)
            space = LevelSearch(packed, Limits(), NOTHING, NOTHING).run()
            told = [endless_of(packed, one) for one in ArrayNontermination(packed, space).find()]
        before = [endless_of(plain, one) for one in Nontermination(plain, expected).find()]
        assert sorted(told, key=repr) == sorted(before, key=repr), program.name
        found += len(before)
    assert found > 10


def endless_of(packed: Packed, one: Any) -> Any:
    """A set of states with what is told of it."""
    states = frozenset(key(packed.unpack(state)) for state in one.states)
    return len(states), hash(states), sorted(one.moving), sorted(one.stuck), sorted(one.starved), one.is_left


ALIKE = """
scenario: alike
sync: {turn: condition, again: rlock, few: {semaphore: {value: 2}}, line: {queue: {maxsize: 1}}}
state: {n: 0}
threads:
  a:
    count: 3
    do:
      - {with: few, do: [{set: {n: "(n + 1) % 2"}}]}
      - {acquire: again}
      - {release: again}
      - {with: turn, do: [{wait: {condition: turn, timeout: 1s}}]}
  b:
    count: 2
    do:
      - {put: {queue: line, item: 1}}
      - {with: turn, do: [{notify: turn}]}
  c: {daemon: true, do: [{repeat: 2, do: [{get: line}]}]}
"""


@pytest.mark.parametrize("how", ["narrow", "numbered", "wide", "alike"])
def test_representatives_are_those_of_the_plain_symmetry(how: str) -> None:
    """State by state, also where threads stand in lines, own locks, and are joined one by one."""
    packed = packed_of(scenrun.load(yaml.safe_load(ALIKE)).program)
    states = list(Breadth(packed, Limits(3_000)).run())
    symmetry = Symmetry(packed)
    while True:
        try:
            wanted = [symmetry.canonical(state) for state in states]
            break
        except Overflow:
            states = [packed.relayouts[-1].of(state) for state in states]
    with ExitStack() as stack:
        ways(how, stack)
        count = columns.count_for(packed.bits)
        arrays = ArraySymmetry(packed, symmetry)
        assert ints_of(arrays.canonical(columns_of(states, count))) == wanted
    assert len(set(wanted)) < len(states) / 2


@pytest.mark.parametrize("how", ["narrow", "numbered", "wide"])
@pytest.mark.parametrize("with_symmetry", [False, True])
def test_a_reduced_space_in_arrays_shows_what_the_whole_one_does(how: str, with_symmetry: bool) -> None:
    """The kinds of findings and the outcomes, of fewer states, wherever it has no cycle; and where it has one, so has the whole."""
    compared = cyclic = fewer = 0
    for program in programs(5_200_000, 60):
        whole_packed = packed_of(program)
        whole = Breadth(whole_packed, Limits(MOST)).run()
        if not whole.is_closed:
            continue
        expected = shown(whole_packed, whole)
        with ExitStack() as stack:
            ways(how, stack)
            stack.enter_context(mock.patch.object(level_search, "AT_ONCE", 9))
            packed = packed_of(program)
            symmetry = Symmetry(packed)
            search = ReducedLevelSearch(packed, Limits(), NOTHING, NOTHING, symmetry if with_symmetry else None)
            space = search.run()
            if symmetry.can_loop() and not search.is_acyclic():
                cyclic += 1
                continue
            found = shown(packed, space, symmetry if with_symmetry else None)
        assert not list(Nontermination(whole_packed, whole).find()), program.name
        assert {kind for kind, _ in found["ends"] | found["violations"]} == {
            kind for kind, _ in expected["ends"] | expected["violations"]
        }, program.name
        assert found["outcomes"] == expected["outcomes"], program.name
        assert len(space) <= len(whole)
        fewer += len(space) < len(whole)
        compared += 1
    assert compared > 15
    assert cyclic > 3
    assert fewer > 10


def test_sets_grown_at_once_are_those_grown_one_by_one() -> None:
    """For every state of random programs, a set of the same size is chosen as by the plain search."""
    compared = 0
    for program in programs(5_300_000, 30):
        packed = packed_of(program)
        space = Breadth(packed, Limits(MOST)).run()
        if not space.is_closed or packed.has_daemons:
            continue
        sets, sizes = PersistentSets(packed), {}
        for state in space:
            situation, changes = sets.situation(state)
            if any(changes):
                sizes[state] = len(sets.of(situation))
        with mock.patch.object(reduced_search, "AT_ONCE", 50):
            search = ReducedLevelSearch(packed, Limits(), NOTHING, NOTHING, None)
            search.ready()
            search.space.relay()
            wide = columns_of(list(sizes), search.space.codec.width)
            rows = [search.rows_of(table, wide, table.places(wide)) for table in search.tables]
            enabled = [table.counts.take(some) > 0 for table, some in zip(search.tables, rows, strict=True)]
            taken = search.taken(wide, rows, {})
        chosen = np.stack([one & can for one, can in zip(taken, enabled, strict=True)]).sum(axis=0)
        assert chosen.tolist() == list(sizes.values()), program.name
        compared += len(sizes)
    assert compared > 500


def test_what_was_visited_survives_a_field_that_overflows() -> None:
    """States in the new layout, and nothing searched again."""
    grows = scenrun.load(
        yaml.safe_load("""
scenario: grows
state: {n: 0}
threads:
  up: {count: 2, do: [{repeat: 6, do: [{set: {n: "n + 1"}}]}]}
""")
    ).program
    packed, lengths = packed_of(grows), []
    search = LevelSearch(packed, Limits(), NOTHING, lambda space: lengths.append(len(space)))
    with mock.patch.object(level_search, "REHEARSED", 0):
        space = search.run()
    assert packed.layout > 3
    assert lengths == sorted(lengths)
    plain = packed_of(grows)
    assert shown(packed, space) == shown(plain, Breadth(plain, Limits()).run())


def test_limits_end_a_search_that_can_then_go_on() -> None:
    """States, a signal in the middle of a level, memory; a second run visits the rest only."""
    program = scenrun.load(yaml.safe_load(ALIKE)).program
    whole = LevelSearch(packed_of(program), Limits()).run()
    search = LevelSearch(packed_of(program), Limits(500))
    assert search.run().bound == "500 states"
    assert search.space.is_full
    search.limits, search.look = Limits(), lambda space: "SIGINT" if len(space) > 900 else None
    assert search.run().bound == "SIGINT"
    search.look = NOTHING
    search.limits = Limits(memory=1)
    assert search.run().bound == "1 byte of memory"
    search.limits = Limits()
    assert (len(search.run()), search.space.transitions) == (len(whole), whole.transitions)
    assert search.space.is_closed


def test_a_set_of_states_keeps_few_runs() -> None:
    """A logarithmic number, whatever the sizes of what is added."""
    known, at = StateSet(1), 0
    for size in (1, 2, 1, 3, 1, 1, 2, 5, 1, 2, 2, 1) * 20:
        known.add(sorted_run((np.arange(at, at + size, dtype=np.uint64),)))
        at += size
    assert len(known) == at
    lengths = [len(run) for run in known.runs]
    assert all(one >= 2 * other for one, other in pairwise(lengths))


def test_a_broken_numpy_is_told_in_a_sentence() -> None:
    """Where many states would need it; a small search does not ask for it."""
    with mock.patch.dict(sys.modules, {"scenrun.search.arrays": None}), pytest.raises(UsageError, match="needs numpy"):
        portfolio.arrays()


def test_without_numpy_small_searches_go_on() -> None:
    """They do not import it."""
    code = "import sys; sys.modules['numpy'] = None; import scenrun; print(scenrun.explore('scenarios/lost_update.yaml').verdict)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "violated\n"


def test_reduced_spaces_of_one_kind_agree() -> None:
    """One by one and in arrays, without symmetry: the same states, as both take the first of the smallest sets."""
    compared = 0
    for program in programs(5_400_000, 40):
        plain = packed_of(program)
        one_by_one = Reduced(plain, Limits(MOST))
        expected = one_by_one.run()
        if not expected.is_closed or Nontermination(plain, expected, one_by_one.taken).any:
            continue
        packed = packed_of(program)
        space = ReducedLevelSearch(packed, Limits(), NOTHING, NOTHING, None).run()
        assert {key(packed.unpack(s)) for s in space} == {key(plain.unpack(s)) for s in expected}, program.name
        compared += 1
    assert compared > 10


@pytest.mark.parametrize("name", [str(path.relative_to(SCENARIOS)) for path in sorted(SCENARIOS.rglob("*.yaml"))])
def test_every_shipped_scenario_has_the_same_space(name: str) -> None:
    """In free time and in the clock's order, as far as the plain search closes soon."""
    program = scenrun.load(SCENARIOS / name).program
    if program.objects:
        return
    for timed in (FREELY, BY_THE_CLOCK):
        plain = packed_of(program, timed=timed)
        expected = Breadth(plain, Limits(SHIPPED)).run()
        if expected.is_closed:
            packed = packed_of(program, timed=timed)
            assert shown(packed, LevelSearch(packed, Limits()).run()) == shown(plain, expected)


FOUND_BY_READING = {
    "a variable that is overwritten had many values": """
scenario: t
state: {v: 0, w: 0}
threads:
  a: {do: [{while: "v < 140", do: [{set: {v: v + 1}}]}]}
  b: {do: [{set: {v: 200}}, {set: {w: 1}}]}
  c: {do: [{set: {w: 3}}, {set: {w: 2}}]}
""",
    "a thread that spins has a component for each value of the others": """
scenario: t
state: {x: 0, y: 0}
threads:
  a: {do: [{while: "x < 5", do: [{set: {x: x + 1}}]}]}
  b: {do: [{while: "y < 5", do: [{set: {y: y + 1}}]}]}
  spin: {do: [{while: "x + y < 10", do: []}]}
""",
    "a thread that is seldom started": """
scenario: t
state: {n: 0, m: 0}
behaviours: {task: {do: [{set: {m: 1}}]}}
threads:
  a: {do: [{for: i, in: "range(7)", do: [{if: "n == 2 * i", then: [{set: {n: n + 1}}]}]}]}
  b: {do: [{for: i, in: "range(7)", do: [{if: "n == 2 * i + 1", then: [{set: {n: n + 1}}]}]}]}
  c: {do: [{if: "n == 13", then: [{spawn: {target: task}}]}, {set: {m: 2}}]}
""",
    "a finding is told while transitions are still unknown": """
scenario: t
state: {v: 0, w: 0, y: 0}
threads:
  a: {do: [{repeat: 3, do: [{set: {w: (w * 3 + v + 1) % 16}}]}, {assert: "w != 11"}]}
  b: {do: [{repeat: 4, do: [{set: {v: (v * 7 + w + 1) % 16}}]}, {set: {y: (v + 3 * w) % 13}}, {assert: "y != 8"}]}
""",
}


@pytest.mark.parametrize("name", FOUND_BY_READING)
def test_what_was_found_by_reading_is_mended(name: str) -> None:
    """The whole space and the reduced one in arrays show what the plain search does."""
    program = scenrun.load(yaml.safe_load(FOUND_BY_READING[name])).program
    plain = explore_program(program, None, SearchOptions(strategy="states", reduction="off", shorten=False))
    small = {"SMALL": 12, "WIDE": 0, "FEW": 2, "WORK": 200, "MORE": 2}
    with mock.patch.multiple(portfolio, **small), mock.patch.object(level_search, "REHEARSED", 0):
        for reduction in ("off", "on", "auto"):
            how = SearchOptions(strategy="states", reduction=reduction, shorten=False, found=lambda one: None)
            found = explore_program(program, None, how)
            assert found.closed
            assert found.kinds == plain.kinds
