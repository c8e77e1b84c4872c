"""Every shipped scenario, run as a reader would run it, ends as its file says and shows its lesson."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FILES = sorted(SCENARIOS.glob("*.yaml"))
NAMES = [path.stem for path in FILES]
MODELINE = "# yaml-language-server: $schema=../schemas/scenario.schema.json"
QUICK = [name for name in NAMES if not name.startswith("queue_pipeline")]
"""Those whose every operation can be read; a queue at full speed has tens of thousands."""
Events = list[dict[str, Any]]


def scenrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a process of its own."""
    command = [sys.executable, "-m", "scenrun", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@cache
def process(name: str) -> subprocess.CompletedProcess[str]:
    """One run of a shipped scenario, with every operation shown where they are few.

    In `lost_update` the second thread has to begin within 100 ms; where the machine stood still for longer, it is run again.
    """
    done = [_run(name)]
    while name == "lost_update" and done[-1].returncode and len(done) < 4:
        done.append(_run(name))
    return done[-1]


def _run(name: str) -> subprocess.CompletedProcess[str]:
    return scenrun(str(SCENARIOS / f"{name}.yaml"), "--level", "debug" if name in QUICK else "info")


@cache
def log(name: str) -> Events:
    """The lines of that run."""
    return [json.loads(line) for line in process(name).stdout.splitlines()]


@cache
def validators() -> dict[str, Draft202012Validator]:
    """A validator for each event by its name: the schema's alternatives differ by it, so one of them can match."""
    schema = json.loads(scenrun("schema", "event").stdout)
    Draft202012Validator.check_schema(schema)
    found = {one["properties"]["event"]["const"]: Draft202012Validator(one) for one in schema["oneOf"]}
    assert len(found) == len(schema["oneOf"])
    return {**found, "": Draft202012Validator(schema)}


def messages(events: Events, group: str) -> list[str]:
    """What the threads of a group have logged, in the order of the log."""
    return [e["message"] for e in events if e["event"] == "message" and e["group"] == group]


def items(events: Events, group: str, verb: str) -> list[int]:
    """The numbers that stand after a verb in a group's messages: `consumed 7 (size 1)` tells of 7."""
    found = (re.match(rf"{verb} (\d+)", text) for text in messages(events, group))
    return [int(match[1]) for match in found if match]


def told(events: Events, event: str, **fields: Any) -> list[int]:
    """The `seq` of each line of this kind that has these fields."""
    return [e["seq"] for e in events if e["event"] == event and fields.items() <= e.items()]


def finding(events: Events) -> dict[str, Any]:
    """The only finding of a run."""
    (found,) = (e for e in events if e["event"] == "finding")
    return found


def stuck(events: Events) -> dict[str, dict[str, Any]]:
    """Who can never move again, by name."""
    found = finding(events)
    assert found["kind"] == "deadlock"
    return {thread["thread"]: thread for thread in found["threads"]}


def line_of(name: str, text: str) -> int:
    """The only line of a scenario's file, apart from comments, that has this text."""
    lines = (SCENARIOS / f"{name}.yaml").read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if text in line and not line.startswith("#"))
    return number


# --- all of them


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_ends_as_its_file_says(name: str) -> None:
    """The exit status is 0, and so says the last line."""
    assert process(name).returncode == 0, process(name).stderr
    last = log(name)[-1]
    assert last["event"] == "run.finished"
    assert last["ok"] is True
    assert last["verdict"] in last["expected"]
    assert "not_ended" not in last


