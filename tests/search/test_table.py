"""The table of a counterexample: why threads are switched, what conditions came to, exceptions, item keys, rounds, and lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import scenrun
from scenrun.search.counterexample.rounds import Rounds, rounds_of
from scenrun.search.counterexample.table import table
from scenrun.search.record import Counterexample

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def first(scenario: Any) -> Counterexample:
    """The first finding of a search."""
    return scenrun.explore(scenario).counterexamples[0]


def alone(steps: list[dict[str, Any]], **more: Any) -> Counterexample:
    """The finding of one thread beside main, whose steps end in an assertion that fails."""
    threads = {"one": {"do": [*steps, {"assert": "n < 0"}]}}
    return first({"scenario": "alone", "state": {"n": 0}, "threads": threads, **more})


def told(one: Counterexample, width: int = 120) -> list[str]:
    """The rows of its table, without those below it, each with single spaces."""
    return [" ".join(line.split()) for line in table(one, width) if not line.startswith("    main:")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lost_update", {5: ("conflict", "`value` is read by updater[0], then written by updater[1]"), 6: ("ended", "updater[1] has ended")}),
        ("gallery/ab_ba", {3: ("conflict", "`lock_b` is acquired by from_b_to_a before it is wanted by from_a_to_b")}),
        ("gallery/double_checked_too_early", {6: ("conflict", "`ready` is written by user[0], then read by user[1]")}),
    ],
)  # fmt: skip
def test_each_switch_has_its_reason(name: str, expected: dict[int, tuple[str, str]]) -> None:
    """A conflict, a wait or an end; the table has a row for the first two."""
    one = first(SCENARIOS / f"{name}.yaml")
    found = {at: step.switched for at, step in enumerate(one.story.steps) if step.switched is not None}
    assert len(found) == one.switches
    assert found[2].kind == "blocked"
    assert found[2].text.startswith("main waits for ")
    by_reason = [(switch.kind, switch.text) for switch in found.values()]
    assert all(pair in by_reason for pair in expected.values())
    rows = told(one)
    assert all((f"switched: {text}" in rows) == (kind != "ended") for kind, text in by_reason)


def test_a_lock_that_is_not_got_is_asked_for() -> None:
    """`acquired` is said only where it was."""
    one = first(SCENARIOS / "gallery" / "ab_ba_polite.yaml")
    texts = [step.switched.text for step in one.story.steps if step.switched is not None]
    assert "`lock_b` is acquired by from_b_to_a, then asked for by from_a_to_b" in texts


def test_no_conflict_is_made_up() -> None:
    """Two threads that share nothing: one could go on, and no row is shown."""
    threads = {"a": {"do": [{"set": {"x": 1}}, {"set": {"x": 2}}]}, "b": {"do": [{"set": {"y": 1}}]}}
    one = first({"scenario": "apart", "state": {"x": 0, "y": 0}, "threads": threads,
                 "expect": {"always": ["not (x == 1 and y == 1)"]}})  # fmt: skip
    switch = next(
        step.switched for step in one.story.steps if step.switched is not None and step.switched.kind != "blocked"
    )
    assert (switch.kind, switch.text.endswith("could go on")) == ("free", True)
    assert not [row for row in told(one) if "could go on" in row]


def test_conditions_say_what_they_came_to() -> None:
    """Of `if` and `while`, at their lines, in the table and in JSON; not twice where the step before says it."""
    steps = [
        {"set": {"i": 0}},
        {"while": "i < 1 and n == 0", "do": [{"set": {"i": "i + 1"}}]},
        {"if": "go.is_set()", "then": []},
    ]
    one = alone(steps, sync={"go": "event"})
    rows = told(one)
    shown = [row.rsplit(" ", 1)[0] for row in rows if "->" in row or "i =" in row]
    loop = "while i < 1 and n == 0"
    assert shown == [f"{loop} -> True", "i = 1", f"{loop} -> False", "4 is_set go -> False"]
    asked = [own for step in one.as_dict()["steps"] for own in step.get("own", ()) if own["kind"] == "asked"]
    assert next((own["text"], own["value"]) for own in asked) == (loop, True)
    assert all(isinstance(own["line"], int) for own in asked)


def test_exceptions_handlers_and_item_keys_are_told() -> None:
    """What is raised, where it is handled, and the key of an item that is written."""
    tries = {
        "try": [{"set": {"m['k']": "n + 1"}}, {"raise": "ValueError: oops"}],
        "except": {"ValueError": [{"log": "caught"}]},
    }
    rows = " / ".join(told(alone([tries], state={"n": 0, "m": {"k": 0}})))
    places = [rows.index(text) for text in ("m['k'] = 1", "! ValueError: oops", "except ValueError", "log: caught")]
    assert places == sorted(places)


def test_rounds_that_are_the_same_stand_in_a_bracket() -> None:
    """Once, with their number; where only values differ, the first and the last."""
    rows = told(alone([{"repeat": 6, "do": [{"if": "go.is_set()", "then": []}, {"acquire": "m"}, {"release": "m"}]}],
                      sync={"go": "event", "m": "lock"}))  # fmt: skip
    at = next(at for at, row in enumerate(rows) if "┌" in row)
    assert [row.split()[1] for row in rows[at : at + 3]] == ["┌", "│", "└"]
    assert [row.endswith("x 6") for row in rows[at : at + 3]] == [False, False, True]
    assert rows[at + 3].startswith("20 n is 0")
    counted = told(alone([{"repeat": 6, "do": [{"set": {"n": "n + 1"}}]}]))
    assert [row for row in counted if row.startswith("..")] == [".. 4 more rounds like this, with other values"]
    assert sum("n = " in row for row in counted) == 2


def test_rounds_are_found_wherever_they_begin() -> None:
    """The longest first, and never fewer than three."""
    assert rounds_of("xabababy") == [Rounds(1, 2, 3)]
    assert rounds_of("aabaabaab") == [Rounds(0, 3, 3)]
    assert rounds_of("abab") == []
    assert rounds_of("aaaabbbb") == [Rounds(0, 1, 4), Rounds(4, 1, 4)]


def test_a_long_text_takes_the_room_to_its_right() -> None:
    """In a narrow table, as the other columns of its row are empty."""
    one = first(SCENARIOS / "dining_philosophers.yaml")
    rows = told(one, 100)
    assert "1 start philosopher[0] 18" in rows
    assert all(len(line) <= 100 for line in table(one, 100) if "philosopher" not in line[:16])


def test_every_row_of_a_step_has_its_line() -> None:
    """Of the file, also those of local actions."""
    one = first(SCENARIOS / "lost_update.yaml")
    rows = [row for row in told(one)[2:] if "switched" not in row and row != "11 ends"]
    assert all(row.rsplit(" ", 1)[1].isdigit() for row in rows)


def test_an_exception_stands_where_it_is_raised() -> None:
    """Below what led to it, with its own line, also where it passes a `with`; what an operation raises stands beside it."""
    scenario = {
        "scenario": "raised", "sync": {"guard": "lock", "free": "lock"}, "state": {"n": 0},
        "threads": {
            "a": {"do": [{"with": "guard", "do": [{"set": {"n": 1}}, {"if": "n == 1", "then": [{"raise": "ValueError: one"}]}]}]},
        },
        "expect": {"verdict": "exception"},
    }  # fmt: skip
    lines = [line.strip() for line in table_of(scenario)]
    at = {
        word: next(n for n, line in enumerate(lines) if word in line)
        for word in ("if n == 1", "! ValueError", "release guard")
    }
    assert at["if n == 1"] < at["! ValueError"] < at["release guard"]
    (one,) = scenrun.explore({**scenario, "threads": {"a": {"do": [{"release": "free"}]}}}).counterexamples
    assert any("release free" in line and "! RuntimeError" in line for line in table(one))


def table_of(scenario: dict[str, Any]) -> list[str]:
    """The table of the only finding."""
    (one,) = scenrun.explore(scenario).counterexamples
    assert one.sentence.startswith("a ends with ValueError: one (line ")
    raised = next(
        number
        for number, line in enumerate(yaml.safe_dump(scenario, sort_keys=False).splitlines(), 1)
        if "raise:" in line
    )
    assert f"(line {raised})" in one.sentence
    return table(one)
