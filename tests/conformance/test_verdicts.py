"""Small files whose right answer was worked out from CPython's sources and behaviour: each verdict, in each way of running."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import scenrun
from scenrun.execution.simulator.simulate_program import simulate_program
from scenrun.search.result import Explored
from scenrun.trace.recorder import Recorder

FOLDER = Path(__file__).parent / "verdicts"
REDUCTION = ("off", "on")
FREE: dict[str, tuple[str, ...]] = {
    "replicas_spawn_required": ("violated",),
    "replicas_spawn_forbidden": ("holds",),
    "replica_starts_a_thread": ("holds",),
    "replicas_spawn_and_raise": ("exception",),
    "another_thread_spawns": ("holds",),
    "race_reduced": ("race",),
    "daemon_cut_off": ("violated",),
    "submit_after_main": ("exception",),
    "rlock_of_the_dead": ("holds",),
    "swallowed_beside_stuck_main": ("deadlock", "exception"),
    "stuck_beside_a_spinner": ("deadlock",),
    "circle_through_shutdown": ("deadlock",),
    "chained_comparison": ("holds",),
    "livelock_beside_deadlock": ("deadlock", "livelock"),
    "starved_while_blocked": ("livelock",),
    "always_from_the_beginning": ("violated",),
    "required_by_every_strategy": ("violated",),
    "found_by_another_search": ("livelock", "violated"),
    "wait_for_expires_once": ("deadlock",),
    "swallowed_beside_endless": ("exception",),
    "refused_by_its_pool": ("exception",),
    "index_and_fault_in_the_table": ("violated",),
    "value_of_a_question": ("violated",),
    "virtual_round": ("livelock",),
    "virtual_deadlock": ("deadlock",),
}
"""By file, the kinds that a search of all states finds where time is free."""
VIRTUAL = {
    "virtual_loop": ("holds",), "virtual_join": ("holds",), "virtual_deadlock": ("deadlock",), "virtual_round": ("livelock",),
    "always_from_the_beginning": ("violated",), "starved_while_blocked": ("livelock",),
}  # fmt: skip
REPLAYED = (
    "swallowed_beside_stuck_main", "stuck_beside_a_spinner", "circle_through_shutdown", "starved_while_blocked",
    "swallowed_beside_endless", "livelock_beside_deadlock", "daemon_cut_off", "submit_after_main", "refused_by_its_pool",
    "always_from_the_beginning", "index_and_fault_in_the_table",
)  # fmt: skip


def explored(name: str, **how: Any) -> Explored:
    """What a search finds of a file."""
    found = scenrun.explore(FOLDER / f"{name}.yaml", **how)
    assert found.closed
    return found


def kinds(found: Explored) -> tuple[str, ...]:
    """The kinds found, or `holds`."""
    return tuple(sorted(found.kinds)) or ("holds",)


@pytest.mark.parametrize("reduction", REDUCTION)
@pytest.mark.parametrize("name", FREE)
def test_a_search_finds_what_is_right(name: str, reduction: str) -> None:
    """With and without reduction."""
    assert kinds(explored(name, reduction=reduction)) == FREE[name]


@pytest.mark.parametrize("name", VIRTUAL)
def test_a_search_in_virtual_time_finds_what_is_right(name: str) -> None:
    """In the clock's order nobody is late."""
    assert kinds(explored(name, time="virtual")) == VIRTUAL[name]


@pytest.mark.parametrize("strategy", ["dpor", "preemptions", "delays"])
def test_required_outcomes_are_missed_by_every_strategy_that_closes(strategy: str) -> None:
    """They have seen every schedule."""
    found = explored("required_by_every_strategy", strategy=strategy)
    assert (found.verdict, found.missing) == ("violated", ((5,),))


@pytest.mark.parametrize("name", REPLAYED)
def test_findings_are_shown_on_real_threads_and_by_the_simulator(name: str, tmp_path: Path) -> None:
    """Each of them, in a form that was saved; those of virtual time, too."""
    times = ("free", "virtual") if name in VIRTUAL else ("free",)
    for found in (explored(name, time=time) for time in times):
        for number, one in enumerate(found.counterexamples):
            path = tmp_path / f"{found.time_mode}-{number}.json"
            found.schedule_of(one).save(path)
            for on in ("threads", "simulator"):
                result = scenrun.replay(path, scenario=FOLDER / f"{name}.yaml", on=on)
                assert result.notes["shown"], (one.about, on, result.findings)


