"""Scenarios whose threads call methods of the author's objects: their schedules are searched with those of the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import scenrun
from scenrun import Explored, UsageError
from scenrun.interface.cli.main import run_cli

ROOT = Path(__file__).parents[2]
TWICE = """
scenario: twice
objects: {account: {python: "objects_to_search:Account", args: {balance: 1}}}
state: {total: 0}
threads:
  payer: {count: 2, do: [{call: {function: account.PAY, args: {amount: 2}}}]}
main:
  - start: payer
  - join: payer
  - call: {function: account.total, into: total}
expect: {final: ["total == 5"], outcomes: {observe: [total], allowed: [[3], [5]]}}
"""
MIXED = """
scenario: mixed
objects: {account: {python: "objects_to_search:Account"}}
sync: {gate: lock, ready: event}
state: {total: 0, seen: 0}
threads:
  payer:
    count: 2
    do:
      - with: gate
        do: [{call: {function: account.pay, args: {amount: 1}, into: seen}}]
  reader:
    do:
      - wait: ready
      - call: {function: account.total, into: total}
      - assert: total == 2
main:
  - start: payer
  - start: reader
  - join: payer
  - set_event: ready
  - join: reader
"""


def explored(text: str, **options: Any) -> Explored:
    return scenrun.explore(yaml.safe_load(text), allow_python=True, **options)


def test_an_update_that_is_lost_in_code_is_found() -> None:
    """With its outcomes, and a story with the lines of the source and those of the scenario."""
    found = explored(TWICE.replace("PAY", "pay"))
    assert found.verdict == "violated"
    assert found.closed
    assert sorted(found.outcomes) == [(3,), (5,)]
    (one,) = found.counterexamples
    assert one.sentence == "at the end, total == 5 does not hold (total is 3)"
    texts = [step.text for step in one.story.steps]
    assert any(text.startswith("before = self.balance  (objects_to_search.py:") for text in texts)
    assert "start payer[0]" in texts
    assert {step.step for step in one.story.steps if step.move.op == "call"} == {"threads.payer.do[0]"}


def test_a_lock_in_code_is_proved_to_keep_updates() -> None:
    """Every order is walked."""
    found = explored(TWICE.replace("PAY", "pay_safely"))
    assert found.verdict == "holds", str(found)
    assert found.ok
    assert found.closed
    assert found.outcomes == ((5,),)
    assert "taken to be one step each" in str(found)


def test_steps_of_the_scenario_and_of_code_are_one_order() -> None:
    """A lock of the scenario guards the object; without it an update is lost."""
    assert explored(MIXED).verdict == "holds"
    unlocked = explored(
        MIXED.replace("gate: lock", "gate: {lock: {count: 2}}").replace("with: gate", "with: gate[index]")
    )
    assert unlocked.verdict == "violated"
    assert "total == 2 does not hold" in unlocked.counterexamples[0].sentence


@pytest.mark.parametrize("strategy", [None, "dpor", "random", "pct", "preemptions"])
def test_locks_in_two_orders_are_a_deadlock(strategy: str | None) -> None:
    """The threads and the lines at which they wait are named."""
    text = """
scenario: pair
objects: {pair: {python: "objects_to_search:Pair"}}
threads:
  one: {do: [{call: pair.left_first}]}
  other: {do: [{call: pair.right_first}]}
"""
    found = explored(text, strategy=strategy, schedules=200)
    assert "deadlock" in found.kinds
    one = next(one for one in found.counterexamples if one.about.kind == "deadlock")
    assert one.about.about == "main, one, other"
    assert "one waits to acquire a lock (objects_to_search.py:" in one.sentence


def test_threads_that_code_starts_are_searched() -> None:
    """They are threads of the search, too."""
    text = """
scenario: starter
objects: {starter: {python: "objects_to_search:Starter"}}
state: {count: 0}
main: [{call: {function: starter.start, into: count}}]
expect: {final: ["count == 2"]}
"""
    found = explored(text)
    assert found.verdict == "violated"
    assert {"main.1", "main.2"} <= {step.thread for step in found.counterexamples[0].story.steps}


def test_an_exception_of_a_call_is_one_of_the_thread() -> None:
    """And can be handled by the scenario."""
    text = """
scenario: refused
objects: {account: {python: "objects_to_search:Account"}}
threads:
  asker: {do: [DO]}
"""
    found = explored(text.replace("DO", "{call: account.refuse}"))
    assert found.verdict == "exception"
    assert "PermissionError: no" in found.counterexamples[0].sentence
    handled = "{try: [{call: account.refuse}], except: {PermissionError: [{log: refused}]}}"
    assert explored(text.replace("DO", handled)).verdict == "holds"


def test_what_is_not_announced_keeps_a_scenario_from_holds() -> None:
    """It is named, with its place; what is wrong is found all the same."""
    text = TWICE.replace("account.PAY, args: {amount: 2}", "account.copied")
    found = explored(text.replace("total == 5", "total == 1").replace("[[3], [5]]", "[[1]]"))
    assert found.verdict == "incomplete", str(found)
    assert not found.ok
    assert not found.closed
    assert "copy.copy() (objects_to_search.py:" in str(found)


def test_an_always_is_watched_between_steps_of_code() -> None:
    """It is the model's, and broken by a step of the scenario."""
    text = TWICE.replace("PAY", "pay_safely").replace("expect: {", 'expect: {always: ["total == 0"], ')
    found = explored(text)
    assert found.verdict == "violated"
    assert "total == 0 is to hold always" in found.counterexamples[0].sentence


def test_objects_of_the_standard_library_are_controlled() -> None:
    """A queue as an object is the one of this Python, under control."""
    text = """
scenario: standard
objects: {items: {python: "queue:Queue", args: {maxsize: 1}}}
state: {got: 0}
threads:
  giver: {do: [{repeat: 2, do: [{call: {function: items.put, args: {item: 1}}}]}]}
  taker: {do: [{repeat: TIMES, do: [{call: {function: items.get, into: got}}]}]}
"""
    assert explored(text.replace("TIMES", "2")).verdict == "holds"
    assert explored(text.replace("TIMES", "3")).verdict == "deadlock"


def test_what_cannot_be_had_is_refused() -> None:
    """Options without effect, and what a search of code cannot do."""
    text = TWICE.replace("PAY", "pay")
    for given in ({"strategy": "states"}, {"time": "virtual"}, {"count": True}, {"reduction": "on"}, {"races": True}):
        with pytest.raises(UsageError, match="objects"):
            explored(text, **given)
    with pytest.raises(UsageError, match=r"say how many: --set threads\.payer"):
        explored(text.replace("count: 2", "count: any"))
    with pytest.raises(scenrun.ScenarioError, match="No module named"):
        explored(text.replace("objects_to_search", "no_such_module"))


def test_the_command_tells_the_story(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As for any scenario."""
    monkeypatch.chdir(ROOT / "docs" / "examples")
    given = ["explore", "search_counter.yaml", "--allow-python"]
    assert run_cli([*given, "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["verdict"] == "violated"
    assert "after = follow" in told.err
    assert "--save schedule.json; then scenrun replay schedule.json --allow-python" in told.err
    assert run_cli([*given, "--set", "objects.counter.python=counters:LockedCounter"]) == 0
