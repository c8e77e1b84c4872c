"""`scenrun coverage`: of a scenario, of the cells of a sweep, and of the runs of a log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenrun.interface.cli.main import run_cli

FILE = """scenario: some
state: {v: 0}
threads:
  a:
    count: 2
    do:
      - set: {v: v + 1}
      - if: v > 5
        then:
          - log: "never, \x1b"
      - sleep: 1ms
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.yaml"
    path.write_text(FILE.replace("\x1b", "\u202e"), encoding="utf-8")
    return path


def _rows(out: str) -> dict[int, str]:
    """The counts by the numbers of lines."""
    return {int(line[8:13]): line[:5].strip() for line in out.splitlines()}


def test_a_scenario_is_searched_and_shown_beside_its_text(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["coverage", str(file), "--schedules", "20"]) == 0
    out, err = capfd.readouterr()
    rows = _rows(out)
    assert (rows[1], rows[7], rows[10]) == ("", "20", "never")
    assert "\u202e" not in out
    assert "never reached, in no schedule: line 10, threads.a.do[1].then[0]" in err
    assert "counted in 20 drawn schedules" in err
    assert run_cli(["coverage", str(file), "--max-states", "3", "--schedules", "1", "-q"]) == 0
    out, err = capfd.readouterr()
    assert (_rows(out)[10], err) == ("0", "")


def test_the_cells_of_a_sweep_are_counted(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["coverage", str(file), "--over", "threads.a.count=1,2,7", "--seeds", "2", "--json"]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert (found["what"], found["total"]) == ("simulated cell", 6)
    assert {one["line"]: one["count"] for one in found["steps"]}[10] == 2
    assert "not reached" not in err


def test_the_runs_of_a_log_are_counted(file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    assert run_cli([str(file), "--level", "debug", "--repeat", "3", "--log", str(log), "-q"]) == 0
    assert run_cli(["coverage", str(log)]) == 0
    out, err = capfd.readouterr()
    rows = _rows(out)
    assert (rows[7], rows[8], rows[10], rows[11]) == ("3", "3", "0", "3")
    assert "not reached in runs: line 10" in err
    assert run_cli([str(file), "--log", str(log), "-q"]) == 0
    assert run_cli(["coverage", str(log)]) == 2
    assert "--level debug" in capfd.readouterr().err


@pytest.mark.parametrize(
    "options", [["--schedules", "3"], ["--seeds", "3"], ["--set", "seed=1"], ["--over", "seed=1,2"]]
)
def test_options_of_a_search_are_refused_with_a_log(
    options: list[str], file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    assert run_cli([str(file), "--level", "debug", "--log", str(log), "-q"]) == 0
    assert run_cli(["coverage", str(log), *options]) == 2
    assert f"{options[0]} has no effect" in capfd.readouterr().err


def test_options_of_a_search_are_refused_with_simulations(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["coverage", str(file), "--seeds", "3", "--max-states", "3"]) == 2
    assert "--max-states has no effect: simulations are counted here" in capfd.readouterr().err
