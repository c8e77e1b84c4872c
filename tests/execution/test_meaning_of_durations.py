"""Computed durations and constants: what they come to in virtual time, on real threads, and in every schedule."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from scenarios_at_random import Author, with_constants

import scenrun
from scenrun.language.durations import UNITS_NS, nanoseconds
from scenrun.program.ir import Program


def slept(length: Any, **state: Any) -> float:
    """The seconds of virtual time that a sleep takes; an exception is raised as it is."""
    scenario = {"scenario": "nap", "state": state, "threads": {"t": {"do": [{"sleep": length}]}}}
    result = scenrun.simulate(scenario, step_cost=1e-9, time_limit="100h")
    assert result.verdict == "holds", result.findings
    return float(result.elapsed_s)


@pytest.mark.parametrize("unit", UNITS_NS)
def test_a_unit_and_a_number_are_that_long(unit: str) -> None:
    assert slept({unit: "n * 2"}, n=3) == pytest.approx(6 * UNITS_NS[unit] / 1e9, abs=1e-6)
    assert slept({unit: 6}) == pytest.approx(slept({unit: "n * 2"}, n=3), abs=1e-6)


def test_it_is_computed_each_time() -> None:
    """A backoff: 1, 2, 4 and 8 ms."""
    steps = [{"repeat": 4, "do": [{"sleep": {"ms": "2 ** n"}}, {"set": {"n": "n + 1"}}]}]
    scenario = {"scenario": "backoff", "state": {"n": 0}, "threads": {"t": {"do": steps}}}
    assert scenrun.simulate(scenario, step_cost=1e-9, time_limit="100h").elapsed_s == pytest.approx(0.015, abs=1e-6)


def test_a_negative_one_is_none() -> None:
    assert slept({"s": "n"}, n=-5) + slept({"s": -5}) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("way", [scenrun.run, scenrun.simulate, scenrun.explore])
def test_a_time_out_that_is_negative_is_up_at_once(way: Any) -> None:
    """Where Python's own queue would raise a ValueError."""
    get = {"get": {"queue": "q", "timeout": {"ms": "n - 5"}}}
    scenario = {
        "scenario": "late", "sync": {"q": "queue"}, "state": {"n": 1},
        "threads": {"t": {"do": [{"try": [get], "except": {"queue.Empty": [{"set": {"n": 2}}]}}]}}, "expect": {"final": ["n == 2"]},
    }  # fmt: skip
    assert nanoseconds(-5, "s") == 0
    assert way(scenario).verdict == "holds"


@pytest.mark.parametrize(
    ("length", "fault"),
    [
        ({"ms": "n['a']"}, "TypeError"),
        ({"s": "float('inf')"}, "ValueError"),
        ({"s": "float('nan')"}, "ValueError"),
        ({"h": "24 * 367"}, "OverflowError"),
        ({"us": "None"}, "TypeError"),
    ],
)
def test_what_is_no_length_of_time_is_an_exception(length: Any, fault: str) -> None:
    caught = {"try": [{"sleep": length}], "except": {fault: [{"set": {"seen": True}}]}}
    scenario = {
        "scenario": "nap", "state": {"n": {"a": "text"}, "seen": False}, "threads": {"t": {"do": [caught]}},
        "expect": {"final": ["seen"]},
    }  # fmt: skip
    if "n[" not in json.dumps(length):
        del scenario["state"]["n"]
    for way in (scenrun.run, scenrun.simulate, scenrun.explore):
        assert way(scenario).verdict == "holds"