@pytest.mark.parametrize("name", NAMES)
def test_the_log_of_a_shipped_scenario_is_whole(name: str) -> None:
    """It begins with `run.started`, ends with one `run.finished`, and no line between them is missing."""
    events = log(name)
    assert events[0]["event"] == "run.started"
    assert events[0]["scenario"] == name
    assert [e["seq"] for e in events] == list(range(len(events)))
    assert len({e["run"] for e in events}) == 1
    assert len(told(events, "run.finished")) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_shipped_scenario_is_as_the_schema_says(name: str) -> None:
    """Each line against the part of the schema for its event, and one line of each kind against the whole schema."""
    seen = set()
    for event in log(name):
        kind = event["event"]
        assert kind in validators()
        problem = next(validators()[kind].iter_errors(event), None)
        assert problem is None, f"{problem.json_path}: {problem.message} in {event}"
        if kind not in seen:
            seen.add(kind)
            assert validators()[""].is_valid(event), event


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_count_every_message_of_the_log(name: str) -> None:
    """However many lines were still waiting to be written when the run ended."""
    events = log(name)
    written = Counter(e.get("worker", e["thread"]) for e in events if e["event"] == "message")
    figures = events[-1]["figures"]
    assert figures["messages"] == written.total()
    assert {thread: told["messages"] for thread, told in figures["threads"].items() if told["messages"]} == written


@pytest.mark.parametrize("name", ["daemon_thread", "dining_philosophers", "locked_update", "self_deadlock"])
def test_what_is_not_shown_is_what_debug_adds(name: str) -> None:
    """The summary tells a reader how much there is to see, of threads that are stuck or cut off too."""
    run = scenrun(str(SCENARIOS / f"{name}.yaml"))
    lines = run.stdout.splitlines()
    hidden = len(log(name)) - len(lines)
    assert json.loads(lines[-1])["figures"]["not_shown"] == hidden
    assert f"{hidden} lines below `info` were not shown" in run.stderr


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_shipped_scenario_teaches(path: Path) -> None:
    """Its file begins with the modeline and a comment that says what to expect, and is named for its scenario."""
    lines = path.read_text().splitlines()
    assert lines[0] == MODELINE
    comment = lines[1 : lines.index(f"scenario: {path.stem}")]
    assert all(line.startswith("#") for line in comment)
    assert any(line.startswith("# Expect: ") for line in comment)
    assert any(line.startswith("description: ") for line in lines)
    assert any(line.startswith("  verdict: ") for line in lines)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_scenario_that_another_one_points_to_exists(path: Path) -> None:
    """Whoever follows a comment to another file finds it."""
    for other in re.findall(r"\w+\.yaml", path.read_text()):
        assert (SCENARIOS / other).is_file(), other


def test_the_list_names_every_shipped_scenario_with_its_verdict() -> None:
    """`scenrun list` has a line for each file, those of the gallery too, and none besides."""
    listed = {line.split()[0]: line for line in scenrun("list").stdout.splitlines()}
    assert sorted(listed) == sorted([*NAMES, *(f"gallery/{path.stem}" for path in SCENARIOS.glob("gallery/*.yaml"))])
    assert all(" or ".join(log(name)[-1]["expected"]) in listed[name] for name in NAMES)


# --- threads


def test_main_outlives_the_thread_that_it_joins() -> None:
    """start_a_thread: the worker says both its lines, and only then main ends."""
    events = log("start_a_thread")
    assert messages(events, "worker") == ["starting", "finished"]
    assert told(events, "message", message="finished") < told(events, "thread.ended", thread="main")


def test_a_thread_that_nobody_joins_outlives_main() -> None:
    """start_a_thread with `join: false`: main ends first, and the run waits for the worker all the same."""
    run = scenrun(str(SCENARIOS / "start_a_thread.yaml"), "--set", "threads.worker.join=false")
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0
    assert told(events, "thread.ended", thread="main") < told(events, "message", message="finished")


def test_a_daemon_is_cut_off_when_everyone_else_has_ended() -> None:
    """daemon_thread: the daemon never says that it has finished, and the log says why."""
    events = log("daemon_thread")
    assert messages(events, "background") == ["starting"]
    assert messages(events, "worker") == ["starting", "finished"]
    assert told(events, "thread.ended", thread="main") < told(events, "thread.cut_off", thread="background")


def test_a_daemon_that_is_joined_is_not_cut_off() -> None:
    """join_a_thread: main goes on when both have ended, the daemon too."""
    events = log("join_a_thread")
    assert told(events, "thread.cut_off") == []
    (everyone,) = told(events, "message", message="everyone has ended")
    assert all(seq < everyone for seq in told(events, "message", message="finished"))
    assert len(told(events, "message", message="finished")) == 2


