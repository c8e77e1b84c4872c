"""Schedules of code are saved by names, and make the same finding again: in another process, and after edits elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import code_to_search as code
import pytest

import scenrun
from scenrun import UsageError
from scenrun.interface.cli.main import run_cli

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
STOCK = '''
import queue
import threading


class Stock:
    """Items that are looked for before they are taken."""

    def __init__(self):
        self.items = queue.Queue()
        self.items.put("one")

    def take(self):
        if not self.items.empty():
            self.items.get()


def stock():
    return Stock()


def takes(shared):
    shared.take()
'''


def scenrun_there(folder: Path, *arguments: str, given: str = "") -> tuple[int, str]:
    """The exit status of a command in a folder, and all that it says."""
    command = [sys.executable, "-m", "scenrun", *arguments]
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The schedule of the lost update of the example."""
    monkeypatch.chdir(EXAMPLES)
    path = tmp_path / "lost.json"
    assert run_cli(["explore", "search_counter.yaml", "--allow-python", "--save", str(path), "-q"]) == 1
    return path


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The schedule by which two threads take one item, beside the module."""
    (tmp_path / "stock.py").write_text(STOCK)
    monkeypatch.syspath_prepend(tmp_path)
    found = scenrun.explore_code("stock:stock", ["stock:takes", "stock:takes"])
    assert found.verdict == "deadlock"
    found.save(tmp_path / "stuck.json")
    return tmp_path / "stuck.json"


def test_a_scenario_with_its_code_shows_its_finding_again(saved: Path) -> None:
    """In another process, 20 times of 20, with the story; the command that found it says how."""
    status, said = scenrun_there(EXAMPLES, "replay", str(saved), "--allow-python", "--repeat", "20")
    assert status == 0, said
    assert "shown in 20 of 20 replays: violated (total == 2)" in said
    assert "after = following(s" in said
    again = scenrun.replay(saved, allow_python=True)
    assert again.notes["shown"]
    assert (again.verdict, again.ok) == ("violated", True)


def test_functions_show_their_finding_again(stuck: Path) -> None:
    """The schedule names the functions, so it needs no scenario."""
    status, said = scenrun_there(stuck.parent, "replay", "stuck.json", "--allow-python", "--repeat", "20")
    assert status == 0, said
    assert "shown in 20 of 20 replays: deadlock (" in said
    assert scenrun.replay(stuck, allow_python=True).verdict == "deadlock"


def test_edits_elsewhere_leave_a_schedule_as_it_is(stuck: Path) -> None:
    """Lines move, and functions come and go; what is replayed is found by its text."""
    edited = STOCK.replace("class Stock", "LIMIT = 3\n\n\ndef more():\n    return LIMIT\n\n\nclass Stock")
    (stuck.parent / "stock.py").write_text(
        edited.replace("    def take", "    def other(self):\n        pass\n\n    def take")
    )
    status, said = scenrun_there(stuck.parent, "replay", "stuck.json", "--allow-python")
    assert status == 0, said


def test_what_is_mended_does_not_show_it_again(stuck: Path) -> None:
    """That is said, and where the steps are other ones now, the first of them."""
    mended = STOCK.replace("if not self.items.empty():\n            self.items.get()", "self.items.get(timeout=1)")
    (stuck.parent / "stock.py").write_text(mended)
    status, said = scenrun_there(stuck.parent, "replay", "stuck.json", "--allow-python")
    assert status == 1, said
    assert "not shown: deadlock" in said
    (stuck.parent / "stock.py").write_text(STOCK.replace("shared.take()", "pass"))
    status, said = scenrun_there(stuck.parent, "replay", "stuck.json", "--allow-python")
    assert status == 1, said


def test_a_step_that_is_another_one_now_is_named(saved: Path, tmp_path: Path) -> None:
    """With its number, its line, and what comes instead."""
    for name in ("search_counter.yaml", "counters.py"):
        text = (EXAMPLES / name).read_text().replace("after = following(self.count)", "after = 1 + self.count")
        (tmp_path / name).write_text(text)
    status, said = scenrun_there(tmp_path, "replay", str(saved), "--allow-python")
    assert status == 2, said
    assert "does not fit the code: move 3 (adder[0]: read count at `after = following(self.count)`)" in said
    assert "Traceback" not in said


def test_other_steps_within_python_itself_are_passed_over(stuck: Path) -> None:
    """Another version of the library may acquire a lock more, or less."""
    text = json.loads(stuck.read_text())
    inner = [one for one in text["moves"] if one.get("inner")]
    assert len(inner) > 5
    fewer = [one for one in text["moves"] if not one.get("inner") or not one["op"].startswith("release")]
    more = [copy for one in text["moves"] for copy in ([one, {**one, "op": "look at it"}] if one in inner else [one])]
    for moves in (fewer, more):
        stuck.write_text(json.dumps({**text, "moves": moves}))
        assert scenrun.replay(stuck, allow_python=True).notes["shown"], moves


def test_threads_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    """By their order."""
    found = scenrun.explore_code(code.nothing_yet, [code.starts_two_alike], code.value_is_two)
    assert found.verdict == "violated"
    found.save(tmp_path / "alike.json")
    names = {one["thread"] for one in json.loads((tmp_path / "alike.json").read_text())["moves"]}
    assert {"twin", "twin#2"} <= names
    assert scenrun.replay(tmp_path / "alike.json", allow_python=True).notes["shown"]


def test_play_makes_steps_of_code(tmp_path: Path, saved: Path) -> None:
    """They are chosen, undone, listed, saved, and a saved schedule is gone on from."""
    path = tmp_path / "played.json"
    lines = f"1\n1\n2\nl\n1\nb\n1\n2\n1\n1\n1\n1\n1\n1\n1\ns {path}\nq\n"
    status, said = scenrun_there(EXAMPLES, "play", "search_counter.yaml", "--allow-python", given=lines)
    assert status == 0, said
    assert "3. adder[1]: after = following(self.count)  (counters.py:14)" in said
    assert "main: blocked, waiting for adder[0] to end" in said
    assert f"saved; scenrun replay {path} --allow-python makes these moves again" in said
    assert scenrun_there(EXAMPLES, "replay", str(path), "--allow-python")[0] == 0
    _, said = scenrun_there(
        EXAMPLES, "play", "search_counter.yaml", "--allow-python", "--from", str(saved), given="q\n"
    )
    assert "violated: at the end, total == 2 does not hold (total is 1)" in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "give --allow-python if you trust it"),
        (["--allow-python", "--log", "x"], "--log has no effect on a schedule of code"),
        (["--allow-python", "--on", "simulator"], "--on has no effect"),
        (["--allow-python", "--expect", "x.yaml"], "this one is of functions"),
    ],
)
def test_what_has_no_effect_is_refused(stuck: Path, arguments: list[str], why: str) -> None:
    """Each with a sentence, and without a run of the code."""
    status, said = scenrun_there(stuck.parent, "replay", "stuck.json", *arguments)
    assert status == 2
    assert why in said


def test_in_python_too(stuck: Path, saved: Path) -> None:
    """As on the command line."""
    for given in ({"keep": True}, {"on": "simulator"}, {"scenario": "x.yaml"}):
        options: dict[str, Any] = dict(given)
        with pytest.raises(UsageError):
            scenrun.replay(stuck, allow_python=True, **options)
    with pytest.raises(UsageError, match="allow_python=True"):
        scenrun.replay(saved)


@pytest.mark.parametrize("damage", [{"functions": {"setup": "a:b"}}, {"functions": 3}, {"marks": [3]}, {"trace": None}])
def test_a_damaged_schedule_is_refused(stuck: Path, damage: dict[str, Any]) -> None:
    """Whatever is wrong with it."""
    text = json.loads(stuck.read_text())
    stuck.write_text(json.dumps({**text, "code": {**text["code"], **damage}}))
    with pytest.raises(UsageError, match="damaged"):
        scenrun.replay(stuck, allow_python=True)
