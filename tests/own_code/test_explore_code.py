"""Searches of small Python programs: what they find, that it can be shown again, and what they do not say."""

from __future__ import annotations

import builtins
import functools
import gc
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import code_misjudged as misjudged
import code_to_search as code
import pytest
import time_outside

import scenrun
from scenrun.errors import UsageError
from scenrun.own_code.running import baton

ROOT = Path(__file__).parents[2]


class Case(NamedTuple):
    """A program, and the kind of finding that it has; None where it has none."""

    setup: Any
    threads: list[Any]
    check: Any
    kind: str | None


CASES = {
    "an update is lost": Case(code.counter, [code.adds, code.adds], code.is_two, "violated"),
    "an update of a private attribute is lost": Case(
        code.counter, [code.adds_in_place] * 2, code.hidden_is_two, "violated"
    ),
    "a lock keeps updates": Case(code.counter, [code.adds_locked, code.adds_locked], code.is_two, None),
    "one forgets the lock": Case(code.counter, [code.adds_locked, code.adds], code.is_two, "violated"),
    "a global": Case(code.resets, [code.adds_to_global] * 2, code.global_is_two, "violated"),
    "a closure": Case(code.closure, [code.calls_add] * 2, code.closure_is_two, "violated"),
    "check, then act": Case(code.a_dict, [code.makes_item] * 2, code.one_item, "violated"),
    "setdefault": Case(code.a_dict, [code.makes_item_at_once] * 2, code.one_item, None),
    "len, then pop": Case(code.a_list, [code.pops_if_any] * 2, code.none_is_empty, "violated"),
    "a list that is cleared while it is read": Case(
        code.a_list, [code.sums, code.clears], code.all_or_nothing, "violated"
    ),
    "getattr and setattr": Case(code.by_name, [code.adds_by_name] * 2, code.value_is_two, "violated"),
    "an attribute by its dictionary": Case(
        code.by_name, [code.adds_in_dict, code.adds_by_name], code.value_is_two, "violated"
    ),
    "next of a counter is one step": Case(code.counting, [code.draws] * 2, code.all_drawn, None),
    "two locks in two orders": Case(code.two_locks, [code.one_then_other, code.other_then_one], None, "deadlock"),
    "two locks in one order": Case(code.two_locks, [code.one_then_other] * 2, None, None),
    "a notify before the wait": Case(code.condition, [code.waits, code.makes_ready], None, "deadlock"),
    "a wait that asks first": Case(code.condition, [code.waits_until_ready, code.makes_ready], None, None),
    "a wait whose time is up": Case(code.condition, [code.waits_in_time, code.makes_ready], code.was_woken, "violated"),
    "set too early": Case(code.events, [code.sets_too_early, code.reads_when_set], code.saw_one, "violated"),
    "set when done": Case(code.events, [code.sets_when_done, code.reads_when_set], code.saw_one, None),
    "a queue and its end": Case(code.pipeline, [code.produces, code.consumes], code.got_one, None),
    "nobody says the end": Case(code.pipeline, [code.consumes], code.got_one, "deadlock"),
    "a simple queue": Case(code.simple_queue, [code.produces, code.consumes], code.got_one, None),
    "a barrier": Case(code.barrier, [code.meets] * 2, code.in_two_phases, None),
    "a barrier with one too few": Case(code.barrier, [code.meets], None, "deadlock"),
    "a semaphore": Case(code.semaphore, [code.goes_in] * 2, code.one_at_a_time, None),
    "child threads": Case(code.nothing_yet, [code.starts_two], code.value_is_two, "violated"),
    "sleeping takes virtual time": Case(code.nothing_yet, [code.sleeps_first] * 2, code.slept, None),
    "items that are read one after another": Case(
        code.two_items, [code.writes_both, code.reads_both], code.a_before_b, "violated"
    ),
    "a get whose time is up": Case(code.pipeline, [code.gets_in_time], code.late, None),
    "a pool that nobody shuts down": Case(misjudged.a_pool, [misjudged.asks_pool], misjudged.answered, None),
    "a clock that setup and check see": Case(
        misjudged.with_clock, [misjudged.looks_at_clock], misjudged.clock_goes_on, None
    ),
    "a clock that another's sleep moves": Case(
        misjudged.with_clock, [misjudged.sleeps_five, misjudged.is_early], misjudged.clock_goes_on, "violated"
    ),
    "locals of threads are new": Case(
        misjudged.locals_of_threads, [misjudged.starts_two_after_another], misjudged.none_marked, None
    ),
    "objects end and can be pickled": Case(
        code.nothing_yet, [misjudged.loses_and_pickles], misjudged.lost_and_pickled, None
    ),
    "older methods of threads": Case(code.nothing_yet, [misjudged.old_names], misjudged.is_named, None),
    "object.__setattr__": Case(misjudged.frozen, ["code_to_search:adds"] * 2, code.value_is_two, "violated"),
    "an exit is no exception": Case(code.nothing_yet, [code.exits, code.does_nothing], None, None),
    "an exception while another joins": Case(code.nothing_yet, [code.starts_one_that_raises], None, "exception"),
    "an exception": Case(code.nothing_yet, [code.raises, code.does_nothing], None, "exception"),
}


