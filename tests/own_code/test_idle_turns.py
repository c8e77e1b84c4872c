"""Loops that wait by looking again and again: the search of all schedules ends, and is right."""

from __future__ import annotations

import code_that_waits as code
import pytest

import scenrun


@pytest.mark.parametrize("name", code.CASES)
def test_what_waits_in_a_loop_is_searched_to_the_end(name: str) -> None:
    threads, check, verdict = code.CASES[name]
    found = scenrun.explore_code(code.shared, threads, check)
    assert found.verdict == verdict, str(found)
    assert found.is_closed or found.findings


def test_a_livelock_says_where() -> None:
    """And whose it is; what others wait for is said, too."""
    found = scenrun.explore_code(code.shared, [code.waits_for_ever, code.goes])
    assert "a goes round for ever, as nobody changes what it looks at (line " in found.findings[0].message
    assert "waits_for_ever)" in found.findings[0].message
