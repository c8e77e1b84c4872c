"""The simulator: virtual time, schedulers, processors, limits, findings; and that its log is the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import scenrun
from scenrun import UsageError, load, simulate
from scenrun.report.results import RunResult

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
DIGESTS = Path(__file__).with_name("simulated_logs.json")
"""Of each scenario the SHA-256 of its simulated debug log; `python tests/execution/test_simulator.py` writes them anew."""
SCHEDULERS: list[dict[str, Any]] = [
    {},
    {"scheduler": "random"},
    {"scheduler": "priorities", "priorities": {"main": 1}},
]
Events = list[dict[str, Any]]


def simulated(scenario: Any, **more: Any) -> tuple[RunResult, Events]:
    """A run in virtual time and its log."""
    events: Events = []
    result = simulate({"scenario": "small", **scenario}, log=events.append, **more)
    return result, events


def times(events: Events, text: str) -> list[float]:
    """When a text was logged."""
    return [event["elapsed_s"] for event in events if event.get("message") == text]


def digest_of(path: Path) -> str:
    """The fingerprint of a scenario's simulated log, without the line that has the version."""
    lines: list[str] = []
    simulate(path, level="debug", log=lambda event: lines.append(json.dumps(event, default=str)))
    return hashlib.sha256("\n".join(lines[1:]).encode()).hexdigest()


# --- the shipped scenarios


@pytest.mark.parametrize("how", SCHEDULERS, ids=lambda how: how.get("scheduler", "round-robin"))
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_has_the_verdict_that_it_expects(path: Path, how: dict[str, Any]) -> None:
    """Under each scheduler and several seeds, save where the pipeline that can hang is made to by chance."""
    for seed in range(3):
        result = simulate(path, seed=seed, **how)
        hangs = path.stem == "queue_pipeline" and how
        assert result.ok or (hangs and result.verdict == "deadlock"), result.findings


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_log_is_the_same_on_every_python(path: Path) -> None:
    """Every line at level debug, to the byte, as it was on the Python on which the digests were made."""
    assert digest_of(path) == json.loads(DIGESTS.read_text(encoding="utf-8"))[path.stem]


