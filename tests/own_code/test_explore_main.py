"""Programs as they are: a function that starts threads, by name, on the command line and in Python."""

from __future__ import annotations

import json
import random
from pathlib import Path

import code_as_it_is as code
import pytest

import scenrun
from scenrun import UsageError
from scenrun.interface.cli.main import run_cli
from scenrun.own_code.searching.self_test import self_test

Captured = pytest.CaptureFixture[str]


def test_what_a_program_does_wrong_is_found(tmp_path: Path, capsys: Captured) -> None:
    """With its lines; the schedule is kept and shown again; what the program prints goes nowhere."""
    path = tmp_path / "twice.json"
    assert run_cli(["explore", "--main", "code_as_it_is:takes_twice", "--save", str(path), "--json"]) == 1
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert found["verdict"] == "violated"
    assert found["saved"] == str(path)
    assert "main ends with AssertionError at `assert account.balance >= 0`" in told.err
    assert "self.balance -= amount" in told.err
    assert "it comes with the GIL, too" in told.err
    assert run_cli(["replay", str(path), "--allow-python", "--repeat", "3"]) == 0
    assert "shown in 3 of 3 replays: violated (main)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "program",
    [code.takes_once, code.draws, code.draws_of_its_own, code.works_in_a_pool, code.exits],
    ids=lambda one: one.__name__,
)
def test_a_program_is_proved(program: object) -> None:
    """Loggers and pools are accounted for, and what is drawn at random is drawn with the seed."""
    found = scenrun.explore_main(program)  # type: ignore[arg-type]
    assert found.verdict == "holds", str(found)
    if "draws" in getattr(program, "__name__", ""):
        assert "drawn with seed 0" in str(found)


def test_the_seed_decides_what_is_drawn() -> None:
    """The same seed finds the same, and another one draws others."""
    for seed in (0, 1, 0, 1):
        verdict = "holds" if random.Random(seed).random() < 0.5 else "violated"
        assert scenrun.explore_main(code.draws_little, seed=seed).verdict == verdict


def test_arguments_are_passed() -> None:
    """By name."""
    assert scenrun.explore_main(code.takes_once, arguments={"amount": 7}).verdict == "holds"
    assert scenrun.explore_main(code.takes_once, arguments={"amount": 8}).verdict == "violated"


def test_a_build_can_be_chosen(capsys: Captured) -> None:
    """Only the switches of a Python with the GIL; DPOR is not for that."""
    assert run_cli(["explore", "--main", "code_as_it_is:takes_once", "--build", "gil"]) == 0
    assert "threads are changed only where CPython with the GIL may do so" in capsys.readouterr().err
    assert run_cli(["explore", "--main", "code_as_it_is:takes_once", "--build", "gil", "--strategy", "dpor"]) == 2


def test_what_ends_the_process_ends_the_search() -> None:
    """With a sentence, and without a proof."""
    found = scenrun.explore_main(code.ends_the_process)
    assert found.verdict == "incomplete"
    assert "the code ends the process" in str(found)


@pytest.mark.parametrize(
    ("main", "why"),
    [
        ("code_as_it_is:is_a_coroutine", "is a coroutine"),
        ("code_as_it_is:takes_an_argument", "is called with nothing: missing a required argument: 'one'"),
        ("code_as_it_is:NUMBER", "is a int, not a function"),
        ("code_as_it_is:Account", "is a type, not a function"),
        ("code_as_it_is:nobody", "cannot be found"),
        ("code_as_it_is", "a function is given as `package.module:name`"),
        ("no_such_module:main", "there is no module `no_such_module`"),
    ],
)
def test_what_is_no_program_is_refused(main: str, why: str, capsys: Captured) -> None:
    """Each with a sentence."""
    assert run_cli(["explore", "--main", main]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["x.yaml"], "give the files of scenarios, or --main"),
        (["--races"], "is for scenarios, and has no effect with --main"),
        (["--trace", "no_such_module"], "there is no module `no_such_module`"),
        (["--time", "virtual"], "the time of code is free"),
        (["--strategy", "states"], "the states of code are not known"),
        (["--self-test"], "--self-test goes without files and other options"),
    ],
)
def test_options_without_effect_are_refused(arguments: list[str], why: str, capsys: Captured) -> None:
    """And those that do not go together."""
    assert run_cli(["explore", "--main", "code_as_it_is:takes_once", *arguments]) == 2
    assert why in capsys.readouterr().err


def test_the_self_test_knows_its_programs(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are right here; one that is not is named, and the status says so."""
    assert run_cli(["explore", "--self-test"]) == 0
    assert "12 of 12 programs have the verdict that they should have" in capsys.readouterr().err
    monkeypatch.setattr(
        "scenrun.own_code.searching.self_test.PROGRAMS",
        {"a lock": (("adds_locked", "adds_locked"), "is_two", "violated")},
    )
    assert self_test().wrong == (("a lock", "violated", "holds"),)
    assert run_cli(["explore", "--self-test"]) == 1


def test_options_of_code_need_code() -> None:
    """In Python, too."""
    with pytest.raises(UsageError, match="for scenarios with `objects`"):
        scenrun.explore({"scenario": "x", "main": [{"log": "x"}]}, trace=["json"])
    with pytest.raises(UsageError, match="there is no build"):
        scenrun.explore_main(code.takes_once, build="fast")