@pytest.mark.parametrize("name", ["virtual_deadlock", "virtual_round"])
def test_a_story_of_virtual_time_is_whole(name: str, tmp_path: Path) -> None:
    """It goes on to where its thread is stuck, or round, and fits where time is free."""
    found = explored(name, time="virtual")
    (one,) = found.counterexamples
    if name == "virtual_deadlock":
        assert {stuck.thread: stuck.state for stuck in one.story.waiting} == {"main": "blocked", "u": "blocked"}
    else:
        assert [move.op for move in one.moves[one.cycle_from :]] == ["jump", "jump", "variable.read"]
    unshortened = explored(name, time="virtual", shorten=False).counterexamples[0]
    assert unshortened.found_with == len(unshortened.story.steps)


def test_who_starves_is_named_and_not_who_goes_on() -> None:
    """The sentence says what she waits for, and who goes on meanwhile."""
    (one,) = explored("starved_while_blocked").counterexamples
    assert one.about.about == "woman"
    assert one.sentence == "woman can wait for room for ever while man[1] and man[0] go on"


def test_a_circle_through_a_pool_is_told_as_one() -> None:
    """Main waits for the task's end, and the task for main's lock."""
    (one,) = explored("circle_through_shutdown").counterexamples
    assert one.sentence == "main waits for p#0 of p to end; p#0 waits for l, which main holds: a circle"


def test_a_table_tells_exceptions_their_handlers_messages_and_items() -> None:
    """And so does JSON, with locals."""
    (one,) = explored("index_and_fault_in_the_table").counterexamples
    steps = {step.text: [str(own) for own in step.own] for step in one.story.steps}
    assert steps["m['k'] = 5"] == ["! ValueError: boom", "except ValueError", "log: caught boom"]
    raised = one.as_dict()["steps"][1]["own"][0]
    assert raised == {"thread": "t", "kind": "raised", "text": "ValueError: boom", "line": 6}


@pytest.mark.parametrize("way", [scenrun.run, scenrun.simulate, scenrun.explore])
def test_a_failed_question_is_told_with_its_answer(way: Any) -> None:
    """In a run, a simulation and a search alike."""
    result = way(FOLDER / "value_of_a_question.yaml")
    said = (
        [one.sentence for one in result.counterexamples]
        if way is scenrun.explore
        else [f.message for f in result.findings]
    )
    assert len(said) == 1
    assert "(q.qsize() is 1)" in said[0]


RUNS = {
    "daemon_cut_off": {"violated"}, "submit_after_main": {"exception"}, "refused_by_its_pool": {"exception"},
    "chained_comparison": {"holds"}, "rlock_of_the_dead": {"holds"}, "swallowed_beside_endless": {"exception"},
    "livelock_beside_deadlock": {"deadlock"}, "wait_for_expires_once": {"holds", "deadlock"},
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_runs_and_simulations_agree_with_the_search(name: str) -> None:
    """Many real runs, and a simulation: an outcome that the search rules out never comes."""
    path = FOLDER / f"{name}.yaml"
    slow = name in ("swallowed_beside_endless", "livelock_beside_deadlock", "submit_after_main")
    results = [scenrun.run(path) for _ in range(1 if slow else 25)] + [scenrun.simulate(path)]
    assert {result.verdict for result in results} <= RUNS[name]
    if (outcomes := explored(name).outcomes) and name != "livelock_beside_deadlock":
        assert {tuple(r.outcome) for r in results if r.outcome} <= set(outcomes)


def test_a_simulation_heeds_a_signal_however_much_a_turn_costs() -> None:
    """It does not go on to the end of its slice, 5,000 turns later, let alone to its limit, which takes hours."""
    came: list[str] = []
    threading.Timer(0.3, lambda: came.append("SIGINT")).start()
    result = simulate_program(
        scenrun.load(FOLDER / "expensive_turns.yaml").program,
        lambda run_id: Recorder(run_id, None),
        interrupted=lambda: came[0] if came else None,
        hurry=came,
    )
    assert [finding.message for finding in result.findings] == ["the run was ended by SIGINT"]
    assert result.figures["elapsed_s"] < 0.005


def test_memory_is_that_of_the_process() -> None:
    """A search whose values fill the memory ends near its bound, which it names, as the system counts it."""
    code = (
        "import json, scenrun\n"
        f"found = scenrun.explore({str(FOLDER / 'values_that_fill_the_memory.yaml')!r}, memory_bytes=120 << 20)\n"
        "print(json.dumps([found.verdict, found.bound, found.memory_bytes]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    verdict, bound, told = json.loads(done.stdout)
    assert (verdict, bound) == ("incomplete", "120 MB of memory")
    assert 120 << 20 < told < 200 << 20