NOT_ANNOUNCED = {
    "objects end and can be pickled": ["weakref", "pickle"],
}
"""Of the cases without a finding, those that do what is not announced, and what the result says of them."""


@pytest.mark.parametrize("strategy", ["dpor", "random"])
@pytest.mark.parametrize("name", CASES)
def test_a_search_finds_what_there_is(name: str, strategy: str) -> None:
    """The kind of bug, which the same schedule shows again; `holds` where there is none and all was announced."""
    case = CASES[name]
    found = scenrun.explore_code(
        case.setup, case.threads, case.check, strategy=strategy, schedules=300 if strategy == "random" else 2_000
    )
    if case.kind is None:
        assert not found.findings, str(found)
        assert found.is_closed == (strategy == "dpor")
        assert bool(found.unaccounted) == (name in NOT_ANNOUNCED), str(found)
        is_proved = found.is_closed and not found.unaccounted
        assert found.verdict == ("holds" if is_proved else "incomplete"), str(found)
        assert all(what in str(found) for what in NOT_ANNOUNCED.get(name, ()) if found.is_closed)
    else:
        assert found.verdict == case.kind, str(found)
        (one,) = found.findings
        assert one.is_reproduced
        assert len(one.schedule) <= one.found_with
        assert str(len(one.schedule)) in str(found)


def test_a_pool_is_controlled() -> None:
    """Its threads, its futures and its end are the standard library's own code, under control."""
    found = scenrun.explore_code(
        code.nothing_yet, [code.submits_two], code.value_is_two, strategy="pct", schedules=2_000
    )
    assert found.verdict == "violated"
    assert found.findings[0].is_reproduced


def test_a_story_has_the_lines_of_the_source() -> None:
    """Each step with its thread and the line of the user's own file."""
    (one,) = scenrun.explore_code(code.counter, {"left": code.adds, "right": code.adds}, code.is_two).findings
    lines = {(step.thread, step.source) for step in one.steps}
    assert {("left", "before = self.count"), ("right", "self.count = before + 1")} <= lines
    assert one.message == "the check does not hold: it returned False"
    assert one.switches == 2
    switches = [step.switched.text for step in one.steps if step.switched is not None]
    assert switches == ["`count` is read by left, then written by right", "right has ended"]


def test_the_same_seed_finds_the_same() -> None:
    """Twice, for a strategy that draws."""
    runs = [
        scenrun.explore_code(code.counter, [code.adds, code.adds], code.is_two, strategy="random", seed=5)
        for _ in range(2)
    ]
    assert runs[0].findings == runs[1].findings
    assert runs[0].schedules == runs[1].schedules


