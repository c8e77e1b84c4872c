"""Calls that an order must explain: every search of random objects made of behaviours finds what the plain walk finds."""

from __future__ import annotations

from calls_at_random import Author
from searches_compared import TooLarge, differences

import scenrun

PROGRAMS = 40


def test_every_search_finds_what_the_plain_walk_finds() -> None:
    """More programs by hand (see docs/contributing.md)."""
    said = {"holds": 0, "violated": 0}
    for number in range(PROGRAMS):
        scenario = Author(number).scenario()
        try:
            different = differences(scenario)
        except TooLarge:
            continue
        assert not different, f"program {number}: {different}"
        found = scenrun.explore(scenario, strategy="states")
        by_dpor = scenrun.explore(scenario, strategy="dpor", schedules=500)
        assert not by_dpor.closed or set(by_dpor.kinds) == set(found.kinds), f"program {number}"
        said[found.verdict] += 1
    assert min(said.values()) > 2, said
