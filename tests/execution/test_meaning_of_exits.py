"""SystemExit and KeyboardInterrupt: who catches them, and how they end a thread, as in `threading` and in pools."""

from __future__ import annotations

from typing import Any

import pytest

import scenrun
from scenrun.errors import Fault
from scenrun.program.exceptions import is_a

WAYS = [scenrun.run, scenrun.simulate, scenrun.explore]


def scenario(**parts: Any) -> dict[str, Any]:
    return {"scenario": "exits", "state": {"seen": []}, **parts}


def note(what: str) -> dict[str, Any]:
    return {"append": {"to": "seen", "item": f"'{what}'"}}


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt"])
def test_exception_does_not_catch_them(name: str) -> None:
    """Their own name and BaseException do; `finally` is run."""
    assert not is_a(Fault(name, ""), "Exception")
    steps = [
        {"try": [{"try": [{"raise": name}], "except": {"Exception": [note("wrong")]}, "finally": [note("finally")]}],
         "except": {"ValueError": [note("wrong")], name: [note("own")]}},
        {"try": [{"raise": f"{name}: 3"}], "except": {"BaseException": [{"append": {"to": "seen", "item": "error"}}]}},
    ]  # fmt: skip
    one = scenario(threads={"t": {"do": steps}}, expect={"final": ["seen == ['finally', 'own', '3']"]})
    for way in WAYS:
        assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_systemexit_ends_a_thread_without_a_word(way: Any) -> None:
    """Of main, a group, a timer and a spawned thread; what a task raises is its future's."""
    main = [
        {"start": ["t", "later"]}, {"spawn": {"target": "quits", "into": "s"}}, {"join": ["t", "later", "s"]},
        {"submit": {"pool": "p", "target": "quits", "into": "f"}},
        {"try": [{"result": "f"}], "except": {"SystemExit": [note("task")]}}, {"shutdown": "p"}, {"raise": "SystemExit"},
    ]  # fmt: skip
    one = scenario(
        sync={"p": {"pool": {"max_workers": 1}}, "later": {"timer": {"after": "1ms", "target": "quits"}}},
        behaviours={"quits": {"do": [{"raise": "SystemExit"}]}}, threads={"t": {"count": 2, "do": [{"raise": "SystemExit: 1"}]}},
        main=main, expect={"final": ["seen == ['task']"]},
    )  # fmt: skip
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_keyboardinterrupt_that_leaves_a_thread_is_a_finding(way: Any) -> None:
    one = scenario(threads={"t": {"do": [{"raise": "KeyboardInterrupt"}]}}, expect={"final": ["seen == []"]})
    assert way(one).verdict == "exception"
