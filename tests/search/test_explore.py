"""What a user gets from a search: verdicts, stories, counts, clocks, the command line, and what wrong input gets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import scenrun
from scenrun.errors import UsageError
from scenrun.interface.cli.main import run_cli
from scenrun.search.counterexample.summary import describe
from scenrun.search.counterexample.table import table
from scenrun.search.options import STATELESS
from scenrun.search.record import is_expected
from scenrun.search.result import Explored
from scenrun.search.strategies.registry import STRATEGIES

ROOT = Path(__file__).parents[2]
PIPELINE = str(ROOT / "scenarios/queue_pipeline.yaml")
LOST_UPDATE = str(ROOT / "scenarios/lost_update.yaml")
SPIN = """
scenario: spin
threads:
  spinner: {do: [{while: true, do: [{sleep: 1s}]}]}
"""


def explored(text: str, **options: Any) -> Explored:
    """A scenario written in place, explored."""
    return scenrun.explore(yaml.safe_load(text), **options)


def write(path: Path, text: str) -> str:
    """A file with this text."""
    path.write_text(text)
    return str(path)


# --- verdicts


def test_a_deadlock_of_some_is_found_while_others_go_on_for_ever() -> None:
    """Two threads wait for each other's lock; a third, which need not end, goes round and hides it from nobody."""
    found = explored("""
        scenario: beside
        sync: {a: lock, b: lock, tick: event}
        threads:
          one: {do: [{acquire: a}, {acquire: b}, {release: b}, {release: a}]}
          other: {do: [{acquire: b}, {acquire: a}, {release: a}, {release: b}]}
          clock: {endless: true, do: [{while: true, do: [{set_event: tick}, {clear_event: tick}]}]}
        """)
    assert found.found == {"deadlock": 1}
    assert found.counterexamples[0].about.about == "main, one, other"
    assert "one waits for b, which other holds" in found.counterexamples[0].sentence


def test_waiting_for_the_end_of_an_endless_thread_is_no_deadlock() -> None:
    """Main joins a thread that need not end: nothing is wrong."""
    found = explored("""
        scenario: served
        sync: {q: {queue: {maxsize: 1}}}
        threads:
          server: {endless: true, do: [{while: true, do: [{put: {queue: q, item: 1}}, {get: {queue: q, into: _x}}]}]}
        """)
    assert (found.verdict, found.closed) == ("holds", True)


def test_an_endless_thread_that_is_blocked_for_ever_is_a_finding() -> None:
    """It need not end, but it must be able to go on."""
    found = explored("""
        scenario: starved
        sync: {q: queue}
        threads:
          server: {endless: true, do: [{while: true, do: [{get: {queue: q, into: _x}}]}]}
        """)
    assert found.found == {"deadlock": 1}


def test_a_thread_that_only_sleeps_is_in_a_livelock() -> None:
    """No end can be reached from there, whatever it does."""
    assert explored(SPIN).found == {"livelock": 1}


def test_a_spin_lock_is_no_livelock() -> None:
    """Staying in the loop would be unfair to the thread that holds the lock and could go on."""
    found = explored("""
        scenario: spinning
        sync: {guard: lock}
        threads:
          spinner:
            count: 2
            do:
              - set: {got: false}
              - while: not got
                do: [{acquire: {lock: guard, blocking: false, into: got}}]
              - release: guard
        """)
    assert (found.verdict, found.closed) == ("holds", True)


def test_a_loop_that_a_choice_can_leave_is_no_livelock() -> None:
    """An alternative that comes up again and again is taken some time."""
    found = explored("""
        scenario: tossing
        main:
          - set: {again: true}
          - while: again
            do: [{choose: {from: [true, false], into: again}}]
        """)
    assert (found.verdict, found.closed) == ("holds", True)


