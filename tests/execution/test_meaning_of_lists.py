"""Several at once: `with`, `start` and `join` of a list, and `elif`, are what they abbreviate."""

from __future__ import annotations

from typing import Any

import pytest

import scenrun
from scenrun.program.ir import Program


def instructions(scenario: dict[str, Any]) -> list[Any]:
    """What a scenario compiles to, without the places in the file."""
    program: Program = scenrun.load(scenario).program
    return [
        (one.op, one.target, one.arguments, one.into, one.to, one.handler)
        for code in program.codes
        for one in code.instructions
    ]


def scenario(*steps: Any) -> dict[str, Any]:
    return {
        "scenario": "several", "sync": {"a": "lock", "b": "rlock", "c": "semaphore"}, "state": {"n": 0},
        "threads": {
            "one": {"do": [{"with": "a", "do": [{"with": "b", "do": [{"with": "c", "do": [{"set": {"n": "n + 1"}}]}]}]}]},
            "two": {"do": [{"set": {"n": "n + 1"}}]},
        },
        "main": [{"start": "one"}, {"start": "two"}, *steps],
    }  # fmt: skip


INNER = [{"set": {"n": "n + 1"}}]
HELD = [{"with": "a", "do": [{"with": "b", "do": [{"with": "c", "do": INNER}]}]}]
BRANCHES = [
    {"if": "n > 2", "then": INNER, "else": [{"if": "n > 1", "then": INNER, "else": [{"if": "n > 0", "then": INNER}]}]}
]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ([{"with": ["a", "b", "c"], "do": INNER}], HELD),
        ([{"with": ["a"], "do": [{"with": ["b", "c"], "do": INNER}]}], HELD),
        ([{"join": ["one", "two"]}], [{"join": "one"}, {"join": "two"}]),
        (
            [{"join": {"thread": ["one", "two"], "timeout": "1s"}}],
            [{"join": {"thread": "one", "timeout": "1s"}}, {"join": {"thread": "two", "timeout": "1s"}}],
        ),
        (
            [{"if": "n > 2", "then": INNER, "elif": [{"if": "n > 1", "then": INNER}, {"if": "n > 0", "then": INNER}]}],
            BRANCHES,
        ),
        (
            [{"if": "n > 2", "then": INNER, "elif": [{"if": "n > 1", "then": INNER}], "else": INNER}],
            [{"if": "n > 2", "then": INNER, "else": [{"if": "n > 1", "then": INNER, "else": INNER}]}],
        ),
    ],
)
def test_several_at_once_are_what_they_abbreviate(short: list[Any], long: list[Any]) -> None:
    assert instructions(scenario(*short)) == instructions(scenario(*long))


def test_several_are_started_in_the_order_of_the_list() -> None:
    whole = scenario()
    both = {**whole, "main": [{"start": ["one", "two"]}]}
    assert instructions(both) == instructions(whole)
    assert instructions({**whole, "main": [{"start": ["two", "one"]}]}) != instructions(whole)


def test_locks_are_given_back_in_the_other_order() -> None:
    """So that a wait in the middle is what it would be in nested `with`."""
    found = scenrun.explore({**scenario(), "main": [{"start": ["one", "two"]}, {"with": ["c", "b", "a"], "do": INNER}]})
    assert "deadlock" in found.found
