"""Which steps of a file threads come to: as a walk over every state sees it, whatever the search leaves out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from scenarios_at_random import TAPE, Author

import scenrun
from scenrun.model.machine import FREE
from scenrun.model.step_recorder import StepRecorder
from scenrun.program.ir import Program
from scenrun.program.reached import StepOfFile, steps_of_file
from scenrun.program.values import key
from scenrun.search.options import SearchOptions
from scenrun.search.reached import reached
from scenrun.search.space.breadth_first import Limits

MOST = 1_500
PROGRAMS = 60
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
    return {step for step, places in steps_of_file(program).items() if places & machine.came}


def test_a_search_comes_to_the_steps_of_the_plain_walk() -> None:
    """Reduced and with symmetry, or not: scenarios by chance have the same steps that are never reached."""
    compared = missed = 0
    for number in range(PROGRAMS):
        scenario = Author(random.Random(f"reached {number}").randbytes(TAPE)).scenario()
        program = scenrun.load(scenario).program
        expected = plainly(program, MOST)
        if expected is None or program.reads_clock is not None:
            continue
        for reduction in ("on", "off") if not program.interrupts else ("auto",):
            found = reached(program, program.seed, SearchOptions(limits=Limits(states=MOST), reduction=reduction), 3)
            if not found.is_closed:
                continue
            assert {step for step in found.counts if step not in found.never} == expected, (number, reduction)
            assert all(count == 0 for step, count in found.counts.items() if step in found.never)
            compared += 1
            missed += bool(found.never)
    assert compared > PROGRAMS // 2
    assert missed > 5


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
