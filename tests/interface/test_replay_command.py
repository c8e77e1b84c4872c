"""`scenrun replay` as users call it: what is printed, what is refused, and exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from replays import CROSSED, FOLDER, ON, deadlocked
from shown import every_end, free, schedule_of

import scenrun
from scenrun.model.move_schedule import MoveSchedule, read

# --- the command


def command(*arguments: str, cwd: Path | None = None) -> Any:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "scenrun", *arguments], text=True, capture_output=True, timeout=60, cwd=cwd
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A schedule beside its scenario's file."""
    file = tmp_path / "crossed.yaml"
    file.write_text(f"scenario: crossed{CROSSED}")
    machine = free(scenrun.load(file).program)
    replace(schedule_of(machine, deadlocked(machine)), file="crossed.yaml").save(tmp_path / "x.json")
    return tmp_path / "x.json"


@ON
def test_a_replay_prints_the_log_and_says_that_it_was_shown(saved: Path, on: str) -> None:
    """JSON lines on stdout, a summary on stderr, and status 0, wherever it is called from."""
    done = command("replay", str(saved), "--on", on)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [lines[0]["event"], lines[-1]["event"], lines[-1]["verdict"]] == ["run.started", "run.finished", "deadlock"]
    assert lines[-1]["ok"]
    assert done.stderr.startswith("shown: deadlock (left, main, right)")


@ON
def test_many_replays_end_with_a_tally(saved: Path, on: str) -> None:
    """20 of 20."""
    done = command("replay", str(saved), "--on", on, "--repeat", "20")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["verdicts"] == {"deadlock": 20}
    assert "deadlock was shown in 20 of 20 replays" in done.stderr


def test_what_is_not_shown_is_status_1(saved: Path) -> None:
    """The schedule claims another finding than its moves show."""
    replace(read(saved), finding=("exception", "left")).save(saved)
    done = command("replay", str(saved))
    assert done.returncode == 1
    assert "not shown: exception (left)" in done.stderr


def test_a_changed_scenario_is_replayed_while_every_move_fits(saved: Path) -> None:
    """And it says that it was changed; at the first move that does not fit, nothing is started and no log replaced."""
    file = saved.parent / "crossed.yaml"
    file.write_text(file.read_text().replace("{release: b}, {release: a}]", "{release: b}, {release: a}, {log: done}]"))
    done = command("replay", str(saved))
    assert done.returncode == 0
    assert "has changed since the schedule was written; all its moves still fit" in done.stderr
    file.write_text(file.read_text().replace("{acquire: a}, {acquire: b}", "{acquire: b}, {acquire: a}"))
    log = saved.parent / "log.jsonl"
    log.write_text("kept")
    done = command("replay", str(saved), "--log", str(log))
    assert done.returncode == 2
    assert log.read_text() == "kept"
    assert "does not fit" in done.stderr
    assert "(line " in done.stderr


def test_the_scenario_may_be_named(saved: Path, tmp_path: Path) -> None:
    """`--file` finds it where it is now; without it, a file that is gone is told."""
    moved = tmp_path / "elsewhere.yaml"
    (saved.parent / "crossed.yaml").rename(moved)
    assert command("replay", str(saved), "--file", str(moved)).returncode == 0
    done = command("replay", str(saved))
    assert done.returncode == 2
    assert "there is no crossed.yaml any more" in done.stderr


def test_a_replay_never_replaces_its_schedule(saved: Path) -> None:
    """Nor its scenario: the log goes elsewhere."""
    for path in (saved, saved.parent / "crossed.yaml"):
        before = path.read_bytes()
        assert command("replay", str(saved), "--log", str(path)).returncode == 2
        assert path.read_bytes() == before


def test_a_schedule_of_turns_is_referred_to_the_command_that_follows_it(tmp_path: Path) -> None:
    """Version 1 is `simulate --schedule`'s."""
    scenrun.simulate(FOLDER / "lost_update.yaml", save_schedule=tmp_path / "x.json")
    done = command("replay", str(tmp_path / "x.json"))
    assert done.returncode == 2
    assert "scenrun simulate FILE --schedule" in done.stderr


def test_a_schedule_may_be_given_as_it_is() -> None:
    """As a function: what was read, and a scenario that is loaded already."""
    loaded = scenrun.load(FOLDER / "lost_update.yaml")
    machine = free(loaded.program)
    found = next(one for one in every_end(machine, 10_000) if one.end.findings)
    result = scenrun.replay(schedule_of(machine, found), scenario=loaded)
    assert (result.verdict, result.notes["shown"], result.state) == ("violated", True, {"value": 1})
    with pytest.raises(scenrun.UsageError, match="not on `paper`"):
        scenrun.replay(schedule_of(machine, found), scenario=loaded, on="paper")
    assert isinstance(schedule_of(machine, found), MoveSchedule)