@pytest.mark.parametrize("how", ["run", "spawn", "submit"])
def test_an_argument_is_computed_where_it_is_written(how: str) -> None:
    """Not where it is used: the variable has changed by then."""
    args = {"target": "nap", "args": {"long": {"ms": "n"}}, **({"pool": "p"} if how == "submit" else {})}
    scenario = {
        "scenario": "nap", "state": {"n": 7}, "sync": {"p": {"pool": {"max_workers": 1}}} if how == "submit" else {},
        "behaviours": {"nap": {"params": {"long": "duration"}, "do": [{"set": {"n": 50}}, {"sleep": "long"}]}},
        "main": [{how: args}, {"set": {"n": 30}}],
    }  # fmt: skip
    assert scenrun.simulate(scenario, step_cost=1e-9, time_limit="100h").elapsed_s == pytest.approx(0.007, abs=1e-6)


def test_a_time_out_that_is_computed_decides_in_virtual_time() -> None:
    steps = [{"wait": {"event": "e", "timeout": {"ms": "n"}, "into": "came"}}]
    other = [{"sleep": "5ms"}, {"set_event": "e"}]
    for number, expected in ((4, False), (6, True)):
        scenario = {
            "scenario": "late", "sync": {"e": "event"}, "state": {"n": number, "came": None},
            "threads": {"a": {"do": steps}, "b": {"do": other}}, "expect": {"final": [f"came == {expected}"]},
        }  # fmt: skip
        assert scenrun.simulate(scenario).verdict == "holds"
        assert scenrun.explore(scenario, time="virtual").verdict == "holds"
        assert scenrun.explore(scenario).verdict == "violated"


def instructions(scenario: dict[str, Any]) -> list[Any]:
    """What a scenario compiles to."""
    program: Program = scenrun.load(scenario).program
    cells = [(cell.kind, cell.count, cell.options) for cell in program.cells]
    return [
        cells,
        *([(i.op, i.target, _placeless(i.arguments), i.to) for i in code.instructions] for code in program.codes),
    ]


def _placeless(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The same, where what a callback is given is named after the place at which it is added."""
    return tuple(re.sub(r"(__k_[a-z_]+)_\d+_\d+_", r"\1_", one) for one in arguments)


def test_constants_are_the_numbers_that_they_stand_for() -> None:
    """On scenarios by chance: their counts, sizes and repetitions."""
    changed = 0
    for seed in range(150):
        scenario = Author(random.Random(seed).randbytes(400)).scenario()
        plain = {key: value for key, value in scenario.items() if key != "let"}
        if "let" in scenario or with_constants(plain) == plain:
            continue
        changed += 1
        assert instructions(with_constants(plain)) == instructions(plain)
    assert changed > 10


def test_a_constant_is_a_number_a_duration_or_any_value() -> None:
    scenario = {
        "scenario": "constants",
        "let": {"few": 3, "pause": "2ms", "rate": 2.5, "words": ["a", "b"], "later": {"uniform": ["1ms", "1ms"]}},
        "sync": {"slots": {"semaphore": {"value": "few - 3", "count": "few"}}, "gate": {"barrier": {"parties": "few"}}},
        "state": {"said": ""},
        "behaviours": {"nap": {"params": {"long": "duration"}, "do": [{"sleep": "long"}]}},
        "threads": {
            "one": {
                "count": "few", "start_after": "pause",
                "do": [
                    {"run": {"target": "nap", "args": {"long": "pause"}}}, {"sleep": {"ms": "rate * 2"}}, {"wait": "gate"}, {"release": "slots[index]"},
                    {"set": {"said": "words[1]"}}, {"if": "later['uniform'] == ['1ms', '1ms']", "then": [{"acquire": "slots[index]"}]},
                ],
            }
        },
        "expect": {"final": ["one.count == few", "slots.count == 3", "gate.parties == few", "said == 'b'"]},
    }  # fmt: skip
    result = scenrun.simulate(scenario, step_cost=1e-9, time_limit="100h")
    assert result.verdict == "holds"
    assert result.elapsed_s == pytest.approx(0.009, abs=1e-6)
    assert scenrun.explore(scenario).verdict == "holds"
    assert scenrun.explore(scenario, overrides={"let.few": 4}).verdict == "violated"