@pytest.mark.parametrize("reduction", ["on", "off"])
def test_threads_that_give_way_for_ever_are_in_a_livelock(reduction: str) -> None:
    """Each takes its lock, fails to get the other's, and gives its own back; so does a reduced search say."""
    found = scenrun.explore(ROOT / "scenarios/gallery/ab_ba_polite.yaml", reduction=reduction)
    assert found.found == {"livelock": 1}
    one = found.counterexamples[0]
    assert one.cycle_from is not None
    assert {step.thread for step in one.story.steps[one.cycle_from :]} == {"from_a_to_b", "from_b_to_a"}


def test_a_missing_outcome_is_found_by_a_search_that_closes() -> None:
    """What `required` names and no schedule gives breaks the expectation."""
    found = explored("""
        scenario: missing
        state: {x: 0}
        threads: {t: {do: [{set: {x: 1}}]}}
        expect: {outcomes: {observe: [x], required: [[1], [2]]}, verdict: {run: holds, explore: violated}}
        """)
    assert (found.missing, found.kinds, found.ok) == (((2,),), ("violated",), True)


@pytest.mark.parametrize(
    ("found", "expected", "closed", "is_ok"),
    [
        (set(), ("holds",), True, True),
        (set(), ("holds",), False, False),
        (set(), ("deadlock",), True, False),
        ({"deadlock"}, ("deadlock",), False, True),
        ({"deadlock"}, ("holds", "deadlock"), True, True),
        (set(), ("holds", "deadlock"), True, True),
        ({"deadlock"}, ("deadlock", "violated"), True, False),
        ({"deadlock", "violated"}, ("deadlock", "violated"), True, True),
        ({"deadlock", "violated"}, ("deadlock",), True, False),
    ],
)
def test_it_is_as_expected_when_the_kinds_are(
    found: set[str], expected: tuple[str, ...], closed: bool, is_ok: bool
) -> None:
    """Nothing but what is expected, and all of it; never `holds` where not everything was searched."""
    assert is_expected(found, expected, closed) is is_ok


# --- what is left out of a state


def test_messages_do_not_keep_a_pipeline_from_being_proved() -> None:
    """The tutorial's random messages flow only into the log, and whether they are null is all that matters of them."""
    found = scenrun.explore(ROOT / "scenarios/queue_pipeline_fixed.yaml")
    assert (found.verdict, found.closed) == ("holds", True)
    assert (found.states or 0) < 1_000


def test_what_is_only_logged_makes_no_states_of_its_own() -> None:
    """Two threads put different items that are only logged: there are as many states as if the items were alike."""
    text = """
        scenario: logged
        sync: {q: queue}
        threads:
          one: {do: [{put: {queue: q, item: "'ONE'"}}]}
          two: {do: [{put: {queue: q, item: "'TWO'"}}]}
          reader: {do: [{repeat: 2, do: [{get: {queue: q, into: x}}, {log: "{x}"}]}]}
        """
    different = explored(text)
    assert different.states == explored(text.replace("TWO", "ONE")).states
    decides = text.replace('{log: "{x}"}', '{assert: "x != 3"}')
    assert (explored(decides).states or 0) > (different.states or 0)


def test_a_value_that_decides_is_not_left_out() -> None:
    """The same draw, once it is compared, is a function of seed, thread and number: the other branch is not taken."""
    text = """
        scenario: deciding
        state: {x: 0}
        threads:
          t:
            do:
              - set: {n: "random.randint(1, 100)"}
              - if: n > 50
                then: [{set: {x: 1}}]
              - log: "{n}"
        expect: {outcomes: {observe: [x], allowed: [[0], [1]]}}
        """
    outcomes = {explored(text, seed=seed).outcomes for seed in range(8)}
    assert outcomes == {((0,),), ((1,),)}


# --- clocks

IN_TURN = """
scenario: in_turn
state: {order: []}
threads:
  early: {do: [{sleep: 10ms}, {append: {to: order, item: 1}}]}
  late: {do: [{sleep: 20ms}, {append: {to: order, item: 2}}]}
expect: {outcomes: {observe: ["order[0]"], allowed: [[1], [2]]}}
"""


