"""What is hard to see is announced or named: a bug that needs it is found, or the search says that it does not know."""

from __future__ import annotations

import code_hard_to_see as code
import pytest

import scenrun


@pytest.mark.parametrize("name", code.CASES)
def test_no_bug_is_said_not_to_be(name: str) -> None:
    setup, threads, check = code.CASES[name]
    found = scenrun.explore_code(setup, threads, check, schedules=2_000)
    assert found.verdict != "holds", str(found)
    assert found.findings or found.unaccounted, str(found)
