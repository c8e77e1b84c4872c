"""`scenrun stats` as a command: one log or two, as text, JSON or CSV; what it refuses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import scenrun
from scenrun.interface.cli.main import cli

SCENARIO = str(Path(__file__).parents[2] / "scenarios/semaphore_pool.yaml")


def stats(*arguments: str, stdin: bytes | None = None) -> Result:
    """What the command does."""
    return CliRunner().invoke(cli, ["stats", *arguments], input=stdin)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """A debug log."""
    scenrun.simulate(SCENARIO, level="debug", log=str(tmp_path / "log.jsonl"))
    return str(tmp_path / "log.jsonl")


def test_a_file_and_a_pipe_have_the_same_figures(log: str) -> None:
    """It does not matter where the lines come from."""
    assert stats(log, "--json").stdout == stats("--json", stdin=Path(log).read_bytes()).stdout


def test_every_number_is_a_row_of_csv(log: str) -> None:
    """Rows have five cells, and the waits of a semaphore are those of the document."""
    document = json.loads(stats(log, "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(stats(log, "--csv").stdout)))
    found = {(row["table"], row["name"], row["figure"]): (float(row["value"]), row["unit"]) for row in rows}
    waited = document["semaphores"]["connections"]["waited"]["total_s"]
    assert found["semaphores", "connections", "waited total"] == (waited, "s")
    assert all(None not in row and len(row) == 5 for row in rows)


def test_a_log_beside_itself_has_ratios_of_one(log: str) -> None:
    """Each figure that is not nothing is once the other."""
    rows = list(csv.DictReader(io.StringIO(stats(log, log, "--csv").stdout)))
    assert {row["ratio"] for row in rows} <= {"", "1.0"}
    assert rows


def test_what_only_one_run_has_is_marked(log: str) -> None:
    """A semaphore that the second run does not have stands in column A alone."""
    text = stats(log, str(Path(SCENARIO).with_name("barrier_phases.yaml"))).stdout
    marked = [line.split() for line in text.splitlines() if "only in" in line]
    assert ["semaphore", "connections", "only", "in", "A"] in marked
    assert ["barrier", "phase_done", "only", "in", "B"] in marked


def test_a_log_without_operations_says_what_it_lacks(tmp_path: Path) -> None:
    """At level info there are the figures of the last line, and no bottleneck is named."""
    path = str(tmp_path / "log.jsonl")
    scenrun.simulate(SCENARIO, level="info", log=path)
    text = stats(path).stdout
    assert "--level debug" in text
    assert "connections" in text
    assert "bottleneck" not in text


REFUSED = {
    ("--json", "--csv"): "choose one",
    ("-", "-"): "cannot stand beside itself",
    ("a", "b", "c"): "these are 3",
    ("nowhere.jsonl",): "cannot read nowhere.jsonl",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    """With exit status 2 and a sentence."""
    command = [sys.executable, "-m", "scenrun", "stats", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert REFUSED[arguments] in done.stderr.decode()