def test_where_time_is_free_a_longer_sleep_may_end_first() -> None:
    """A slow machine can do that."""
    assert set(explored(IN_TURN).outcomes) == {(1,), (2,)}


def test_virtual_time_wakes_threads_in_the_clocks_order() -> None:
    """Steps take no time: who is due earlier has gone on before a later one wakes up."""
    found = explored(IN_TURN, time="virtual")
    assert (found.outcomes, found.time_mode) == (((1,),), "virtual")


def test_time_passes_while_a_thread_is_in_a_loop() -> None:
    """A thread that looks again and again keeps nobody from being due, so main's stop comes."""
    found = explored("""
        scenario: polling
        threads:
          poller: {do: [{while: not stop.is_set(), do: [{log: "not yet"}]}]}
        stop: 100ms
        """, time="virtual")  # fmt: skip
    assert (found.verdict, found.closed) == ("holds", True)


def test_virtual_time_keeps_a_time_out_from_firing_too_early() -> None:
    """The event is set at 10 ms, and who waits at most 50 ms for it gets it; where time is free it need not."""
    text = """
        scenario: patient
        sync: {ready: event}
        state: {got: null}
        threads:
          waiter: {do: [{wait: {event: ready, timeout: 50ms, into: got}}]}
          setter: {do: [{sleep: 10ms}, {set_event: ready}]}
        expect: {outcomes: {observe: [got], allowed: [[true], [false]]}}
        """
    assert set(explored(text).outcomes) == {(True,), (False,)}
    assert set(explored(text, time="virtual").outcomes) == {(True,)}
    late = text.replace("sleep: 10ms", "sleep: 90ms")
    assert set(explored(late, time="virtual").outcomes) == {(False,)}


def test_a_counterexample_in_virtual_time_is_replayed(tmp_path: Path) -> None:
    """Its steps are told without the clock's own, and the simulator makes them."""
    found = scenrun.explore(PIPELINE, time="virtual")
    path = tmp_path / "schedule.json"
    found.schedule_of(found.counterexamples[0]).save(path)
    assert scenrun.replay(path).notes["shown"]


# --- stories


def test_the_table_tells_the_lost_update() -> None:
    """A column a thread, what each step saw or wrote, its line, and the fewest switches that there can be."""
    one = scenrun.explore(LOST_UPDATE).counterexamples[0]
    lines = table(one)
    assert lines[0].split() == ["step", "main", "updater[0]", "updater[1]", "line"]
    told = [line.split("  ") for line in lines[6:15]]
    assert [[part.strip() for part in parts if part.strip()] for parts in told] == [
        ["switched: main waits for updater[0] to end"],
        ["3", "value is 0", "20"],
        ["mine = 1", "21"],
        ["switched: `value` is read by updater[0], then written by updater[1]"],
        ["4", "value is 0", "20"],
        ["mine = 1", "21"],
        ["5", "value = 1", "23"],
        ["log: finishing update", "24"],
        ["6", "ends", "26"],
    ]
    assert one.switches == 4
    assert one.sentence == "at the end, value == 2 does not hold (value is 1)"


@pytest.mark.parametrize("strategy", [s for s in STATELESS if s != "dpor"])
def test_a_counterexample_is_shortened_whatever_found_it(strategy: str) -> None:
    """With the fewest switches and steps, and about the same finding."""
    found = scenrun.explore(LOST_UPDATE, strategy=strategy, schedules=500)
    assert [(len(one.story.steps), one.switches) for one in found.counterexamples] == [(11, 4)]
    assert found.counterexamples[0].about.about == "value == 2"
    assert not found.closed or strategy in ("preemptions", "delays")