def test_many_threads_are_started_and_joined_in_their_order() -> None:
    """many_threads: main's own steps go by number, whoever finishes first."""
    events = log("many_threads")
    crew = ["crew[0]", "crew[1]", "crew[2]"]
    for step in ("thread.starting", "thread.joining", "thread.joined"):
        assert [e["object"] for e in events if e["event"] == step] == crew
    assert Counter(messages(events, "crew")) == {"starting": 3, "finished": 3}


def test_a_pool_gives_the_results_of_a_map_in_the_order_of_its_items() -> None:
    """thread_pool: seven tasks, never more than three at once, and the results in order."""
    events = log("thread_pool")
    powers = ["squares: [0, 1, 4, 9]", "power: 8", "power: 16", "power: 32"]
    assert messages(events, "main") == [*powers, "the pool is closed"]
    tasks = [e["event"] for e in events if e.get("group") == "raise_to" and e["event"].startswith("thread.")]
    running = [tasks[:n].count("thread.started") - tasks[:n].count("thread.ended") for n in range(len(tasks) + 1)]
    assert tasks.count("thread.ended") == 7
    assert max(running) <= 3
    assert running[-1] == 0


def test_the_console_shows_the_whole_names_of_tasks() -> None:
    """thread_pool, for eyes: a task's number is what tells it from the others."""
    shown = scenrun(str(SCENARIOS / "thread_pool.yaml"), "--format", "console").stdout
    assert all(re.search(rf" crew#{number} +computing ", shown) for number in range(7))


def test_a_cancelled_timer_never_rings() -> None:
    """timer: only the egg is ready, and nobody waits an hour for the roast."""
    events = log("timer")
    assert [e["message"] for e in events if e["event"] == "message" and e["thread"] != "main"] == ["the egg is ready"]
    assert told(events, "thread.started", thread="roast") == []
    assert len(told(events, "timer.cancelled", object="roast")) == 1


# --- shared variables and locks


def test_without_a_lock_one_of_two_updates_is_lost() -> None:
    """lost_update: both threads read 0 before either writes, both write 1, and 1 it is."""
    events = log("lost_update")
    shared = [(e["event"], e["value"]) for e in events if e["event"].startswith("variable.")]
    assert shared == [("variable.read", 0)] * 2 + [("variable.written", 1)] * 2
    assert events[-1]["state"] == {"value": 1}
    assert finding(events)["kind"] == "violated"
    assert finding(events)["line"] == line_of("lost_update", "final:")


def test_with_a_lock_both_updates_count() -> None:
    """locked_update: each thread reads and writes between getting the lock and giving it back."""
    events = log("locked_update")
    assert events[-1]["state"] == {"value": 2}
    kept = ("lock.acquired", "variable.read", "variable.written", "lock.releasing")
    steps = [(e["event"], e["thread"], e.get("value")) for e in events if e["event"] in kept]
    first, second = steps[0][1], steps[4][1]
    assert {first, second} == {"clerk[0]", "clerk[1]"}
    assert steps == [
        *zip(kept, [first] * 4, [None, 0, 1, None], strict=True),
        *zip(kept, [second] * 4, [None, 1, 2, None], strict=True),
    ]


def test_an_rlock_lets_its_owner_in_again() -> None:
    """reentrant_lock: acquired twice before it is released once, and released as often as acquired."""
    events = log("reentrant_lock")
    steps = [e["event"] for e in events if e["event"] in ("lock.acquired", "lock.released")]
    assert steps[:2] == ["lock.acquired", "lock.acquired"]
    assert Counter(steps) == {"lock.acquired": 3, "lock.released": 3}
    assert events[-1]["state"] == {"balance": 200}


def test_a_plain_lock_in_its_place_makes_the_thread_wait_for_itself() -> None:
    """reentrant_lock with `lock` instead of `rlock` deadlocks, as its comment says; the file expects otherwise."""
    run = scenrun(str(SCENARIOS / "reentrant_lock.yaml"), "--set", "sync.guard=lock")
    assert run.returncode == 1
    assert json.loads(run.stdout.splitlines()[-1])["verdict"] == "deadlock"