def test_the_log_is_the_same_under_every_hash_seed() -> None:
    """Every scenario in processes of their own with two values of PYTHONHASHSEED, at level debug, first line included."""
    found = []
    for hash_seed in ("1", "4242"):
        done = subprocess.run(
            [sys.executable, "-m", "scenrun", "simulate", *map(str, SCENARIOS), "--level", "debug", "--quiet"],
            capture_output=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(hashlib.sha256(done.stdout).hexdigest())
    assert found[0] == found[1]


@pytest.mark.parametrize("how", SCHEDULERS, ids=lambda how: how.get("scheduler", "round-robin"))
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_schedule_that_came_out_can_be_put_in_again(path: Path, how: dict[str, Any], tmp_path: Path) -> None:
    """The log of a replay is that of the run, line by line."""
    loaded = load(path, overrides={"stop": "3ms"} if "queue_pipeline" in path.stem else None)
    first: Events = []
    simulate(loaded, level="debug", log=first.append, save_schedule=tmp_path / "s.json", seed=5, **how)
    again: Events = []
    simulate(loaded, level="debug", log=again.append, schedule=tmp_path / "s.json")
    assert [str(event) for event in again[1:]] == [str(event) for event in first[1:]]


# --- time


def test_sleeping_takes_virtual_time_and_each_step_a_microsecond() -> None:
    """A thread that sleeps a second twice has logged at 0, at 1 s and two steps, and so on."""
    steps = [{"log": "a"}, {"sleep": "1s"}, {"log": "a"}, {"sleep": "1s"}, {"log": "a"}]
    _, events = simulated({"main": steps})
    assert times(events, "a") == [0.0, 1.000002, 2.000004]


def test_costs_of_the_file_are_stronger_than_the_step_cost() -> None:
    """`log` costs what the file says, the other steps what `step_cost` says."""
    scenario = {"costs": {"log": "10us"}, "state": {"v": 0}, "main": [{"log": "a"}, {"set": {"v": 1}}, {"log": "a"}]}
    _, events = simulated(scenario, step_cost="3us")
    assert times(events, "a") == [0.0, 0.000013]


def test_work_of_several_threads_takes_turns_on_one_processor_and_none_on_many() -> None:
    """Four times 20 ms of work end after 80 ms on one processor, after 40 on two, and after 20 on four."""
    scenario = {"threads": {"burner": {"count": 4, "do": [{"work": "20ms"}, {"log": "done"}]}}}
    for cpus, most in ((1, 0.08), (2, 0.04), (4, 0.02)):
        _, events = simulated(scenario, cpus=cpus)
        ended = times(events, "done")
        assert most <= max(ended) < most + 0.001
        assert min(ended) >= max(0.02, most - 0.02), "one after the other would not be in turns"


def test_locals_may_have_any_name_and_leave_the_clock_alone() -> None:
    """Also those by which one might call the time."""
    names = ("t", "until", "now", "me", "site", "since", "result")
    steps: list[Any] = [{"set": {name: f"'{name}'"}} for name in names]
    _, events = simulated({"main": [*steps, {"log": " ".join(f"{{{name}}}" for name in names)}]})
    assert times(events, " ".join(names)) == [0.0]


def test_a_loop_without_sleeps_moves_the_clock() -> None:
    """A poller that only asks comes to the moment at which another thread sets the event."""
    scenario = {
        "threads": {"poller": {"do": [{"while": "not stop.is_set()", "do": []}]}},
        "stop": "10ms",
    }
    result, _ = simulated(scenario)
    assert result.verdict == "holds"
    assert 0.01 <= result.elapsed_s < 0.02


def test_the_timestamp_is_the_virtual_clocks() -> None:
    """It starts in 1970, or where `epoch_ns` says."""
    for epoch_ns, stamp in ((0, "1970-01-01T00:00:01.000000Z"), (86_400_000_000_000, "1970-01-02T00:00:01.000000Z")):
        _, events = simulated({"main": [{"sleep": "1s"}, {"log": "a"}]}, epoch_ns=epoch_ns, step_cost=1e-9)
        assert next(e["timestamp"] for e in events if e["event"] == "message") == stamp


def test_a_timeout_expires_at_its_moment_and_not_if_what_it_waits_for_came_first() -> None:
    """The same wait of 100 ms, with an event that is set after 50 ms or after 150."""
    for after, waited, was_set in (("50ms", 0.05, True), ("150ms", 0.1, False)):
        scenario = {
            "sync": {"e": "event"},
            "state": {"result": None},
            "threads": {
                "waiter": {"do": [{"wait": {"event": "e", "timeout": "100ms", "into": "result"}}, {"log": "on"}]},
                "setter": {"do": [{"sleep": after}, {"set_event": "e"}]},
            },
        }
        result, events = simulated(scenario)
        assert result.state == {"result": was_set}
        assert times(events, "on")[0] == pytest.approx(waited, abs=0.0001)


def test_a_timer_fires_at_its_moment_also_when_processors_are_busy() -> None:
    """It is due after 10 ms and gets the processor when the worker's time slice is over."""
    scenario = {
        "behaviours": {"ring": {"do": [{"log": "ring"}]}},
        "sync": {"alarm": {"timer": {"after": "10ms", "target": "ring"}}},
        "main": [{"start": "alarm"}, {"work": "50ms"}, {"log": "worked"}],
    }
    _, events = simulated(scenario)
    assert 0.01 <= times(events, "ring")[0] <= 0.0151
    assert times(events, "worked")[0] > 0.05


# --- who moves next

ORDER = {
    "threads": {name: {"do": [{"sleep": "1ms"}, {"log": name}, {"log": name}]} for name in ("low", "middle", "high")}
}


def test_priorities_say_who_moves_first() -> None:
    """Of three threads that wake at the same moment the one with the highest priority logs first, and goes on."""
    _, events = simulated(ORDER, scheduler="priorities", priorities={"high": 2, "middle": 1})
    assert [e["message"] for e in events if e["event"] == "message"] == [
        name for name in ("high", "middle", "low") for _ in range(2)
    ]


def test_priorities_decide_who_gets_a_lock() -> None:
    """The lock that is given back goes to the most urgent of those who wait, not to the first."""
    take = [{"with": "guard", "do": [{"log": "{name}"}]}]
    scenario = {
        "sync": {"guard": "lock"},
        "threads": {"early": {"do": take}, "late": {"do": take}},
        "main": [{"acquire": "guard"}, {"start": "early"}, {"start": "late"}, {"sleep": "1ms"}, {"release": "guard"}],
    }
    for how, first in (({}, "early"), ({"scheduler": "priorities", "priorities": {"late": 1}}, "late")):
        _, events = simulated(scenario, **how)
        assert next(e["message"] for e in events if e["event"] == "message") == first


def test_a_random_scheduler_gives_other_orders_with_other_seeds_and_the_same_with_the_same() -> None:
    """Sixty seeds give more than one order of the six lines; one seed gives one."""

    def order(seed: int) -> str:
        _, events = simulated(ORDER, scheduler="random", seed=seed)
        return " ".join(e["message"] for e in events if e["event"] == "message")

    assert len({order(seed) for seed in range(60)}) > 20
    assert order(7) == order(7)


def test_random_schedules_find_the_lost_update_that_round_robin_does_not_show() -> None:
    """A read and a write without a pause: only a switch in between loses the update."""
    scenario = {
        "state": {"value": 0},
        "threads": {"updater": {"count": 2, "do": [{"set": {"value": "value + 1"}}]}},
        "expect": {"final": ["value == 2"]},
    }
    assert simulated(scenario)[0].verdict == "holds"
    verdicts = {simulated(scenario, scheduler="random", seed=seed)[0].verdict for seed in range(50)}
    assert verdicts == {"holds", "violated"}


# --- how it ends


def test_a_deadlock_is_told_at_the_moment_at_which_nobody_can_move() -> None:
    """Two threads take two locks in opposite orders; who holds what each waits for is said."""
    scenario = {
        "sync": {"a": "lock", "b": "lock"},
        "threads": {
            "one": {"do": [{"acquire": "a"}, {"sleep": "1ms"}, {"acquire": "b"}]},
            "two": {"do": [{"acquire": "b"}, {"sleep": "1ms"}, {"acquire": "a"}]},
        },
    }
    result, _ = simulated(scenario)
    assert result.verdict == "deadlock"
    assert result.elapsed_s < 0.002
    stuck = {one.thread: one for one in result.findings[0].threads}
    assert stuck["one"].held_by == ("two",)
    assert stuck["two"].object == "a"
    assert set(stuck) == {"one", "two", "main"}


def test_threads_that_can_never_move_again_are_told_while_another_goes_on_for_ever() -> None:
    """An endless poller does not hide that a thread waits for an item that nobody will put."""
    scenario = {
        "sync": {"q": "queue"},
        "threads": {
            "poller": {"endless": True, "do": [{"while": True, "do": [{"sleep": "1ms"}]}]},
            "getter": {"do": [{"get": {"queue": "q", "into": "_item"}}]},
        },
        "limits": {"time": "3s"},
    }
    result, _ = simulated(scenario)
    assert result.verdict == "deadlock"
    assert "getter" in {one.thread for one in result.findings[0].threads}
    assert "poller" not in {one.thread for one in result.findings[0].threads}


def test_endless_threads_need_not_end() -> None:
    """At the limit of time a run in which only they are left holds; another thread makes it incomplete."""
    forever = [{"while": True, "do": [{"sleep": "10ms"}]}]
    for endless, verdict in ((True, "holds"), (False, "incomplete")):
        scenario = {"threads": {"loop": {"endless": endless, "do": forever}}, "limits": {"time": "1s"}}
        result, _ = simulated(scenario)
        assert result.verdict == verdict
        assert result.elapsed_s == 1.0


def test_a_blocked_daemon_is_no_finding_and_a_live_one_is_cut_off() -> None:
    """The run ends when main does."""
    scenario = {
        "sync": {"q": "queue"},
        "threads": {
            "getter": {"daemon": True, "do": [{"get": {"queue": "q", "into": "_item"}}]},
            "loop": {"daemon": True, "do": [{"while": True, "do": [{"sleep": "1ms"}]}]},
        },
        "main": [{"start": "getter"}, {"start": "loop"}, {"sleep": "10ms"}],
    }
    result, events = simulated(scenario)
    assert result.verdict == "holds"
    assert [e["thread"] for e in events if e["event"] == "thread.cut_off"] == ["getter", "loop"]


def test_a_clock_that_stands_still_is_incomplete_and_the_loop_is_shown() -> None:
    """Steps that cost nothing, for ever: the limit of steps, with the line at which the thread waited or moved last."""
    scenario = {
        "costs": {"sleep": "0us"},
        "threads": {"spinner": {"do": [{"while": True, "do": [{"sleep": "0us"}]}]}},
    }
    result, _ = simulated(scenario)
    assert result.verdict == "incomplete"
    finding = result.findings[0]
    assert finding.details == {"limit": "steps"}
    assert next(one for one in finding.threads if one.thread == "spinner").line is not None


@pytest.mark.parametrize("loop", [{"while": "v == 0 or v > 0", "do": []}, {"while": True, "do": [{"set": {"v": 1}}]}])
def test_a_limit_of_steps_ends_a_loop(loop: dict[str, Any]) -> None:
    """A loop with or without a shared step in it."""
    scenario = {"state": {"v": 0}, "threads": {"spinner": {"do": [loop]}}, "limits": {"steps": 5_000}}
    result, _ = simulated(scenario)
    assert result.verdict == "incomplete"
    assert result.findings[0].details == {"limit": "steps"}
    assert result.elapsed_s < 1


def test_a_loop_inside_atomic_that_does_not_end_is_incomplete() -> None:
    """Nobody else would ever move again."""
    scenario = {"state": {"v": 0}, "main": [{"atomic": [{"while": "v == 0", "do": [{"set": {"v": 0}}]}]}]}
    result, _ = simulated(scenario)
    assert result.verdict == "incomplete"


def test_always_is_checked_at_every_step_with_questions_too() -> None:
    """What real threads cannot check at one moment, a simulation does."""
    scenario = {
        "sync": {"q": "queue"},
        "state": {"v": 0},
        "main": [{"put": {"queue": "q", "item": 1}}, {"set": {"v": 1}}, {"put": {"queue": "q", "item": 1}}],
        "expect": {"always": ["q.qsize() < 2 or v == 0"]},
    }
    result, _ = simulated(scenario)
    assert result.verdict == "violated"
    assert result.expectations[0].found == "violated"
    assert result.findings[0].line is not None


def test_the_figures_are_those_of_a_real_run() -> None:
    """The same words for threads and objects; virtual times."""
    scenario = {
        "sync": {"guard": "lock", "q": {"queue": {"maxsize": 1}}},
        "threads": {
            "holder": {"do": [{"with": "guard", "do": [{"sleep": "10ms"}]}, {"put": {"queue": "q", "item": 1}}]},
            "waiter": {"do": [{"with": "guard", "do": []}, {"get": {"queue": "q", "into": "_item"}}]},
        },
    }
    virtual = simulated(scenario)[0].figures
    real = scenrun.run({"scenario": "small", **scenario}).figures
    assert virtual["objects"]["guard"].keys() == real["objects"]["guard"].keys()
    assert virtual["objects"]["q"].keys() == real["objects"]["q"].keys()
    assert virtual["threads"]["holder"].keys() == real["threads"]["holder"].keys()
    assert virtual["objects"]["guard"]["acquisitions"] == 2
    assert virtual["objects"]["guard"]["contended"] == 1
    assert virtual["objects"]["guard"]["waited"]["total_s"] == pytest.approx(0.01, abs=0.0001)
    assert virtual["threads"]["waiter"]["waited_s"] == pytest.approx(0.01, abs=0.0001)
    assert virtual["threads"]["holder"]["slept_s"] == pytest.approx(0.01, abs=0.0001)


@pytest.mark.parametrize("cpus", [1, 3])
def test_lines_below_the_level_are_counted(cpus: int) -> None:
    """What a log at info leaves out and says so is what a log at debug has more."""
    for path in SCENARIOS:
        overrides = {"stop": "2ms"} if "queue_pipeline" in path.stem else None
        shown: Events = []
        info: Events = []
        simulate(path, level="debug", log=shown.append, overrides=overrides, cpus=cpus)
        result = simulate(path, log=info.append, overrides=overrides, cpus=cpus)
        assert result.figures["not_shown"] == len(shown) - len(info), path.stem


def test_several_processors_keep_the_logs_order() -> None:
    """With three processors the log still goes forward in time, and the verdicts are as expected."""
    for path in SCENARIOS:
        events: Events = []
        result = simulate(path, cpus=3, level="debug", log=events.append)
        assert result.ok or path.stem in ("queue_pipeline", "lost_update"), (path.stem, result.findings)
        moments = [event["elapsed_s"] for event in events]
        assert moments == sorted(moments), path.stem


@pytest.mark.parametrize("way", [simulate, scenrun.run])
def test_draws_do_not_depend_on_the_level(way: Any) -> None:
    """A log text that is not shown draws as one that is."""
    main = [{"log": "{random.randint(1, 100)}"}, {"set": {"v": "random.randint(1, 1000000)"}}]
    scenario = {"scenario": "small", "state": {"v": 0}, "main": main}
    assert way(scenario, level="info").state == way(scenario, level="error").state


# --- what is refused


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"scheduler": "fair"}, "there is no scheduler `fair`"),
        ({"scheduler": "priorities"}, "need each other"),
        ({"priorities": {"a": 1}}, "need each other"),
        ({"scheduler": "random", "switch_interval": "1ms"}, "has no effect"),
        ({"cpus": 2, "save_schedule": "x"}, "one processor"),
        ({"costs": "nowhere.yaml"}, "cannot read the costs"),
        ({"schedule": "nowhere.json"}, "cannot read the schedule"),
    ],
)
def test_settings_without_effect_or_sense_are_refused(more: dict[str, Any], words: str) -> None:
    """Each with a sentence."""
    with pytest.raises(UsageError, match=words):
        simulated({"main": [{"log": "a"}]}, **more)


def test_a_schedule_of_another_program_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    """It would not fit, and says so."""
    file = tmp_path / "s.json"
    simulated({"main": [{"log": "a"}, {"sleep": "1ms"}]}, save_schedule=file)
    with pytest.raises(UsageError, match="of another program"):
        simulated({"main": [{"log": "b"}]}, schedule=file)
    found = json.loads(file.read_text(encoding="utf-8"))
    for turns, words in (
        ([["nobody", 1, 5]], "does not fit"),
        ([["main", -1, 5]], "damaged"),
        (["main"], "is no turn"),
    ):
        file.write_text(json.dumps({**found, "turns": turns}), encoding="utf-8")
        with pytest.raises(UsageError, match=words):
            simulated({"main": [{"log": "a"}, {"sleep": "1ms"}]}, schedule=file)
    file.write_text("[1, 2", encoding="utf-8")
    with pytest.raises(UsageError, match="is no schedule"):
        simulated({"main": [{"log": "a"}, {"sleep": "1ms"}]}, schedule=file)


if __name__ == "__main__":
    DIGESTS.write_text(
        json.dumps({path.stem: digest_of(path) for path in SCENARIOS}, indent=1) + "\n", encoding="utf-8"
    )
