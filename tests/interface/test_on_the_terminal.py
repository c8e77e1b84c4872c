"""What commands write where nothing is said of it: lists, new files, pages beside their logs, and held locks while playing."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from scenrun.interface.cli.main import run_cli
from scenrun.language import catalogue
from scenrun.report.aligned import aligned

SAID = "word " * 60 + "end"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_list_is_cut_for_a_terminal_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "long.yaml").write_text(f"scenario: long\ndescription: {SAID}\nthreads: {{a: {{do: [{{log: hi}}]}}}}\n")
    assert run_cli(["list", "."]) == 0
    assert capfd.readouterr().out.rstrip().endswith("end")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((100, 24)))
    assert run_cli(["list", "."]) == 0
    (line,) = capfd.readouterr().out.splitlines()
    assert line.endswith("…")
    assert len(line) <= 100


@pytest.mark.parametrize("origin", ["queue_pipeline", "gallery/ab_ba", "peterson_store_buffer.yaml", "updater"])
def test_a_new_file_names_itself_and_no_file_that_is_not_there(
    origin: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["new", "mine", "--from", origin]) == 0
    text = (folder / "mine.yaml").read_text(encoding="utf-8")
    assert "\nscenario: mine\n" in text
    shipped = {path.name for path in catalogue.files(catalogue.shipped("scenarios"))}
    assert not [name for name in shipped if name in text]
    assert run_cli(["validate", "mine.yaml"]) == 0
    for line in text.splitlines():
        if line.startswith("# `scenrun new NAME --from"):
            other = line.split("--from ")[1].split("`")[0]
            assert run_cli(["new", "other", "--from", other]) == 0
            break
    else:
        assert ".yaml" not in text.split("\n", 1)[1].replace("mine.yaml", "")


def test_a_page_is_written_beside_its_log(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "some.yaml").write_text("scenario: some\nthreads: {a: {do: [{log: hi}]}}\n", encoding="utf-8")
    assert run_cli(["simulate", "some.yaml", "--level", "debug", "--log", "run.jsonl", "-q"]) == 0
    assert run_cli(["report", "run.jsonl"]) == 0
    assert "wrote run.html" in capfd.readouterr().err
    assert (folder / "run.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert run_cli(["report", "run.jsonl"]) == 2
    assert "--force replaces it" in capfd.readouterr().err


def test_of_standard_input_the_page_needs_a_name(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run_cli(["report"]) == 2
    assert "-o page.html" in capfd.readouterr().err


def test_playing_lists_the_locks_that_are_held(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "held.yaml").write_text(
        "scenario: held\nsync: {guard: lock, permits: {semaphore: {value: 2}}}\n"
        "threads: {a: {do: [{with: [guard, permits], do: [{sleep: 1ms}]}]}}\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n1\n1\n1\n"))
    assert run_cli(["play", "held.yaml"]) == 0
    out = capfd.readouterr().out
    assert "  a holds guard\n" in out
    assert "  a holds guard, permits\n" in out
    assert " holds " not in out.split("after 1 step")[0]


def test_tables_fold_what_is_too_wide_and_cut_nothing() -> None:
    rows = [("thread", "time", "for"), ("a thread of a long name", "1 s", SAID), ("b", "2 s", "x" * 70)]
    lines = aligned(rows, left=(0, 2), indent=0)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert " ".join(" ".join(lines).split()).count("word") == 60
    assert "".join(lines).count("x") == 70
    numbers = [tuple(f"{10**12 + at:,}" for at in range(8))] * 2
    assert all(f"{10**12 + 7:,}" in line for line in aligned(numbers, left=()))