def test_a_self_deadlock_names_the_thread_the_lock_its_holder_and_the_line() -> None:
    """self_deadlock: everything that is needed to understand it stands in the finding, and on stderr."""
    waits = stuck(log("self_deadlock"))
    assert set(waits) == {"main", "clerk"}
    assert waits["clerk"].items() >= {"operation": "lock.acquire", "object": "guard", "held_by": ["clerk"]}.items()
    assert waits["clerk"]["line"] == line_of("self_deadlock", "set: {balance") - 2
    assert waits["main"].items() >= {"operation": "thread.join", "object": "clerk"}.items()
    said = process("self_deadlock").stderr
    assert re.search(rf"clerk: .*guard.* held by clerk.*line {waits['clerk']['line']}\b", said)


def test_an_expectation_that_a_deadlock_keeps_from_being_looked_at_is_not_reached() -> None:
    """self_deadlock: nothing is said of a final state that never came."""
    (checked,) = log("self_deadlock")[-1]["expectations"]
    assert checked["found"] == "not_reached"


# --- events, semaphores, barriers, conditions


def test_an_event_is_seen_by_who_asks_and_by_who_waits() -> None:
    """polled_event: neither goes on before main has set it."""
    events = log("polled_event")
    (is_set,) = told(events, "event.setting", object="ready")
    seen = told(events, "message", message="the event is set")
    assert len(seen) == 2
    assert min(seen) > is_set
    assert max(told(events, "message", message="not yet")) < max(seen)


def test_a_semaphore_lets_in_no_more_than_it_has_permits() -> None:
    """semaphore_pool: all eight are served, and at most three are inside at any place of the log."""
    events = log("semaphore_pool")
    inside = most = 0
    for event in events:
        inside += {"section.entered": 1, "section.left": -1}.get(event["event"], 0)
        most = max(most, inside)
    assert 1 <= most <= 3
    assert inside == 0
    assert events[-1]["state"] == {"served": 8}
    assert [e["found"] for e in events[-1]["expectations"]] == ["holds", "holds"]


def test_no_phase_begins_before_everyone_has_done_the_one_before() -> None:
    """barrier_phases: three by three, whoever is quickest."""
    texts = [text for text in messages(log("barrier_phases"), "solver") if text.startswith("has done")]
    assert texts == [f"has done phase {phase}" for phase in (1, 1, 1, 2, 2, 2, 3, 3, 3)]
    assert sorted(t for t in messages(log("barrier_phases"), "solver") if t.endswith("is over")) == [
        "phase 1 is over", "phase 2 is over", "phase 3 is over",
    ]  # fmt: skip


def test_a_bounded_buffer_keeps_its_bound_and_loses_nothing() -> None:
    """condition_buffer: items come out in the order in which they went in, and never are more than three inside."""
    events = log("condition_buffer")
    put, took = items(events, "producer", "put"), items(events, "consumer", "took")
    assert put == took
    assert sorted(took) == list(range(6))
    balance = most = 0
    for event in events:
        if event["event"] == "message":
            balance += 1 if event["message"].startswith("put") else -1
            assert balance >= 0
            most = max(most, balance)
    assert most <= 3


# --- pipelines


def test_two_locks_hand_over_every_message_once_and_in_order() -> None:
    """two_lock_pipeline: what was sent is what was received, and the sentinel is the last."""
    events = log("two_lock_pipeline")
    sent = items(events, "sender", "sending")
    assert len(sent) == 10
    assert items(events, "receiver", "received") == sent
    assert events[-1]["state"] == {"slot": None}


def test_a_queue_hands_over_in_order() -> None:
    """queue_pipeline: what was consumed is what was produced, but for items that were left in the queue."""
    events = log("queue_pipeline")
    produced, consumed = items(events, "producer", "produced"), items(events, "consumer", "consumed")
    assert consumed
    assert consumed == produced[: len(consumed)]
    left = events[-1]["figures"]["objects"]["pipeline"]["size"]
    assert len(produced) - len(consumed) == left


