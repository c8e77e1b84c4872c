"""Which steps of a file threads come to: as a walk over every state sees it, whatever the search leaves out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.errors import UsageError
from scenrun.model.machine import FREE
from scenrun.model.step_recorder import StepRecorder
from scenrun.program.ir import Program
from scenrun.program.reached import StepOfFile, steps_at_places
from scenrun.program.values import key
from scenrun.search.options import SearchOptions
from scenrun.search.reached import reached
from scenrun.search.space.breadth_first import Limits

MOST = 1_500
PROGRAMS = 36
NEVER = """
scenario: some
state: {v: 0}
sync: {q: queue}
threads:
  a:
    do:
      - set: {v: 1}
      - if: v == 2
        then:
          - log: "never"
        else:
          - put: {queue: q, item: v}
  b:
    do:
      - try:
          - get: {queue: q, block: false, into: x}
          - log: "{x}"
        except: {queue.Empty: [{log: empty}]}
expect: {verdict: holds}
"""


def plainly(program: Program, most: int) -> set[StepOfFile] | None:
    """The steps that a walk over every state comes to; None where there are too many."""
    machine = StepRecorder(program, folded=FREE)
    first = machine.initial()
    seen, waiting = {key(first)}, [first]
    while waiting:
        for _, after in machine.following(waiting.pop()):
            if (found := key(after)) not in seen:
                seen.add(found)
                waiting.append(after)
        if len(seen) > most:
            return None
    places = steps_at_places(program)
    return {step for place in machine.came for step in places.get(place, ())}


def test_a_search_comes_to_the_steps_of_the_plain_walk() -> None:
    """Reduced and with symmetry, or not: scenarios by chance have the same steps that are never reached."""
    compared = missed = 0
    for number in range(PROGRAMS):
        scenario = Author(random.Random(f"reached {number}").randbytes(TAPE)).scenario()
        program = scenrun.load(scenario).program
        expected = plainly(program, MOST)
        if expected is None or program.reads_clock is not None or program.any_number:
            continue
        for reduction in ("on", "off") if not program.interrupts else ("auto",):
            found = reached(program, program.seed, SearchOptions(limits=Limits(states=MOST), reduction=reduction), 3)
            if not found.is_closed:
                continue
            assert {step for step in found.counts if step not in {*found.never, *found.not_yet}} == expected, (
                number,
                reduction,
            )
            assert all(count == 0 for step, count in found.counts.items() if step in {*found.never, *found.not_yet})
            compared += 1
            missed += bool(found.never or found.not_yet)
    assert compared > PROGRAMS // 2
    assert missed > 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.yaml"
    path.write_text(NEVER.lstrip(), encoding="utf-8")
    return path


def _at(found: Any, line: int) -> int:
    return found.by_line[line]


def test_counts_are_those_of_drawn_schedules(file: Path) -> None:
    """What every schedule comes to is in all of them; the two ends of a race are in some, and together in all."""
    found = reached(scenrun.load(file).program, 0, SearchOptions(), 300)
    assert (found.total, found.is_closed) == (300, True)
    assert [step.line for step in found.never] == [10]
    assert _at(found, 7) == 300
    assert 0 < _at(found, 17) < 300
    assert 0 < _at(found, 18) < 300
    assert _at(found, 17) + _at(found, 18) == 300


def test_what_a_search_that_was_ended_has_not_seen_is_not_called_never(file: Path) -> None:
    found = reached(scenrun.load(file).program, 0, SearchOptions(limits=Limits(states=2)), 1)
    assert not found.is_closed
    assert found.never == ()
    assert 10 in [step.line for step in found.not_yet]


def test_nothing_is_called_never_that_another_seed_or_a_slow_machine_reaches(tmp_path: Path) -> None:
    """Draws have one seed, and a file that reads the clock is searched in virtual time: both are said instead."""
    drawn = scenrun.load(
        {"scenario": "d", "main": [{"set": {"r": "random.randint(1, 3)"}}, {"if": "r == 2", "then": [{"log": "two"}]}]}
    )
    found = [reached(drawn.program, seed, SearchOptions(), 1) for seed in range(12)]
    assert all(one.never == () and one.within == f"with seed {seed}" for seed, one in enumerate(found))
    assert {len(one.not_yet) for one in found} == {0, 1}
    timed = scenrun.load(
        {"scenario": "t", "main": [{"set": {"t": "now()"}}, {"if": "t > 1", "then": [{"log": "slow"}]}]}
    )
    one = reached(timed.program, 0, SearchOptions(), 1)
    assert (one.never, [step.path for step in one.not_yet]) == ((), ["main[1].then[0]"])
    assert "virtual time" in one.within


def test_a_step_is_reached_where_one_inside_it_is(tmp_path: Path) -> None:
    """A `try` whose handler is not needed, and an action that either of two threads runs."""
    scenario = {
        "scenario": "n", "sync": {"b": {"barrier": {"parties": 2, "action": "merge"}}}, "state": {"n": 0},
        "behaviours": {"merge": {"do": [{"set": {"n": 7}}]}},
        "threads": {"a": {"count": 2, "do": [{"try": [{"wait": "b"}], "except": {"ValueError": [{"log": "no"}]}}]}},
    }  # fmt: skip
    found = reached(scenrun.load(scenario).program, 0, SearchOptions(), 60)
    counts = {step.path: count for step, count in found.counts.items()}
    assert counts["threads.a.do[0]"] == counts["threads.a.do[0].try[0]"] == counts["behaviours.merge.do[0]"] == 60
    assert [step.path for step in found.never] == ["threads.a.do[0].except.ValueError[0]"]


def test_any_number_of_replicas_is_refused() -> None:
    scenario = {"scenario": "m", "threads": {"w": {"count": "any", "do": [{"log": "hi"}]}}}
    with pytest.raises(UsageError, match="count"):
        reached(scenrun.load(scenario).program, 0, SearchOptions(), 1)
