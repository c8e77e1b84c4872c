"""Slices, comprehensions and methods of values: each gives what Python gives, in every way of running, within the bounds."""

from __future__ import annotations

import re
from typing import Any

import pytest

import scenrun
from scenrun.errors import Fault, ScenarioError
from scenrun.language.expressions import VALUE_METHODS
from scenrun.program.values import MAX_SIZE, method

STATE: dict[str, Any] = {
    "items": [3, 1, 2, 1],
    "text": " Ab,cd ",
    "table": {"b": 2, "a": 1},
    "n": 3,
    "rows": [[1, "x"], [2, "y"]],
}
SAME_AS_PYTHON = [
    "items[1:]", "items[::-1]", "items[n - 2:n]", "text[-3:]", "items[:n][::2]", "text.strip().split(',')", "text.split()",
    "'-'.join(['a', 'b'])", "text.upper() + text.lower()", "text.startswith(' A')", "text.endswith('x')", "text.replace('A', 'zz')",
    "text.find('c') + text.find('q')", "'12'.isdigit() and not ''.isdigit()", "items.index(2)", "items.count(1)", "text.count(',')",
    "table.get('b') + table.get('z', 5)", "table.get('z')", "[x * 2 for x in [1, 2, 3] if x > 1]", "sum(x for x in items)",
    "[k for k in table]", "max(len(w) for w in text.split(','))", "any(x > 2 for x in items)", "all(x > 2 for x in items)",
    "{str(x): x for x in items if x % 2}", "sorted(x % 3 for x in range(5))", "[r[1].upper() for r in rows if r[0] > 1]",
    "min(x for x in items if x > 1)", "[c for c in 'abc'][1:]", "[[x, x + 1] for x in items[:2]]", "'a,b'.split(',')[0].upper()",
    "any(10 // x for x in [1, 0])", "[x if x > 1 else -x for x in items]",
]  # fmt: skip


@pytest.mark.parametrize("text", SAME_AS_PYTHON)
def test_an_expression_gives_what_python_gives(text: str) -> None:
    """As a step, where each read is an instruction, and as an expectation."""
    wanted = eval(text, {}, dict(STATE))
    used = {name: value for name, value in STATE.items() if re.search(rf"\b{name}\b", text)}
    scenario = {
        "scenario": "values", "state": {**used, "out": None}, "threads": {"t": {"do": [{"set": {"out": text}}]}},
        "expect": {"final": [f"out == {wanted!r}", f"({text}) == out"]},
    }  # fmt: skip
    for way in (scenrun.run, scenrun.simulate, scenrun.explore):
        result = way(scenario)
        assert result.verdict == "holds", (way, getattr(result, "state", None))


def test_views_and_pairs_are_lists() -> None:
    """As the language has no others."""
    table = {"b": 2, "a": 1}
    assert method("keys", table) == ["b", "a"]
    assert method("values", table) == [2, 1]
    assert method("items", table) == [["b", 2], ["a", 1]]


@pytest.mark.parametrize("name", VALUE_METHODS)
def test_what_has_no_such_method_is_an_attribute_error_as_in_python(name: str) -> None:
    arguments = ["a"] * VALUE_METHODS[name][0]
    for value in (1, None, 2.5, True, [1], {"a": 1}, "a"):
        if hasattr(value, name):
            continue
        with pytest.raises(Fault) as caught:
            method(name, value, *arguments)
        with pytest.raises(AttributeError) as python:
            getattr(value, name)
        assert caught.value.type == "AttributeError"
        assert caught.value.text.replace("None", "NoneType") == str(python.value)


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("replace", "a" * 1_000, ("a", "b" * 2_000)),
        ("replace", "a" * 1_000, ("", "b" * 2_000)),
        ("join", "x" * 2_000, (["a"] * 1_000,)),
        ("join", "", (["a" * 2_000] * 1_000,)),
    ],
)
def test_a_huge_text_is_refused_before_it_is_built(name: str, value: str, arguments: Any) -> None:
    with pytest.raises(Fault, match=f"{MAX_SIZE:,}"):
        method(name, value, *arguments)


def test_a_long_comprehension_is_an_overflow() -> None:
    scenario = {
        "scenario": "long", "state": {"out": None},
        "threads": {"t": {"do": [{"try": [{"set": {"out": "['aaaa' for x in range(900000)]"}}], "except": {"OverflowError": []}}]}},
        "expect": {"final": ["out is None"]},
    }  # fmt: skip
    assert scenrun.simulate(scenario).verdict == "holds"


def test_what_is_done_with_each_item_reads_nothing_shared() -> None:
    scenario = {
        "scenario": "shared",
        "state": {"v": 1, "out": []},
        "threads": {"t": {"do": [{"set": {"out": "[x + v for x in [1]]"}}]}},
    }
    with pytest.raises(ScenarioError, match="read it into a local before"):
        scenrun.load(scenario)
