"""What is hard to see is announced or named: a bug that needs it is found, or the search says that it does not know."""

from __future__ import annotations

import code_hard_to_see as code
import code_in_blocks as blocks
import pytest

import scenrun

CASES = {**code.CASES, **blocks.CASES}


@pytest.mark.parametrize("name", CASES)
def test_no_bug_is_said_not_to_be(name: str) -> None:
    setup, threads, check = CASES[name]
    found = scenrun.explore_code(setup, threads, check, schedules=2_000)
    assert found.verdict != "holds", str(found)
    assert found.findings or found.unaccounted, str(found)


@pytest.mark.parametrize("name", blocks.LOOPS)
def test_a_loop_that_ends_is_no_livelock(name: str) -> None:
    """What it waits for is changed by what nobody announces, or by what looks the same: no finding, and no proof if not known."""
    found = scenrun.explore_code(blocks.setup, blocks.LOOPS[name], schedules=200)
    assert not found.findings, str(found)
