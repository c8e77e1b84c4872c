"""What a broken file gets: every mistake at its place, in exactly these words, exit status 2 and no traceback."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

import scenrun
from scenrun.interface.cli.main import run_cli

FOLDER = Path(__file__).parent / "broken"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TRAPS = [name for name in NAMES if name.startswith("trap_")]
H = "scenario: generated\n"
WORKER = "threads: {worker: {target: worker}}\n"

LOG = ("--log", os.devnull)
SPARE = """scenario: spare
sync: {guard: lock}
state: {value: 0}
behaviours: {unused: {do: []}}
threads: {worker: {do: [{log: hello}, {set: {mine: 1}}]}}
stop: 10ms
"""
GENERATED: dict[str, tuple[bytes, str]] = {
    "brackets nested 100,000 deep": (
        f"{H}x-a: {'[' * 100_000}\n".encode(),
        "generated.yaml:2:69: nested more than 64 deep",
    ),
    "braces nested 100,000 deep": (
        f"{H}x-a: {'{a: ' * 100_000}\n".encode(),
        "generated.yaml:2:255: nested more than 64 deep",
    ),
    "ten megabytes": (
        H.encode() + b"#" * 10_000_000,
        "generated.yaml:1:1: the file has more than 1,000,000 bytes, the most that a scenario may have",
    ),
    "binary": (bytes(range(256)), "generated.yaml:2:1: byte 128 is not UTF-8; save the file as UTF-8 text"),
    "UTF-16": ((H + WORKER).encode("utf-16-le"), "generated.yaml:1:2: the character U+0000 is not allowed in YAML"),
    "a NUL": (f"{H}description: a\0b\n".encode(), "generated.yaml:2:15: the character U+0000 is not allowed in YAML"),
    "a mark in the middle": (
        f"{H}description: a\ufeffb\n{WORKER}".encode(),
        "generated.yaml:2:15: the character U+FEFF is not allowed in YAML",
    ),
    "too many nodes": (
        f"{H}x-a: [{', '.join('a' * 60_000)}]\n".encode(),
        "the file has more than 50,000 nodes (aliases counted as what they stand for)",
    ),
    "a number of 900,000 digits": (
        f"{H}seed: {'1' * 900_000}\n{WORKER}".encode(),
        "generated.yaml:2:7: a number of 900,000 digits; integers have at most 4,096 bits",
    ),
    "a duration of 900,000 digits": (
        f"{H}stop: {'1' * 900_000}s\n".encode(),
        f"generated.yaml:2:7: `{'1' * 40}` is longer than a year",
    ),
    "an endless text": (
        f"{H}threads: {{one: {{do: [{{log: {'a' * 900_000}}}]}}}}\n".encode(),
        "generated.yaml:2:28: a text of 900,000 characters; at most 20,000 are allowed",
    ),
    "behaviours that double": (
        (
            f"{H}behaviours:\n"
            + "".join(f"  b{i}: {{do: [{{run: b{i + 1}}}, {{run: b{i + 1}}}]}}\n" for i in range(40))
            + "  b40: {do: []}\nthreads: {one: {target: b0}}\n"
        ).encode(),
        "the program grows beyond 100,000 instructions; `run`, `spawn` and parameters multiply steps",
    ),
    "expressions that double": (
        (
            f"{H}behaviours:\n"
            + "".join(
                f"  b{i}: {{params: {{e{i}: expression}}, "
                f"do: [{{run: {{target: b{i + 1}, args: {{e{i + 1}: e{i} + e{i}}}}}}}]}}\n"
                for i in range(40)
            )
            + "  b40: {params: {e40: expression}, do: [{log: \"{e40}\"}]}\nthreads: {one: {target: b0, args: {e0: '1'}}}\n"
        ).encode(),
        "the program grows beyond 100,000 instructions; `run`, `spawn` and parameters multiply steps",
    ),
    "behaviours that run one another without end": (
        (
            f"{H}behaviours:\n"
            + "".join(f"  b{i}: {{do: [{{run: b{i + 1}}}]}}\n" for i in range(2_000))
            + "  b2000: {do: []}\nthreads: {one: {target: b0}}\n"
        ).encode(),
        "behaviours run, spawn or start one another too deep; use a loop, or fewer of them",
    ),
    "thousands of unknown keys": (
        (H + "".join(f"key{i}: 0\n" for i in range(5_000))).encode(),
        "... and 51 more problems",
    ),
}
"""Files too large to be kept: their bytes, and what must be said of them."""


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_file_gets_exactly_this_text(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`scenrun validate` prints every problem of the file, with line, column, excerpt and caret, and gives 2."""
    monkeypatch.chdir(FOLDER)
    status = run_cli(["validate", f"{name}.yaml"])
    printed = capsys.readouterr()
    assert printed.err == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert (status, printed.out) == (2, "")