def until_deadlock(name: str, *options: str) -> Events:
    """The lines of runs that are repeated until one hangs."""
    path = str(SCENARIOS / f"{name}.yaml")
    run = scenrun(path, "--until", "deadlock", "--repeat", "50", "--level", "error", *options)
    assert run.returncode == 0, run.stderr
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert events[-1]["event"] == "tally.finished"
    assert events[-1]["verdicts"]["deadlock"] == 1
    return events


def test_a_consumer_hangs_when_the_producer_is_slow() -> None:
    """queue_pipeline with a pause after each item, as its comment says: the consumer waits for an item too many."""
    waits = stuck(until_deadlock("queue_pipeline", "--set", "threads.producer.args.every=1ms"))
    assert set(waits) == {"main", "consumer"}
    assert waits["consumer"].items() >= {"operation": "queue.get", "object": "pipeline"}.items()


def test_two_consumers_that_look_before_they_take_hang_sooner_or_later() -> None:
    """queue_pipeline_two_consumers: `--until deadlock` finds a run that hangs, and says which consumers wait."""
    waits = stuck(until_deadlock("queue_pipeline_two_consumers"))
    consumers = [name for name in waits if name.startswith("consumer[")]
    assert consumers
    assert all(waits[name].items() >= {"operation": "queue.get", "object": "pipeline"}.items() for name in consumers)
    assert set(waits) - set(consumers) == {"main"}


def test_sentinels_end_the_stream_without_leaving_anything() -> None:
    """queue_pipeline_fixed: every item is consumed once, both consumers leave, and the queue is empty."""
    events = log("queue_pipeline_fixed")
    assert events[-1]["verdict"] == "holds"
    produced, consumed = items(events, "producer", "produced"), items(events, "consumer", "consumed")
    assert consumed
    assert Counter(consumed) == Counter(produced)
    assert messages(events, "consumer").count("consumer is done") == 2
    queue = events[-1]["figures"]["objects"]["pipeline"]
    assert queue["puts"] == queue["gets"] == len(produced) + 2


# --- deadlocks among several


def test_tasks_that_wait_for_tasks_of_their_own_pool_are_stuck() -> None:
    """pool_waits_for_itself: both chapters wait for a page, and both pages for a worker."""
    waits = stuck(log("pool_waits_for_itself"))
    assert set(waits) == {"main", "press#0", "press#1", "press#2", "press#3"}
    chapters = [waits["press#0"], waits["press#1"]]
    assert all(chapter["operation"] == "future.result" for chapter in chapters)
    assert {chapter["object"] for chapter in chapters} == {"press#2", "press#3"}
    assert [waits[page]["object"] for page in ("press#2", "press#3")] == ["press", "press"]


def test_one_more_worker_lets_the_pool_finish() -> None:
    """pool_waits_for_itself with three workers holds, as its comment says; the file expects otherwise."""
    run = scenrun(str(SCENARIOS / "pool_waits_for_itself.yaml"), "--set", "sync.press.pool.max_workers=3")
    assert run.returncode == 1
    assert json.loads(run.stdout.splitlines()[-1])["verdict"] == "holds"


def test_five_philosophers_wait_in_a_circle() -> None:
    """dining_philosophers: each waits for the fork that the next one holds, and nobody eats."""
    events = log("dining_philosophers")
    waits = stuck(events)
    for seat in range(5):
        wait, right = waits[f"philosopher[{seat}]"], (seat + 1) % 5
        assert wait["object"] == f"forks[{right}]"
        assert wait["held_by"] == [f"philosopher[{right}]"]
        assert wait["line"] == line_of("dining_philosophers", 'acquire: "forks[(index + 1) % 5]"')
    assert "eats" not in messages(events, "philosopher")


def test_philosophers_who_take_the_lower_fork_first_all_eat() -> None:
    """dining_philosophers_ordered: five meals, and nobody takes a fork below one that they hold."""
    events = log("dining_philosophers_ordered")
    assert messages(events, "philosopher").count("eats") == 5
    taken: dict[str, list[str]] = {}
    for event in events:
        if event["event"] == "lock.acquired" and event["object"].startswith("forks["):
            taken.setdefault(event["thread"], []).append(event["object"])
    assert len(taken) == 5
    assert all(forks == sorted(forks) and len(forks) == 2 for forks in taken.values())
