"""What a player shows: after every step of every counterexample it says what the simulator's own objects say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import scenrun
from scenrun.execution.replay import on_simulator
from scenrun.execution.replay.plan import plan_of, to_show
from scenrun.search.counterexample.frames import frames_of
from scenrun.trace.recorder import Recorder

FOLDER = Path(__file__).parent.parent
EXPLORED = json.loads((FOLDER / "tests" / "explored.json").read_text(encoding="utf-8"))
WITH_FINDINGS = [p for p in sorted((FOLDER / "scenarios").rglob("*.yaml")) if EXPLORED[p.stem]["findings"]]


def states_of(player: dict[str, Any]) -> list[dict[str, str]]:
    """The words before the first step and after each one, made as a page makes them."""
    out = [dict(player["initial"])]
    for step in player["steps"]:
        assert all(out[-1][key] == before for key, before, _ in step["changes"])
        out.append(out[-1] | {key: after for key, _, after in step["changes"]})
    return out


def simulated(loaded: Any, schedule: Any) -> list[dict[str, str]]:
    """What the simulator's objects say when a replay has begun, and after each of its moves."""
    plan, seen = plan_of(loaded.program, schedule), []
    settled = on_simulator._FollowingLoop._settled

    def look(loop: Any, t: int, known: int) -> tuple[int, int]:
        out = settled(loop, t, known)
        seen.append(told(loop.simulation))
        return out

    with mock.patch.object(on_simulator._FollowingLoop, "_settled", look):
        program = to_show(loaded.program, schedule.finding)
        on_simulator.follow_program(program, plan, lambda run: Recorder(run, None), seed=schedule.seed)
    return seen


def told(simulation: Any) -> dict[str, str]:
    """The simulated objects in the words of the player, made here by themselves."""
    out = {}
    things = [one for made in simulation.objects for one in (made if isinstance(made, list) else [made])]
    for thing in things:
        kind = thing.kind.name
        value = thing.pure if hasattr(thing, "pure") else thing.value
        if kind == "variable":
            out[f"value:{thing.label}"] = repr(value)
        elif kind == "lock":
            out[f"object:{thing.label}"] = f"held by {thing.held_by()[0]}" if value else "free"
        elif kind == "event":
            out[f"object:{thing.label}"] = "set" if thing.is_set() else "clear"
        elif kind in ("queue", "simple_queue"):
            bound = f" of {value[2]}" if value[2] else ""
            full = f"{thing.qsize()}{bound}: {list(value[0])!r}"
            out[f"object:{thing.label}"] = full if thing.qsize() else "empty" + (f" (0{bound})" if bound else "")
        elif kind.endswith("semaphore"):
            out[f"object:{thing.label}"] = f"{value[0]} permit{'s' * (value[0] != 1)} left"
    for thread in simulation.threads:
        if thread.ended:
            out[f"thread:{thread.name}"] = "ended"
    return out


@pytest.mark.parametrize("path", WITH_FINDINGS, ids=lambda path: path.stem)
def test_every_step_says_what_the_simulator_says(path: Path) -> None:
    """Values, locks, events, queues, permits and ends of threads, after each move of every counterexample."""
    loaded = scenrun.load(path)
    explored = scenrun.explore(loaded, races=True)
    for one in explored.counterexamples:
        schedule = explored.schedule_of(one)
        player = frames_of(loaded.program, schedule)
        words, real = states_of(player), simulated(loaded, schedule)
        assert len(player["steps"]) == len(schedule.moves)
        assert len(real) >= len(words)
        for number, (shown, own) in enumerate(zip(words, real, strict=False)):
            for key, text in own.items():
                assert shown[key].startswith(text), (number, key)


@pytest.mark.parametrize("path", WITH_FINDINGS, ids=lambda path: path.stem)
def test_at_a_deadlock_it_says_what_the_replay_says(path: Path) -> None:
    """Every thread of the replay's deadlock waits in the last frame: for the same object, at the same line, for the same holder."""
    loaded = scenrun.load(path)
    explored = scenrun.explore(loaded)
    for one in explored.counterexamples:
        if one.about.kind != "deadlock":
            continue
        schedule = explored.schedule_of(one)
        player = frames_of(loaded.program, schedule)
        last = states_of(player)[-1]
        found = [f for f in scenrun.replay(schedule, scenario=loaded).findings if f.kind == "deadlock"]
        assert found
        assert player["finding"]["kind"] == "deadlock"
        for stuck in found[0].threads:
            text = last[f"thread:{stuck.thread}"]
            assert text.startswith("waits ")
            assert stuck.line is None or f"(line {stuck.line})" in text
            assert not stuck.object or stuck.object in text
            if stuck.operation in ("lock.acquire", "rlock.acquire"):
                assert f"held by {', '.join(stuck.held_by)}" in text
                assert all(stuck.object in last.get(f"holds:{name}", stuck.object) for name in stuck.held_by)


def test_a_schedule_that_is_too_long_says_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first steps are shown, and how many are not."""
    monkeypatch.setattr("scenrun.search.counterexample.frames.MOST_STEPS", 3)
    explored = scenrun.explore(FOLDER / "scenarios" / "queue_pipeline.yaml")
    schedule = explored.schedule_of(explored.counterexamples[0])
    player = frames_of(scenrun.load(FOLDER / "scenarios" / "queue_pipeline.yaml").program, schedule)
    assert len(player["steps"]) == 3
    assert player["left_out"] == len(schedule.moves) - 3
