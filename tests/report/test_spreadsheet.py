"""A text in a CSV file is no formula to a spreadsheet, unless it is asked for as it is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from scenrun.interface.cli.main import run_cli
from scenrun.report.spreadsheet import FORMULA, cell

EVIL = "=cmd|' /C calc'!A0"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A scenario that logs a formula, and has one as a parameter."""
    path = tmp_path / "evil.yaml"
    path.write_text(
        json.dumps(
            {
                "scenario": "evil",
                "state": {"x": EVIL},
                "threads": {"a": {"do": [{"log": EVIL}, {"log": "-1 is no number"}, {"log": "{x}"}]}},
            }
        ),
        encoding="utf-8",
    )
    return path


def cells(path: Path) -> list[str]:
    """All cells of a CSV file."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [one for row in csv.reader(lines) for one in row]


@pytest.mark.parametrize("begins", FORMULA)
def test_a_cell_that_begins_as_a_formula_gets_a_quote(begins: str) -> None:
    """Numbers and other texts stay as they are."""
    assert cell(f"{begins}1") == f"'{begins}1"
    assert [cell(value) for value in (-1, -1.5, None, True, "a=1", "")] == [-1, -1.5, None, True, "a=1", ""]


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("command", ["export", "sweep"])
def test_no_command_writes_a_formula_unless_raw(command: str, raw: bool, file: Path, tmp_path: Path) -> None:
    """Tables of a log, and rows of a sweep."""
    out = tmp_path / "out.csv"
    over = ["--over", f"state.x={EVIL},1", "--quiet"] if command == "sweep" else []
    if command == "export":
        pytest.importorskip("duckdb", reason="needs DuckDB, of the extra [analysis]")
    assert run_cli([command, str(file), *over, "-o", str(out), *(["--raw"] if raw else [])]) == 0
    found = cells(out)
    assert (EVIL in found) == raw
    assert (f"'{EVIL}" in found) != raw


@pytest.mark.parametrize(
    "command",
    [
        ["stats", "FILE", "--raw"],
        ["export", "FILE", "-o", "x.parquet", "--raw"],
        ["sweep", "FILE", "--seeds", "2", "--raw"],
    ],
)
def test_raw_is_refused_where_there_is_no_csv(
    command: list[str], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that would have no effect."""
    assert run_cli([str(file) if word == "FILE" else word for word in command]) == 2
    assert "--raw is about the cells of" in capsys.readouterr().err