def test_what_nobody_uses_is_a_warning_that_strict_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Objects, variables, behaviours, locals and an event of `stop` that nobody looks at, in the order of the file."""
    monkeypatch.chdir(tmp_path)
    Path("spare.yaml").write_text(SPARE)
    problems = [
        "spare.yaml:2:8: `guard` is never used; use it, or remove it",
        "spare.yaml:3:9: `value` is never used; use it, or remove it",
        "spare.yaml:4:14: `unused` is never used; use it, or remove it",
        "spare.yaml:5:46: the local `mine` is set but never read; read it, or begin its name with `_`",
        "spare.yaml:6:7: nobody looks at the event `stop`, so `stop` only makes main wait; use it, or remove `stop`",
    ]
    for arguments in (["validate"], ["run", *LOG], ["simulate", *LOG], ["explore"]):
        assert run_cli([*arguments, "spare.yaml"]) == 0
        warned = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
        assert warned == [f"warning: {problem}" for problem in problems], arguments
        assert run_cli([*arguments, "--strict", "spare.yaml"]) == 2
        printed = capsys.readouterr()
        assert [line for line in printed.err.splitlines() if line.startswith("spare")] == problems
        assert not printed.out
    assert run_cli(["run", *LOG, "--quiet", "spare.yaml"]) == 0
    assert not capsys.readouterr().err
    assert [str(one).splitlines()[0] for one in scenrun.load("spare.yaml").program.warnings] == problems
    with pytest.raises(scenrun.ScenarioError):
        scenrun.load("spare.yaml", strict=True)


def test_other_mistakes_stand_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a file is refused, what nobody uses may well follow from what is wrong, and is not shown."""
    monkeypatch.chdir(tmp_path)
    Path("spare.yaml").write_text(SPARE.replace("{log: hello}", "{acquire: gaurd}"))
    assert run_cli(["validate", "spare.yaml"]) == 2
    assert "warning" not in (printed := capsys.readouterr().err)
    assert "did you mean `guard`" in printed


@pytest.mark.parametrize(("data", "said"), GENERATED.values(), ids=GENERATED.keys())
def test_a_monstrous_file_gets_a_sentence(
    data: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Absurd depth, size, numbers and programs that multiply are refused, in a text that stays readable."""
    monkeypatch.chdir(tmp_path)
    Path("generated.yaml").write_bytes(data)
    assert run_cli(["validate", "generated.yaml"]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed) < 40_000


def test_an_excerpt_points_into_the_line_that_it_shows() -> None:
    """In every expected text a caret stands below a shown line, and every problem begins with file, line and column."""
    for name in NAMES:
        lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if line.strip() == "^":
                assert lines[number - 2].startswith(f"{name}.yaml:"), (name, line)
                assert len(line) <= len(lines[number - 1]) + 1, (name, line)
            elif not line.startswith("    "):
                assert re.match(rf"{name}\.yaml:\d+:\d+: |\.\.\. and \d+ more problems", line), (name, line)


@pytest.mark.parametrize("name", TRAPS)
def test_the_line_that_a_trap_s_message_shows_is_itself_good_yaml(name: str) -> None:
    """Whoever writes the line that the message shows has no second error of YAML."""
    said = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    shown = re.findall(r"(?:; write|in quotes:) `(.+?)`(?:,|\n)", said)
    for line in shown:
        read = yaml.safe_load(line)
        assert isinstance(read, dict if not line.startswith("- ") else list), line


def test_the_documented_traps_all_show_the_quoted_line() -> None:
    """Each trap that the language page names is answered with the line to write instead."""
    expected = {
        "trap_array_in_braces": '`- acquire: {lock: "forks[index]", timeout: 1s}`',
        "trap_item_as_key": '`- set: {"items[i]": 0}`',
        "trap_list_of_expressions": '`final: ["x[0] == 1"]`',
        "trap_second_colon": '`- log: "got: {item}"`',
        "trap_comma_in_braces": '`- put: {queue: pipeline, item: "random.randint(1, 101)"}`',
        "trap_text_of_one_hole": '`log: "{item}"`',
        "trap_comment_in_text": '`log: "got # {item}"`',
    }
    for name, line in expected.items():
        assert line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), name
