"""Words of other languages get the word to use here, and a file of the gallery that is there; what is in the reference is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scenrun.interface.cli.main import run_cli
from scenrun.interface.reference import entries, entry
from scenrun.language.other_words import FILES, here
from scenrun.language.primitives import KINDS
from scenrun.language.verbs.registry import VERBS

GALLERY = Path(__file__).parents[2] / "scenarios" / "gallery"
WANTED = (
    "mutex", "rwlock", "thread", "channel", "select", "await", "async", "atomic_int", "cond_wait", "P", "V", "synchronized",
)  # fmt: skip


@pytest.mark.parametrize("word", WANTED)
def test_a_word_of_others_gets_one_of_here(word: str) -> None:
    """One that there is: a verb, a kind, a key or a word of the reference."""
    said = here(word)
    assert "the gallery has" in said
    words = re.findall(r"`(\w+)`", said)
    assert words
    assert all(one in (*VERBS, *KINDS, "threads", "state", "elif") for one in words)


def test_the_files_that_are_named_are_there() -> None:
    assert sorted(FILES) == sorted(name for name in FILES if (GALLERY / f"{name}.yaml").is_file())
    assert here("frobnicate") == ""


@pytest.mark.parametrize("name", [*VERBS, *KINDS, "let", "reach", "daemon", "expressions", "lock.acquired", "verbs"])
def test_help_prints_what_the_reference_has(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["help", name]) == 0
    printed = capfd.readouterr().out
    assert printed.strip() == (entry(name) or "").strip()
    assert len(printed) > 20


def test_help_knows_what_is_near(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["help", "aquire"]) == 2
    assert "did you mean `acquire`?" in capfd.readouterr().err
    assert run_cli(["help", "mutex"]) == 2
    assert "that is a `lock` here" in capfd.readouterr().err
    assert "acquire" in entries()


def test_a_seed_that_is_none_is_told_what_one_is(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["simulate", "x.yaml", "--seed", "x"]) == 2
    assert "the same seed makes the same draws" in capfd.readouterr().err
