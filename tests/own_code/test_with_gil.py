"""Whether a finding comes with the GIL: CPython changes threads at calls, entries of functions and turns of loops."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import scenrun

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "peers"))

import switch_shapes as shapes

WITH = {
    "a_call_of_python", "a_call_of_c", "a_method_in_c", "a_lambda", "two_turns_of_for", "two_turns_of_while", "continue_in_while",
    "a_comprehension", "a_generator", "a_lock_in_between",
}  # fmt: skip
"""Those between whose read and write threads are changed: seen on real threads, by benchmarks/gil_switches.py."""
if sys.version_info >= (
    3,
    14,
):  # a loop jumps back before it looks at its condition, and a `with` block is entered by a call
    WITH |= {"one_turn_of_while", "a_lock_before_the_write"}


@pytest.mark.parametrize("shape", shapes.SHAPES, ids=lambda one: one.__name__)
def test_a_finding_says_whether_it_comes_with_the_gil(shape: object) -> None:
    found = scenrun.explore_code(shapes.setup, [shape, shape], shapes.is_two)  # type: ignore[list-item]
    assert found.verdict == "violated"
    said = found.findings[0].with_gil
    if shape.__name__ in WITH:  # type: ignore[attr-defined]
        assert said == "it comes with the GIL, too"
    else:
        assert said.startswith("it does not come with the GIL: every schedule")
    assert said in str(found)
