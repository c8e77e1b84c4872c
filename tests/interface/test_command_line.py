"""The command line as a user meets it: output, exit statuses, signals, pipes, disks, wrong input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

ENDLESS = "scenario: endless\nthreads:\n  beat:\n    do:\n      - while: true\n        do:\n          - log: tick\n          - sleep: 5ms\n"
QUICK = 'scenario: quick\nstate: {n: 0}\nthreads:\n  one:\n    do:\n      - set: {n: n + 1}\n      - log: "n is {n}"\nexpect:\n  final: ["n == 1"]\n'
STUCK = "scenario: stuck\nsync: {guard: lock}\nthreads:\n  one:\n    do:\n      - acquire: guard\n      - acquire: guard\nexpect: {verdict: deadlock}\n"


def scenrun(*arguments: str, text: str | None = None, cwd: Path | None = None, timeout: float = 60) -> Any:
    """Run the command line; standard input is `text`."""
    command = [sys.executable, "-m", "scenrun", *arguments]
    return subprocess.run(command, input=text or "", text=True, capture_output=True, timeout=timeout, cwd=cwd)


def started(*arguments: str) -> subprocess.Popen[bytes]:
    """The command line, going on beside the test."""
    command = [sys.executable, "-m", "scenrun", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def events(output: str) -> list[dict[str, Any]]:
    """The lines of a log."""
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A file that holds."""
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK)
    return path


def test_a_file_alone_is_run(quick: Path) -> None:
    """`scenrun FILE` is `scenrun run FILE`: JSON lines on stdout, a summary on stderr, status 0."""
    done = scenrun(str(quick))
    assert done.returncode == 0
    assert events(done.stdout)[0]["event"] == "run.started"
    assert events(done.stdout)[-1]["event"] == "run.finished"
    assert done.stderr.startswith("ok: holds")


def test_options_may_stand_before_the_file(quick: Path) -> None:
    """`scenrun --quiet FILE` runs too, and says nothing on stderr."""
    done = scenrun("--quiet", str(quick))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dash_reads_the_scenario_from_standard_input() -> None:
    """`scenrun -`."""
    done = scenrun("-", text=QUICK)
    assert done.returncode == 0
    assert events(done.stdout)[0]["scenario"] == "quick"


def test_an_unexpected_verdict_is_status_one() -> None:
    """The file expects `holds`, and an expectation is broken."""
    done = scenrun("-", text=QUICK.replace("n == 1", "n == 2"))
    assert done.returncode == 1
    assert "not ok: violated" in done.stderr
    assert "n is 1" in done.stderr
    assert "look closer: scenrun - --seed 0 --level debug" in done.stderr