def test_shortening_a_long_schedule_keeps_its_finding() -> None:
    """A deadlock that random schedules find late in a larger scenario, cut down to what it needs."""
    path = ROOT / "scenarios/gallery/notify_wakes_the_wrong_one.yaml"
    whole = scenrun.explore(path, strategy="random", schedules=300, shorten=False).counterexamples[0]
    short = scenrun.explore(path, strategy="random", schedules=300).counterexamples[0]
    assert short.about == whole.about
    assert short.switches <= whole.switches
    assert short.found_with == len(whole.story.steps)


# --- counts


def test_every_schedule_of_a_small_scenario_is_counted() -> None:
    """Two threads that take one step each besides their ends: the numbers can be had by hand."""
    found = explored(
        """
        scenario: two
        state: {x: 0}
        main:
          - start: a
          - set: {x: 2}
          - join: a
        threads: {a: {do: [{set: {x: 1}}]}}
        expect: {final: ["x == 2"], verdict: {run: [holds, violated], simulate: [holds, violated], explore: violated}}
        """,
        count=True,
    )
    assert found.counted is not None
    # main: start, write, join, end; a: write, end: a's two steps go anywhere after the start and before the join
    assert (found.counted.schedules, found.counted.bad) == (3, 1)
    assert found.counted.bad_probability == pytest.approx(0.5)
    assert found.counted.least_preemptions == 0


def test_schedules_without_end_are_not_counted() -> None:
    """A loop has no number of schedules."""
    with pytest.raises(UsageError, match="need not end"):
        explored(SPIN, count=True)


# --- the command line


