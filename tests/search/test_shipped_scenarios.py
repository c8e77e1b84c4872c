"""The search finds every bug of every shipped scenario and no other, and every way of searching finds the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import searches_compared
import yaml
from scenarios_drawn import each_scenario
from searches_compared import ANONYMOUS, SEARCHES, TooLarge, anonymous, differences, observing_all
from shipped import shipped

from scenrun.program.ir import Program
from scenrun.search.explore import explore_program
from scenrun.search.options import SearchOptions
from scenrun.search.result import Explored

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("scenarios/*.yaml"), *ROOT.glob("scenarios/gallery/*.yaml")])
KNOWN = Path(__file__).parent / "explored.json"
HUGE = "semaphore_pool"
"""A scenario with too many states for a search that takes no replicas for one another."""
PARTS, EACH = 6, 20


def program_of(path: Path) -> Program:
    """The program of a file."""
    return shipped(path).program


def summary(found: Explored) -> dict[str, Any]:
    """What must stay as it is: the verdict, and how much there is to be seen."""
    return {
        "verdict": found.verdict, "kinds": list(found.kinds), "states": found.states, "outcomes": len(found.outcomes),
        "findings": found.found, "steps": [len(one.story.steps) for one in found.counterexamples],
    }  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_shipped_scenario_has_its_verdict(path: Path) -> None:
    """The kinds of finding are those that the file expects, with the same number of states and outcomes as ever."""
    found = explore_program(program_of(path))
    assert found.ok, found.verdict
    assert found.closed
    assert summary(found) == json.loads(KNOWN.read_text())[path.stem]


REDUCED = [path for path in FILES if path.stem != HUGE and "\ninterrupts:" not in path.read_text()]
"""Those that a reduction is for."""


@pytest.mark.parametrize("path", REDUCED, ids=lambda path: path.stem)
def test_reduction_and_symmetry_change_no_verdict(path: Path) -> None:
    """With persistent sets and with symmetry the kinds of finding and the outcomes are the same, of no more states."""
    whole = explore_program(program_of(path), how=SearchOptions(reduction="off", shorten=False))
    for symmetry in (False, True) if (whole.states or 0) < 100_000 else (True,):
        fewer = explore_program(program_of(path), how=SearchOptions(reduction="on", symmetry=symmetry, shorten=False))
        assert fewer.closed
        assert set(fewer.kinds) == set(whole.kinds)
        assert sorted(map(repr, fewer.outcomes)) == sorted(map(repr, whole.outcomes))
        assert (fewer.states or 0) <= (whole.states or 0) or "livelock" in whole.kinds


@pytest.mark.parametrize("part", range(PARTS))
def test_all_searches_find_what_the_plain_walk_finds(part: int) -> None:
    """Findings and outcomes of random scenarios, as they are and with all their variables observed."""
    compared = []

    def check(scenario: dict[str, Any]) -> None:
        for one in (scenario, observing_all(scenario)):
            try:
                different = differences(one)
            except TooLarge:
                continue
            compared.append(one)
            assert not different, yaml.safe_dump(one, sort_keys=False) + repr(different)

    each_scenario(100 + part, EACH, check)
    assert len(compared) > EACH // 2, "of two each, most are not too large"


SMALL = [
    path
    for path in FILES
    if json.loads(KNOWN.read_text()).get(path.stem, {}).get("states", 0) < 150 and "now()" not in path.read_text()
]
"""Those that the plain walk, which leaves nothing out of a state, gets through in a moment; without those that read the clock, as time is free here."""


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_all_searches_find_what_the_plain_walk_finds_in_the_classics(path: Path) -> None:
    """The same of shipped scenarios, whose findings are known."""
    program = program_of(path)
    expected = searches_compared.plainly(program, 10_000)
    for search in SEARCHES.values():
        assert search(program) == expected
    for search in ANONYMOUS.values():
        assert anonymous(search(program)) == anonymous(expected)


if __name__ == "__main__":
    known = {path.stem: summary(explore_program(program_of(path))) for path in FILES}
    KNOWN.write_text(json.dumps(known, indent=0, sort_keys=True).replace("\n\n", "\n") + "\n")
    sys.exit(0)