def test_a_wrong_file_is_status_two_and_prints_nothing() -> None:
    """Errors go to stderr, and stdout stays JSON lines."""
    done = scenrun("-", text="scenario: x\nthreds: {}\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "<stdin>:2:1: unknown key `threds`; did you mean `threads`?" in done.stderr


def test_a_missing_file_is_a_sentence() -> None:
    """No traceback for a user's mistake."""
    done = scenrun("nothing_here.yaml")
    assert done.returncode == 2
    assert "nothing_here.yaml: cannot be read: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_command_is_suggested() -> None:
    """`scenrun explian`."""
    done = scenrun("explian", "x.yaml")
    assert done.returncode == 2
    assert "did you mean `explain`?" in done.stderr


def test_a_limit_is_status_three_and_tells_what_everyone_did() -> None:
    """An endless run is ended at its limit; the verdict is incomplete, and every thread is shown."""
    done = scenrun("-", "--time-limit", "200ms", text=ENDLESS)
    assert done.returncode == 3
    last = events(done.stdout)[-1]
    assert last["verdict"] == "incomplete"
    assert {t["thread"] for t in last["findings"][0]["threads"]} == {"main", "beat"}


def test_a_limit_of_steps_ends_a_loop_that_never_sleeps() -> None:
    """A livelock meets `limits.steps`."""
    text = "scenario: spin\nlimits: {steps: 1000}\nthreads:\n  one:\n    do:\n      - while: true\n        do: []\n"
    done = scenrun("-", text=text)
    assert done.returncode == 3
    assert "the limit of 1,000 steps was reached" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_cleanly(number: int, status: int, tmp_path: Path) -> None:
    """The log is complete up to `run.finished`, and nothing hangs."""
    path = tmp_path / "endless.yaml"
    path.write_text(ENDLESS)
    with started(str(path)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = [process.stdout.readline() for _ in range(5)]
        process.send_signal(number)
        lines = events((b"".join(first) + process.stdout.read()).decode())
        stderr = process.stderr.read()
    assert process.returncode == status
    assert lines[-1]["event"] == "run.finished"
    assert lines[-1]["verdict"] == "incomplete"
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    assert signal.Signals(number).name in stderr.decode()


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """`| head -1`: no traceback, status 141, and the process ends by itself."""
    path = tmp_path / "endless.yaml"
    path.write_text(ENDLESS)
    with started(str(path)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 141
        assert process.stderr.read() == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_a_sentence(quick: Path) -> None:
    """The output fails midway: status 4, and one sentence."""
    done = scenrun(str(quick), "--log", "/dev/full")
    assert done.returncode == 4
    assert "cannot write the log to /dev/full: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_that_cannot_be_opened_is_status_two(quick: Path, tmp_path: Path) -> None:
    """Nothing is started."""
    done = scenrun(str(quick), "--log", str(tmp_path / "no" / "folder.jsonl"))
    assert done.returncode == 2
    assert "its folder does not exist" in done.stderr


def test_the_log_goes_to_a_file(quick: Path, tmp_path: Path) -> None:
    """stdout stays empty."""
    done = scenrun(str(quick), "--log", str(tmp_path / "log.jsonl"))
    assert (done.returncode, done.stdout) == (0, "")
    assert events((tmp_path / "log.jsonl").read_text())[-1]["ok"] is True


@pytest.mark.parametrize("flush", ["auto", "line"])
def test_lines_reach_a_reader_while_the_run_goes_on(flush: str, tmp_path: Path) -> None:
    """Someone who watches a pipe sees lines long before the end."""
    path = tmp_path / "slow.yaml"
    path.write_text('scenario: slow\nthreads:\n  one:\n    do:\n      - log: "first"\n      - sleep: 20s\n')
    with started(str(path), "--flush", flush) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(4)]
        assert process.poll() is None
        process.terminate()
        process.stdout.read()
    assert any(line.get("message") == "first" for line in lines)


def test_repeating_counts_verdicts_and_outcomes() -> None:
    """Run i uses seed + i, and the last line is the tally."""
    text = 'scenario: die\nthreads:\n  one:\n    do:\n      - set: {n: "random.randint(1, 2)"}\n      - set: {seen: n}\nstate: {seen: 0}\nexpect:\n  outcomes: {observe: [seen], allowed: [[1], [2]]}\n'
    done = scenrun("-", "--repeat", "12", "--seed", "5", text=text)
    lines = events(done.stdout)
    assert done.returncode == 0
    assert [e["seed"] for e in lines if e["event"] == "run.started"] == list(range(5, 17))
    tally = lines[-1]
    assert tally["event"] == "tally.finished"
    assert tally["verdicts"] == {"holds": 12}
    assert sum(each["runs"] for each in tally["outcomes"]) == 12
    assert {tuple(each["outcome"]) for each in tally["outcomes"]} == {(1,), (2,)}


def test_until_stops_at_what_was_looked_for() -> None:
    """A deadlock in the first run: no second one is made."""
    done = scenrun("-", "--until", "deadlock", "--repeat", "5", text=STUCK)
    assert done.returncode == 0
    assert events(done.stdout)[-1]["runs"] == 1
    assert "deadlock in run 1 (seed 0)" in done.stderr


def test_until_without_a_find_is_status_one() -> None:
    """What was looked for did not come, and that proves nothing."""
    done = scenrun("-", "--until", "deadlock", "--repeat", "3", text=QUICK)
    assert done.returncode == 1
    assert "no deadlock in 3 runs, which does not prove that there is none" in done.stderr


def test_set_overrides_a_value_of_the_file() -> None:
    """`--set threads.one.count=3`, also where the file does not give the key."""
    done = scenrun("-", "--set", "threads.one.count=3", "--quiet", text=QUICK.replace("n == 1", "n <= 3"))
    started = [e["thread"] for e in events(done.stdout) if e["event"] == "thread.started"]
    assert started.count("main") == 1
    assert sorted(started)[1:] == ["one[0]", "one[1]", "one[2]"]
    assert events(done.stdout)[0]["overrides"] == {"threads.one.count": 3}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("threads.one", "written PATH=VALUE"),
        ("threads.two.count=3", "there is no `two`"),
        ("threads.one.count=0", "`count` is at least 1"),
        ("threads.one.cuont=2", "did you mean `count`?"),
    ],
)
def test_a_wrong_override_is_a_sentence(option: str, said: str) -> None:
    """Overrides are checked like the file."""
    done = scenrun("-", "--set", option, text=QUICK)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_deadlock_names_everyone_and_the_process_ends() -> None:
    """The finding has each thread, what it waits for, who holds it, and the line."""
    done = scenrun("-", text=STUCK)
    assert done.returncode == 0
    finding = next(e for e in events(done.stdout) if e["event"] == "finding")
    one = next(t for t in finding["threads"] if t["thread"] == "one")
    assert (one["operation"], one["object"], one["held_by"], one["line"]) == ("lock.acquire", "guard", ["one"], 7)
    assert "ok: deadlock, as expected" in done.stderr