def test_the_pipelines_deadlock_is_shown_in_a_moment(capsys: pytest.CaptureFixture[str]) -> None:
    """The tutorial's own pipeline can hang; status 0, as its file says so, and nothing on stdout."""
    assert run_cli(["explore", PIPELINE]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "ok: deadlock, as expected" in err
    assert "consumer waits for an item of pipeline that nobody will put" in err


def test_json_has_the_whole_result(capsys: pytest.CaptureFixture[str]) -> None:
    """One object with the keys that the docs promise."""
    assert run_cli(["explore", LOST_UPDATE, "--json", "--count", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "violated"
    assert (found["states"], found["transitions"], found["schedules"], found["bad_schedules"]) == (40, 58, 69, 30)
    assert (found["time_mode"], found["strategy"], found["closed"]) == ("free", "states", True)
    assert found["findings"][0]["steps"][2] == {
        "number": 3, "thread": "updater[0]", "text": "value is 0", "object": "value", "line": 20,
        "step": "behaviours.update.do[1]", "op": "variable.read", "value": 0,
        "own": [
            {"thread": "updater[0]", "kind": "local", "text": "mine", "line": 20, "value": 0},
            {"thread": "updater[0]", "kind": "local", "text": "mine", "line": 21, "value": 1},
        ],
        "switched": {"reason": "blocked", "text": "main waits for updater[0] to end"},
    }  # fmt: skip
    assert {"bad_probability", "least_preemptions", "outcomes", "schedules_to_first"} <= found.keys()


def test_a_long_search_says_how_fast_it_was_and_what_it_stored() -> None:
    """A short one does not: its rate means nothing."""
    found = scenrun.explore(LOST_UPDATE)
    assert "states/s" not in describe(found, {})
    long = describe(replace(found, seconds=3.0, states_s=2.0, states=1_000_000, memory_bytes=100 << 20), {})
    assert "500,000 states/s, 100 MB" in long


def test_a_schedule_is_saved_and_shown_on_real_threads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `explore --save` writes, `replay --on threads` makes happen."""
    path = tmp_path / "schedule.json"
    assert run_cli(["explore", PIPELINE, "--save", str(path), "-q"]) == 0
    assert run_cli(["replay", str(path), "--on", "threads", "--log", os.devnull]) == 0
    assert "deadlock" in capsys.readouterr().err


def test_a_schedule_that_cannot_be_saved_loses_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    """What was found is told first; status 4, as the output failed."""
    assert run_cli(["explore", LOST_UPDATE, "--save", "/nonexistent/schedule.json"]) == 4
    err = capsys.readouterr().err
    assert "value == 2 does not hold" in err
    assert "cannot write the schedule" in err


def test_the_hint_to_keep_a_schedule_has_all_options_that_matter(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever copies it finds the same again."""
    assert run_cli(["explore", LOST_UPDATE, "--set", "seed=3", "--time", "virtual", "--seed", "4"]) == 0
    assert f"scenrun explore {LOST_UPDATE} --set seed=3 --seed 4 --time virtual --save" in capsys.readouterr().err


def test_a_permit_used_as_a_signal_is_held_by_nobody() -> None:
    """A semaphore that begins with none is no lock: who waits for it waits for a release."""
    found = scenrun.explore(ROOT / "scenarios/gallery/santa_pushed.yaml")
    santa = next(one for one in found.counterexamples[0].story.waiting if one.thread == "santa")
    assert (santa.object, santa.held_by) == ("wake_santa", ())


def test_a_limit_makes_it_incomplete_and_never_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """One state is not enough to say anything."""
    path = str(ROOT / "scenarios/locked_update.yaml")
    assert run_cli(["explore", path, "--max-states", "1", "--strategy", "states"]) == 3
    assert "incomplete (1 state)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--strategy", "random", "--max-states", "5"], "--max-states is for the search of states"),
        (["--strategy", "states", "--schedules", "5"], "--schedules is for strategies that walk schedules"),
        (["--strategy", "random", "--depth", "5"], "--depth is PCT's"),
        (["--strategy", "pct", "--bound", "5"], "--bound is for --strategy preemptions and delays"),
        (["--strategy", "pct", "--time", "virtual"], "--time virtual is for the search of states"),
        (["--time", "virtual", "--reduction", "on"], "--reduction has no effect with --time virtual"),
        (["--reduction", "off", "--symmetry"], "--symmetry has no effect without reduction"),
        (["--memory", "much"], "--memory much: written as 500MB or 2GB"),
        (["--time-limit", "0s"], "longer than nothing"),
        (["--save", LOST_UPDATE], "would replace the scenario"),
        (["--count", "--reduction", "on"], "--reduction off"),
    ],
)
def test_options_without_effect_are_refused(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With a sentence that says why, and status 2."""
    assert run_cli(["explore", LOST_UPDATE, *options]) == 2
    assert words in capsys.readouterr().err


def test_sigint_ends_a_search_with_what_it_has(tmp_path: Path) -> None:
    """Status 130, the states seen so far, and no traceback."""
    (tmp_path / "searched.py").write_text("def begun():\n    open('begun', 'w').close()\n")
    growing = write(tmp_path / "growing.yaml", """
scenario: growing
state: {n: 0}
threads:
  t: {count: 3, do: [{call: "searched:begun"}, {while: true, do: [{set: {n: n + 1}}]}]}
""")  # fmt: skip
    command = [sys.executable, "-m", "scenrun", "explore", growing, "--max-states", "100000000", "--allow-python"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "incomplete (SIGINT)" in err
    assert "Traceback" not in err


def test_calls_are_one_step_and_a_warning_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The user's own function is called in a search, if that is allowed."""
    path = write(tmp_path / "calling.yaml", """
scenario: calling
state: {n: 0}
threads:
  t: {do: [{call: {function: "operator:index", args: {}, into: n}}]}
expect: {verdict: exception}
""")  # fmt: skip
    assert run_cli(["explore", path, "--allow-python"]) == 0
    assert "taken as one atomic step each" in capsys.readouterr().err
    assert run_cli(["explore", path]) == 2


def test_the_strategies_of_the_command_line_are_those_that_there_are() -> None:
    """Their names are written down where importing them costs nothing."""
    assert set(STATELESS) == set(STRATEGIES)
