"""`scenrun trace --mermaid`, and the command: diagrams say what the log says; what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from traces import _WORDS, ROOT, SCENARIOS, broken_rules, check_grammar, drawn, line, log_of, slices_of

from scenrun.report.mermaid import escaped

# --- diagrams


@pytest.mark.parametrize("name", [path.stem for path in SCENARIOS])
def test_the_diagram_of_a_scenario_is_one_of_mermaid(name: str, simulated: Any) -> None:
    """Every line is of its grammar, every participant known before it is used, no bar ends that has not begun."""
    assert check_grammar(drawn(simulated(name))) > 1


def test_a_diagram_says_what_it_left_out(simulated: Any) -> None:
    """Messages beyond the limit are counted; findings and the verdict are there all the same."""
    text = drawn(simulated("dining_philosophers"), limit=3)
    assert "the first 3 messages are shown, " in text
    assert "deadlock: philosopher[0]" in text
    assert text.count("->>") == 3
    assert text.splitlines()[-1].endswith("deadlock after 24 us")


def test_a_diagram_shows_starts_puts_gets_and_hand_overs() -> None:
    """Each as an arrow from who acts."""
    text = drawn(
        [
            line(0, "thread.starting", 0.0, object="w"),
            line(1, "queue.put", 0.1, object="q", size=1, value=7),
            line(2, "queue.got", 0.2, "w", object="q", size=0, value=7),
            line(3, "lock.acquired", 0.3, "w", object="l", acquired=True, waited_s=0.0),
            line(4, "lock.acquiring", 0.4, object="l"),
            line(5, "lock.releasing", 0.5, "w", object="l"),
            line(6, "lock.released", 0.5, "w", object="l"),
            line(7, "lock.acquired", 0.6, object="l", acquired=True, waited_s=0.2),
        ]
    )
    assert [each.strip() for each in text.splitlines() if ">" in each or "-)" in each] == [
        "p0->>p1: starts",
        "p0->>p2: puts 7 (1 in it)",
        "p2-->>p1: gives 7 (0 in it)",
        "p1->>+p3: acquires",
        "p3-->>-p1: released",
        "p1-)p0: frees: waited for l for 200 ms",
        "p0->>+p3: acquires after 200 ms",
    ]


def test_a_diagram_counts_every_message_and_note_beyond_its_limit() -> None:
    """Of four starts and one message two are shown and three left out."""
    starts = [line(n, "thread.starting", 0.0, object=f"t{n}") for n in range(4)]
    text = drawn([*starts, line(4, "message", 0.0, message="hello")], limit=2)
    assert "the first 2 messages are shown, 3 are left out" in text


def test_a_wait_for_a_queue_is_told_by_its_put_and_get_alone() -> None:
    """An arrow from who put to who got would say the same again."""
    text = drawn(
        [
            line(0, "queue.getting", 0.0, "B", object="q"),
            line(1, "queue.put", 1.0, "A", object="q", size=1, waited_s=0.0),
            line(2, "queue.got", 1.1, "B", object="q", size=0, waited_s=1.1),
        ]
    )
    assert "frees" not in text
    assert text.count(">>") == 2


def test_a_lock_is_not_held_while_its_holder_waits_on_a_condition() -> None:
    """Its bar ends with the wait, and begins anew when the thread is woken."""
    text = drawn(
        [
            line(0, "lock.acquired", 0.0, object="c.lock", acquired=True),
            line(1, "condition.waiting", 1.0, object="c"),
            line(2, "condition.woken", 2.0, object="c", value=True, waited_s=1.0),
            line(3, "lock.released", 3.0, object="c.lock"),
        ]
    )
    assert [each.strip() for each in text.splitlines() if ">>" in each] == [
        "p0->>+p1: acquires",
        "p1-->>-p0: given up, to wait on c",
        "p0->>+p1: acquires again after 1 s",
        "p1-->>-p0: released",
    ]


@pytest.mark.parametrize("text", ["a;b", "a#b", "a\nb", "end", "End", "wrap: a", "%%{init}%%", "$$x$$", "", "<br/>"])
def test_a_text_means_nothing_to_mermaid(text: str) -> None:
    """What Mermaid would take for its own is written as an entity, and reads the same."""
    out = escaped(text)
    assert re.fullmatch(_WORDS, out)
    assert out.lower() != "end"
    assert not out.startswith("wrap:")
    assert re.sub(r"#(\d+);", lambda m: chr(int(m[1])), out) == (text.replace("\n", "�") or "?")


# --- the command


def command(*arguments: str, cwd: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A command line, run."""
    return subprocess.run(
        [sys.executable, "-m", "scenrun", *arguments], cwd=cwd, input=stdin, capture_output=True, timeout=60
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log in a folder of its own."""
    return log_of(ROOT / "scenarios" / "dining_philosophers.yaml", tmp_path)


def test_the_command_writes_the_file_and_never_over_another(log: Path) -> None:
    """Without --force a file stays as it is, with exit status 2; with it it is replaced."""
    folder = log.parent
    assert command("trace", log.name, "-o", "t.json", cwd=folder).returncode == 0
    assert json.loads((folder / "t.json").read_bytes())["metadata"]["verdict"] == "deadlock"
    (folder / "t.json").write_text("mine")
    again = command("trace", log.name, "-o", "t.json", cwd=folder)
    assert (again.returncode, (folder / "t.json").read_text()) == (2, "mine")
    assert b"--force" in again.stderr
    assert command("trace", log.name, "-o", "t.json", "--force", cwd=folder).returncode == 0


def test_a_log_comes_from_a_pipe_and_a_trace_goes_to_one(log: Path) -> None:
    """- is standard input, and -o - stdout; the trace is the same."""
    folder = log.parent
    piped = command("trace", "-", "-o", "-", cwd=folder, stdin=log.read_bytes())
    assert command("trace", log.name, "-o", "t.json", cwd=folder).returncode == 0
    assert piped.stdout == (folder / "t.json").read_bytes()


def test_a_log_at_info_level_has_lives_and_messages_and_says_what_is_missing(tmp_path: Path) -> None:
    """The note names --level debug, and what needs it."""
    log = log_of(ROOT / "scenarios" / "dining_philosophers.yaml", tmp_path, level="info")
    done = command("trace", log.name, "-o", "-", cwd=tmp_path)
    trace = json.loads(done.stdout)
    assert b"need a run with --level debug" in done.stderr
    assert len(slices_of(trace, "alive")) == 6
    assert sum(r["ph"] == "i" and r["cat"] == "message" for r in trace["traceEvents"]) == 5
    assert b"--level debug" in command("trace", log.name, "--mermaid", cwd=tmp_path).stderr


def test_a_cut_log_is_traced_as_far_as_it_goes(log: Path) -> None:
    """The last line is half there: what could be read is in the trace, and stderr says what was skipped."""
    done = command("trace", "-", "-o", "-", cwd=log.parent, stdin=log.read_bytes()[:-300])
    assert done.returncode == 0
    assert b"cut off" in done.stderr
    assert list(broken_rules(json.loads(done.stdout))) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["-o", "t.json", "--limit", "3"], b"--mermaid"), ([], b"-o trace.json"), (["-o", "no/t.json"], b"no folder")],
)
def test_what_would_have_no_effect_is_refused(arguments: list[str], says: bytes, log: Path) -> None:
    """Exit status 2, and a sentence that says what to do."""
    done = command("trace", log.name, *arguments, cwd=log.parent)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_diagram_goes_to_stdout_and_its_cut_to_stderr(log: Path) -> None:
    """Unless -o names a file."""
    done = command("trace", log.name, "--mermaid", "--limit", "4", cwd=log.parent)
    assert check_grammar(done.stdout.decode()) > 4
    assert b"the first 4 messages are shown" in done.stderr
    assert command("trace", log.name, "--mermaid", "-o", "d.mmd", cwd=log.parent).stdout == b""


def test_the_diagram_of_the_page_is_what_the_command_writes(simulated: Any) -> None:
    """docs/trace.md shows the diagram of self_deadlock as it is."""
    (block,) = re.findall(r"^```mermaid\n(.*?)^```", (ROOT / "docs" / "trace.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block == drawn(simulated("self_deadlock"))