def test_debug_says_what_was_left_out_at_info() -> None:
    """The number of lines that info leaves out is the number of lines that debug has more."""
    info, debug = scenrun("-", text=QUICK), scenrun("-", "--level", "debug", text=QUICK)
    hidden = events(info.stdout)[-1]["figures"]["not_shown"]
    assert hidden == len(events(debug.stdout)) - len(events(info.stdout))
    assert f"{hidden:,} lines below `info` were not shown" in info.stderr


def test_console_format_is_aligned_and_uncoloured_in_a_pipe() -> None:
    """One line an event, without escape sequences."""
    done = scenrun("-", "--format", "console", text=QUICK)
    assert "\x1b" not in done.stdout
    assert any(line.split()[1:] == ["one", "n", "is", "1"] for line in done.stdout.splitlines())


def test_new_writes_a_file_that_runs(tmp_path: Path) -> None:
    """`scenrun new NAME`, with the modeline, and never over a file that is there."""
    done = scenrun("new", "my_pipeline", cwd=tmp_path)
    text = (tmp_path / "my_pipeline.yaml").read_text()
    assert done.returncode == 0
    assert text.startswith("# yaml-language-server: $schema=")
    assert Path(text.splitlines()[0].partition("=")[2]).is_file()
    assert scenrun("my_pipeline.yaml", "--quiet", cwd=tmp_path).returncode == 0
    again = scenrun("new", "my_pipeline", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my-file", "a name is made of letters"),
        ("for", "a meaning of its own"),
        ("no/where", "No such file or directory"),
    ],
)
def test_new_refuses_what_cannot_be_a_name(name: str, said: str, tmp_path: Path) -> None:
    """A sentence, and no file."""
    done = scenrun("new", name, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["consumer", "worker", "sender", "producer", "updater", "waiter", "poller"])
def test_a_behaviour_prints_as_a_file_to_start_from(name: str) -> None:
    """What `scenrun behaviours NAME` prints is a scenario that is as it expects."""
    printed = scenrun("behaviours", name)
    done = scenrun("-", "--quiet", text=printed.stdout)
    assert done.returncode == 0


def test_new_from_a_behaviour(tmp_path: Path) -> None:
    """`--from` takes shipped scenarios and behaviours, and suggests."""
    assert scenrun("new", "mine", "--from", "updater", cwd=tmp_path).returncode == 0
    assert "did you mean `updater`?" in scenrun("new", "other", "--from", "updatr", cwd=tmp_path).stderr


def test_validate_starts_nothing_and_checks_every_file(quick: Path, tmp_path: Path) -> None:
    """One good and one bad file: both are told, the status is 2."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("scenario: bad\nthreads: {a: {do: [{aquire: x}]}}\n")
    done = scenrun("validate", str(quick), str(bad))
    assert done.returncode == 2
    assert f"{quick}: ok (quick)" in done.stdout
    assert "there is no verb `aquire`; did you mean `acquire`?" in done.stderr


def test_explain_shows_steps_with_lines(quick: Path) -> None:
    """Objects, threads and lowered steps."""
    done = scenrun("explain", str(quick))
    assert done.returncode == 0
    assert "variable.read n" in done.stdout
    assert "line 6: threads.one.do[0]" in done.stdout


def test_calls_are_refused_until_they_are_allowed(tmp_path: Path) -> None:
    """`call` runs the user's Python only with --allow-python."""
    text = 'scenario: mine\nstate: {n: 0}\nthreads:\n  one:\n    do:\n      - call: {function: "math:factorial", args: {}, into: n}\n'
    done = scenrun("-", text=text)
    assert done.returncode == 2
    assert "--allow-python" in done.stderr
    allowed = scenrun("-", "--allow-python", text=text.replace("math:factorial", "time:perf_counter"))
    assert allowed.returncode == 0, allowed.stderr
    missing = scenrun("-", "--allow-python", text=text.replace("math:factorial", "nowhere:nothing"))
    assert missing.returncode == 2
    assert "No module named 'nowhere'" in missing.stderr


