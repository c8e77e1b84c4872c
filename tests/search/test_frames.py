"""What a player shows: after every step of every counterexample it says what the simulator's own objects say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shipped import shipped
from simulated_objects import simulated

import scenrun
from scenrun.search.counterexample.frames import frames_of

FOLDER = Path(__file__).parents[2]
EXPLORED = json.loads((FOLDER / "tests" / "search" / "explored.json").read_text(encoding="utf-8"))
WITH_FINDINGS = [p for p in sorted((FOLDER / "scenarios").rglob("*.yaml")) if EXPLORED[p.stem]["findings"]]


def states_of(player: dict[str, Any]) -> list[dict[str, str]]:
    """The words before the first step and after each one, made as a page makes them."""
    out = [dict(player["initial"])]
    for step in player["steps"]:
        assert all(out[-1][key] == before for key, before, _ in step["changes"])
        out.append(out[-1] | {key: after for key, _, after in step["changes"]})
    return out


@pytest.mark.parametrize("path", WITH_FINDINGS, ids=lambda path: path.stem)
def test_every_step_says_what_the_simulator_says(path: Path) -> None:
    """Values, locks, events, queues, permits and ends of threads, after each move of every counterexample."""
    loaded = shipped(path)
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
    loaded = shipped(path)
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


def player_of(name: str) -> dict[str, Any]:
    """The player's data of the first finding of a shipped scenario."""
    loaded = scenrun.load(FOLDER / "scenarios" / f"{name}.yaml")
    explored = scenrun.explore(loaded)
    return frames_of(loaded.program, explored.schedule_of(explored.counterexamples[0]))


def test_it_says_where_to_begin_why_threads_are_switched_and_what_locals_are() -> None:
    """Of the lost update: the second read, and what each thread has read by then."""
    player = player_of("lost_update")
    assert (player["opens_at"], player["time"]) == (4, "also in the clock's order")
    assert player["steps"][3]["switched"] == "`value` is read by updater[0], then written by updater[1]"
    words = states_of(player)
    assert (words[3]["locals:updater[0]"], words[3]["locals:updater[1]"]) == ("mine = 1", "")
    assert words[-1]["locals:updater[0]"] == ""


def test_the_cycle_of_a_livelock_begins_at_its_first_step() -> None:
    """By its number; nothing is said of time."""
    player = player_of("gallery/ab_ba_polite")
    assert (player["cycle_from"], player["time"]) == (3, None)
    assert player["steps"][2]["text"] == "acquire lock_a"
