"""`scenrun python`: where the script goes, and what is said beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenrun.interface.cli.main import run_cli

FILE = """
scenario: counted
state: {v: 0}
threads:
  a: {count: 2, do: [{set: {v: v + 1}}]}
expect:
  race: never
  final: [v == 2]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "counted.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_the_script_goes_to_stdout_and_what_is_left_out_to_stderr(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["python", str(file)]) == 0
    out, err = capfd.readouterr()
    assert 'assert v == 2, "final: v == 2"' in out
    compile(out, "script", "exec")
    assert f"{file}:7:" in err
    assert "race: never" in err
    assert "race: never" in out.partition("import")[0]


def test_a_file_is_written_whole_and_not_replaced_unasked(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "main.py"
    assert run_cli(["python", str(file), "-o", str(script), "--quiet", "--set", "threads.a.count=3"]) == 0
    assert "range(3)" in script.read_text(encoding="utf-8")
    assert capfd.readouterr() == ("", "")
    assert run_cli(["python", str(file), "-o", str(script)]) == 2
    assert "--force replaces it" in capfd.readouterr().err
    assert run_cli(["python", str(file), "-o", str(script), "--force", "-q"]) == 0
    assert run_cli(["python", str(file), "--force"]) == 2


def test_where_something_cannot_be_said_nothing_is_written(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE.replace("count: 2", "count: any"), encoding="utf-8")
    script = tmp_path / "main.py"
    assert run_cli(["python", str(file), "-o", str(script)]) == 2
    assert f"{file}:5:3: any number of threads" in capfd.readouterr().err
    assert not script.exists()