def test_nothing_is_left_changed() -> None:
    """Neither the collector, nor built-in names, nor modules; the functions that were given are the plain ones still."""
    before = gc.isenabled(), set(vars(builtins)), set(sys.modules), sys.unraisablehook, sys.getswitchinterval()
    scenrun.explore_code(code.counter, [code.adds, code.adds], code.is_two)
    assert (
        gc.isenabled(),
        set(vars(builtins)),
        set(sys.modules),
        sys.unraisablehook,
        sys.getswitchinterval(),
    ) == before
    assert isinstance(code.counter().lock, type(threading.Lock()))


def memo() -> dict[str, object]:
    """What threads share, made by a function of the test's own module."""
    return {"made": 0}


def makes(shared: dict[str, Any]) -> None:
    """Makes it once, as far as one thread can see."""
    if not shared["made"]:
        shared["made"] += 1


def made_once(shared: dict[str, Any]) -> None:
    """The check; pytest rewrites its `assert` in the module that it has loaded, but not in the one that is searched."""
    assert shared["made"] == 1


def test_functions_of_a_test_module_are_searched() -> None:
    """Where pytest has loaded it in a way of its own."""
    found = scenrun.explore_code(memo, [makes, makes], made_once)
    assert found.findings[0].message == 'the check does not hold: AssertionError at `assert shared["made"] == 1`'


def test_functions_are_found_by_text() -> None:
    """`module:name`, as on a command line."""
    found = scenrun.explore_code("code_to_search:counter", ["code_to_search:adds"] * 2, "code_to_search:is_two")
    assert found.verdict == "violated"


def test_what_spins_is_cut_off() -> None:
    """A loop that nobody ends, and that takes a lock in each turn, is no finding, and no proof."""
    found = scenrun.explore_code(code.two_locks, [code.spins], None, max_steps=50, strategy="random", schedules=3)
    assert found.verdict == "incomplete"
    assert "cut off" in str(found)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (((lambda: 1), [code.adds]), "which has no name in a module"),
        ((code.counter, []), "`threads` is empty"),
        ((code.counter, ["code_to_search:nobody"]), "cannot be found"),
        ((code.counter, ["no_such_module:f"]), "there is no module `no_such_module`"),
        ((code.counter, [7]), "is a function"),
        ((code.counter, code.adds), "is a list of functions"),
        ((code.counter, [functools.partial(code.adds, 1)]), "has no name in a module"),
        ((code.counter, [code.Counter().add]), "has no name in a module"),
    ],
)
def test_a_function_that_cannot_be_found_is_refused(arguments: Any, why: str) -> None:
    """With what to give instead."""
    with pytest.raises(UsageError, match=why):
        scenrun.explore_code(*arguments)


@pytest.mark.parametrize(
    "given",
    [
        {"strategy": "states"},
        {"depth": 2},
        {"bound": 1},
        {"time_limit": "no"},
        {"schedules": 0},
        {"max_steps": 0},
        {"strategy": "pct", "depth": 0},
        {"strategy": "delays", "bound": -1},
    ],
)
def test_options_without_effect_are_refused(given: dict[str, Any]) -> None:
    """As for `explore`."""
    with pytest.raises((UsageError, scenrun.ScenarioError)):
        scenrun.explore_code(code.counter, [code.adds], **given)


def test_the_example_of_the_page_says_what_the_page_says() -> None:
    """The file is the page's, and so is what it prints, but for the seconds."""
    page = (ROOT / "docs" / "own_code.md").read_text(encoding="utf-8")
    example = ROOT / "docs" / "examples" / "search_counters.py"
    program = example.read_text(encoding="utf-8").split('"""', 2)[2].strip()
    assert program in page
    done = subprocess.run(
        [sys.executable, example.name], cwd=example.parent, capture_output=True, text=True, timeout=120, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *sys.path])},
    )  # fmt: skip
    assert re.sub(r"[\d.]+ s;", "", done.stdout) in re.sub(r"[\d.]+ s;", "", page)


def test_what_is_not_controlled_is_no_finding() -> None:
    """It ends the search, with its name."""
    found = scenrun.explore_code(code.nothing_yet, [code.counts_threads], None)
    assert found.verdict == "incomplete"
    assert found.bound == "threading.active_count is not controlled in a search"


