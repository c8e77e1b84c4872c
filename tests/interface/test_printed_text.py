"""No text of a file moves a terminal's cursor, sets its title or its clipboard, or turns the reading direction."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenrun
from scenrun.interface.cli.main import run_cli
from scenrun.printable import harmless_json

EVIL = st.text(
    st.sampled_from("\x1b\x07\x7f\x9b\x9d\x08\r\t\x00\u202e\u2066\u2028\ufeffab]0;52c[2J=é"), min_size=1, max_size=12
)
TOLD = ("Cc", "Cf", "Zl", "Zp", "Cs")
"""Categories of characters that a terminal may obey."""


def scenario(text: str) -> dict[str, Any]:
    """A scenario that says a text wherever it can say one."""
    key = json.dumps(f"{text}")
    return {
        "scenario": "evil",
        "description": f"begins {text} ends",
        "log": {"fields": {"who": f"f{text}"}},
        "sync": {"q": "queue"},
        "state": {"seen": f"s{text}", "m": {}},
        "threads": {
            "a": {"do": [
                {"log": f"m{text}".replace("{", "(").replace("}", ")")}, {"set": {f"m[{key}]": 1}}, {"put": {"queue": "q", "item": "seen"}},
                {"assert": {"that": "seen == 1", "message": f"a{text}".replace("{", "(").replace("}", ")")}},
            ]},
            "b": {"do": [{"raise": f"ValueError: r{text}".replace("{", "(").replace("}", ")")}]},
        },
        "expect": {
            "final": [f"seen == {key}"], "outcomes": {"observe": ["seen", "m"], "allowed": [[1, 2]]},
            "verdict": ["violated", "exception"],
        },
    }  # fmt: skip


def is_harmless(shown: str) -> bool:
    """Whether a terminal shows these characters, and does nothing else."""
    return all(c == "\n" or unicodedata.category(c) not in TOLD for c in shown)


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("validate", "FILE"), ("explain", "FILE"), ("FILE", "--log", "LOG"), ("simulate", "FILE", "--log", "LOG"),
    ("simulate", "FILE", "--format", "console", "--level", "debug"), ("explore", "FILE", "--save", "SCHEDULE"),
    ("explore", "FILE", "--json"), ("replay", "SCHEDULE", "FILE", "--log", "LOG"), ("play", "FILE"),
    ("stats", "FILE"), ("stats", "FILE", "--json"), ("stats", "FILE", "--csv"), ("timeline", "FILE"),
    ("trace", "FILE", "--mermaid", "-o", "OUT"), ("list",), ("test", "FILE"), ("sweep", "FILE", "--seeds", "2", "--quiet"),
)  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVIL)
def test_no_command_shows_a_text_raw(
    tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    """Whatever command, and whatever a scenario says in descriptions, messages, exceptions, items and outcomes."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "scenarios").mkdir()
    words = {
        "FILE": str(folder / "scenarios/evil.yaml"), "LOG": str(folder / "log"), "SCHEDULE": str(folder / "hang.json"), "OUT": str(folder / "out"),
    }  # fmt: skip
    Path(words["FILE"]).write_text(json.dumps(scenario(text)), encoding="utf-8")
    before, stdin = os.getcwd(), sys.stdin
    os.chdir(folder)
    try:
        for command in COMMANDS:
            Path(words["OUT"]).unlink(missing_ok=True)
            sys.stdin = io.StringIO("1\n1\n1\n1\nl\nq\n")
            status = run_cli([words.get(word, word) for word in command])
            shown = capfd.readouterr()
            assert "itself failed" not in shown.err, (command, shown.err)
            assert status in (0, 1, 2, 3), (command, shown.err)
            out = shown.out if "--json" not in command else "\n".join(map(repr, shown.out.splitlines()))
            assert is_harmless(out), (command, shown.out)
            assert is_harmless(shown.err), (command, shown.err)
    finally:
        os.chdir(before)
        sys.stdin = stdin


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(EVIL)
def test_no_message_of_validation_shows_a_text_raw(
    tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    """As a key, a name, a verb, an expression, a duration, a target, and in what is no YAML at all."""
    path = tmp_path_factory.mktemp("evil") / "evil.yaml"
    key = json.dumps(text)
    for line in (
        f"{key}: 1", f"threads: {{{key}: {{do: []}}}}", f"threads: {{a: {{do: [{{{key}: x}}]}}}}", f"state: {{x: {key}}}",
        f"threads: {{a: {{do: [{{set: {{x: {key}}}}}]}}}}", f"threads: {{a: {{do: [{{sleep: {key}}}]}}}}",
        f"threads: {{a: {{target: {key}}}}}", f"seed: {key}", f"sync: {{q: {key}}}", f"threads: {text}", f"expect: {{final: [{key}]}}",
    ):  # fmt: skip
        path.write_bytes(f"scenario: evil\n{line}\n".encode("utf-8", "surrogatepass"))
        run_cli(["validate", str(path)])
        shown = capfd.readouterr()
        assert "itself failed" not in shown.err, shown.err
        assert is_harmless(shown.err + shown.out), (line, shown.err)


@settings(max_examples=20, deadline=None)
@given(EVIL)
def test_no_result_of_the_library_shows_a_text_raw(text: str) -> None:
    """What a notebook and an interpreter show of a result."""
    loaded = scenrun.load(scenario(text))
    for result in (scenrun.simulate(loaded), scenrun.explore(loaded)):
        assert is_harmless(str(result))
        assert is_harmless(repr(result))
        assert is_harmless(result._repr_html_())


@given(EVIL)
def test_harmless_json_says_the_same(text: str) -> None:
    """Every character is there, as an escape that JSON knows."""
    raw = json.dumps({"text": text}, ensure_ascii=False)
    assert json.loads(harmless_json(raw)) == {"text": text}
    assert is_harmless(harmless_json(raw))


def test_a_log_on_a_terminal_is_harmless_too(tmp_path: Path) -> None:
    """JSON escapes control characters below a space by itself; those above, and what turns the direction, on a terminal."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    path = tmp_path / "evil.yaml"
    path.write_text(json.dumps(scenario("\x9b2J\x7f\u202e")), encoding="utf-8")
    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "scenrun", "simulate", str(path), "--level", "debug"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    out = b""
    with contextlib.suppress(OSError):
        while data := os.read(ours, 65_536):
            out += data
    started.wait()
    os.close(ours)
    assert is_harmless(out.decode().replace("\r\n", "\n"))
    assert "\\u009b2J" in out.decode()
