"""`scenrun play`: a user makes the moves of a scenario by hand, goes back, and saves what was found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import scenrun

LOST_UPDATE = Path(__file__).parents[2] / "scenarios" / "lost_update.yaml"


def play(lines: str, *arguments: str) -> str:
    """What is said when these lines are typed."""
    command = [sys.executable, "-m", "scenrun", "play", str(LOST_UPDATE), *arguments]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_user_plays_the_lost_update_and_saves_it(tmp_path: Path) -> None:
    """Both read before either writes; the end says what is broken, and the saved schedule is replayed."""
    path = tmp_path / "played.json"
    said = play(f"1\n1\n1\n2\n1\n1\n1\n1\n1\n1\n1\ns {path}\n")
    assert "violated: at the end, value == 2 does not hold (value is 1)" in said
    assert scenrun.replay(path).notes["shown"]
    again = play("b\n", "--from", str(path))
    assert "after 10 steps: value = 1" in again


def test_a_player_sees_why_others_cannot_move_and_goes_back() -> None:
    """Main waits for the first thread to end; a step back leads to the state before; nonsense gets a hint."""
    said = play("1\n1\nwhat\nb 5\nb\n?\nq\n")
    assert "main: blocked, waiting for updater[0] to end" in said
    assert "say a number from 1 to 2, b, l, s FILE, q or ?" in said
    assert "this is the beginning" in said
    assert said.count("after 0 steps") == 2