def test_a_setup_that_fails_is_refused() -> None:
    """With what it raised."""
    with pytest.raises(UsageError, match="`setup` ends with KeyError: 'nobody'"):
        scenrun.explore_code(code.fails, [code.does_nothing])


def test_a_wait_before_the_first_step_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one after it does."""
    monkeypatch.setattr(baton, "PATIENCE_S", 2.0)
    found = scenrun.explore_code(code.nothing_yet, [misjudged.blocks_at_once])
    assert "a did not come to its next step" in str(found.bound)


def test_a_deep_recursion_is_no_finding() -> None:
    """Hooks have frames of their own."""
    found = scenrun.explore_code(code.nothing_yet, [misjudged.recurses])
    assert found.verdict == "incomplete"
    assert "recursed deeper" in str(found.bound)


@pytest.mark.parametrize("strategy", ["dpor", "preemptions", "random"])
def test_code_that_is_different_each_time_is_said_to_be_so(strategy: str) -> None:
    """It draws; the search ends, and is not closed."""
    found = scenrun.explore_code(
        misjudged.for_draws, [misjudged.draws_and_adds] * 3, None, strategy=strategy, schedules=300
    )
    assert found.verdict == "incomplete"
    assert not found.is_closed
    assert "the code does something else each time" in str(found.bound)


def test_a_module_that_cannot_be_loaded_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it raised."""
    (tmp_path / "broken_module.py").write_text("def setup(): pass\nraise ValueError('no')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="`broken_module` cannot be loaded: ValueError: no"):
        scenrun.explore_code("broken_module:setup", ["broken_module:setup"])


def test_the_check_is_called_once_for_each_schedule() -> None:
    """It may change what it looks at; its message is that of the first time."""
    found = scenrun.explore_code(code.a_list, [misjudged.takes_out], misjudged.drained)
    assert found.findings[0].message == "the check does not hold: AssertionError: [2, 1]"


def test_threads_may_have_any_names() -> None:
    """Those of the setup and the check, too."""
    found = scenrun.explore_code(code.counter, {"setup": code.adds, "check": code.adds}, code.is_two)
    assert found.findings[0].about == "check"
    assert {step.thread for step in found.findings[0].steps} == {"setup", "check"}


def test_a_wait_that_is_not_controlled_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the place at which the thread is, and without a verdict."""
    monkeypatch.setattr(baton, "PATIENCE_S", 2.0)
    found = scenrun.explore_code(code.a_pipe, [code.reads_from_pipe], None)
    assert found.verdict == "incomplete"
    assert not found.is_closed
    assert "a did not come to its next step" in str(found.bound)
    assert "code_to_search.py:" in str(found.bound)
    assert "threads that would not end: a" in str(found)


def test_a_system_without_more_threads_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence, without a verdict."""

    def refuses(function: Any, arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(baton._thread, "start_new_thread", refuses)
    found = scenrun.explore_code(code.counter, [code.adds])
    assert found.verdict == "incomplete"
    assert "a could not be started: can't start new thread" in str(found)


class _Slow:
    """A lock whose release comes back late: whoever was waiting for it has gone on by then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.acquire = self._lock.acquire

    def release(self) -> None:
        self._lock.release()
        time.sleep(0.003)


def test_a_thread_may_start_others_before_the_search_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the thread that was told to go on is faster than the one that told it."""
    monkeypatch.setattr("scenrun.own_code.running.steps.locked", _Slow)
    found = scenrun.explore_code(code.nothing_yet, [code.starts_a_slow_one], code.value_is_two)
    assert found.verdict == "holds", str(found)


def test_time_passes_in_the_setup_and_in_the_check() -> None:
    """What waits there for a time comes to an end, as it does in Python."""
    found = scenrun.explore_code(time_outside.setup, [time_outside.does] * 2, time_outside.check)
    assert found.verdict == "holds", str(found)