def test_several_files_run_in_order(quick: Path, tmp_path: Path) -> None:
    """The status is the worst of them."""
    other = tmp_path / "other.yaml"
    other.write_text(QUICK.replace("scenario: quick", "scenario: other").replace("n == 1", "n == 5"))
    done = scenrun(str(quick), str(other))
    assert done.returncode == 1
    assert [e["scenario"] for e in events(done.stdout) if e["event"] == "run.started"] == ["quick", "other"]


def test_as_a_function_it_leaves_the_program_alone(quick: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No signal handler, no stdout, no global state; and two runs can go on in one process."""
    import scenrun as library

    before = signal.getsignal(signal.SIGINT), sys.getswitchinterval(), threading.active_count()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(library.run(quick))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [r.verdict for r in results] == ["holds", "holds"]
    assert (signal.getsignal(signal.SIGINT), sys.getswitchinterval()) == before[:2]
    deadline = time.monotonic() + 5
    while threading.active_count() > before[2] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before[2]
    assert capfd.readouterr() == ("", "")


def test_events_can_be_taken_as_mappings(quick: Path) -> None:
    """`log=` takes a function."""
    import scenrun as library

    seen: list[dict[str, Any]] = []
    result = library.run(quick, log=seen.append, level="debug")
    assert seen[-1]["verdict"] == result.verdict == "holds"
    assert result.state == {"n": 1}
    assert "variable.written" in {e["event"] for e in seen}


def test_a_mapping_can_be_loaded() -> None:
    """From Python, a scenario need not be a file."""
    import scenrun as library

    made = library.load({"scenario": "x", "threads": {"a": {"target": "worker", "args": {"duration": "1ms"}}}})
    assert library.run(made).ok
    with pytest.raises(library.ScenarioError, match="did you mean `target`"):
        library.load({"scenario": "x", "threads": {"a": {"targt": "worker"}}})


def test_a_log_never_replaces_the_scenario(quick: Path) -> None:
    """`--log` with the file's own name is refused before anything is written."""
    before = quick.read_text()
    done = scenrun(str(quick), "--log", str(quick))
    assert done.returncode == 2
    assert "would replace the scenario" in done.stderr
    assert quick.read_text() == before


def test_the_command_to_look_closer_runs_the_same_program() -> None:
    """It repeats what changed the program: overrides and limits, quoted for a shell."""
    done = scenrun("-", "--set", "threads.one.count=2", "--time-limit", "30s", text=STUCK)
    assert "look closer: scenrun - --set threads.one.count=2 --time-limit 30s --seed 0 --level debug" in done.stderr


def test_quiet_still_says_what_is_wrong() -> None:
    """Only a run that is as expected is silent."""
    done = scenrun("-", "--quiet", text=QUICK.replace("n == 1", "n == 2"))
    assert done.returncode == 1
    assert "not ok: violated" in done.stderr


def test_until_is_content_when_what_was_looked_for_has_come() -> None:
    """Also where the file does not expect it."""
    done = scenrun("-", "--until", "deadlock", "--repeat", "3", text=STUCK.replace("expect: {verdict: deadlock}\n", ""))
    assert done.returncode == 0
    assert "ok: 1 run of stuck: 1 deadlock" in done.stderr


@pytest.mark.parametrize("arguments", [("list",), ("schema", "event"), ("behaviours",), ("explain", "FILE")])
def test_every_command_ends_quietly_when_its_reader_has_left(arguments: tuple[str, ...], quick: Path) -> None:
    """Status 141, and nothing on stderr."""
    reader, writer = os.pipe()
    os.close(reader)  # before there is anybody who could be through by then
    command = [sys.executable, "-m", "scenrun", *(str(quick) if a == "FILE" else a for a in arguments)]
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=120)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_a_sentence_for_every_command() -> None:
    """No traceback, status 4."""
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "scenrun", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (4, "cannot write to stdout: No space left on device\n")
