"""`scenrun test`: which files, in which ways, the table, JUnit XML, the exit status, and what ends it midway."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from scenrun.batch.suite.discovery import scenarios_among
from scenrun.batch.suite.junit import junit
from scenrun.batch.suite.run import Case, Trying
from scenrun.batch.suite.table import last_line, table
from scenrun.batch.suite.verdict import SuiteOptions, SuiteResult, harmless
from scenrun.interface.cli.main import run_cli

HELLO = "scenario: hello\nthreads: {worker: {do: [{log: hello}]}}\n"
STUCK = """\
scenario: stuck
sync: {a: lock, b: lock}
threads:
  one: {do: [{with: a, do: [{with: b, do: [{log: one}]}]}]}
  other: {do: [{with: b, do: [{with: a, do: [{log: other}]}]}]}
expect: {verdict: {simulate: holds, explore: holds}}
"""
SLOW = "scenario: slow\nmain: [{sleep: 1h}]\n"
BAD = "scenario: bad\nthreads: {worker: {do: [{aquire: guard}]}}\n"
DYING = 'scenario: dying\nmain: [{call: "dying:now"}]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where we are."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_of_folders_come_in_order_and_once(folder: Path) -> None:
    """Hidden folders and Python environments are passed over; what is named is taken whatever it is called."""
    for name in ("b.yaml", "a/z.yml", "a/b/c.yaml", ".hidden/d.yaml", "venv/lib/e.yaml", "f.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HELLO)
    (folder / "venv" / "pyvenv.cfg").write_text("")
    (folder / "other.yaml").write_text("a: 1\n")
    assert scenarios_among([".", "b.yaml", "a", "./f.txt"]) == ["b.yaml", "a/z.yml", "a/b/c.yaml", "f.txt"]


def test_each_scenario_in_each_of_its_ways(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One row each, failures first, then what was found with the command to see it, then a sum; status 1."""
    (folder / "hello.yaml").write_text(HELLO)
    (folder / "stuck.yaml").write_text(STUCK)
    assert run_cli(["test", ".", "--jobs", "2"]) == 1
    head, _, *lines = capfd.readouterr().out.splitlines()
    assert head.split() == ["scenario", "way", "verdict", "expected", "time"]
    rows = [line.split()[:-2] for line in lines[:3]]
    assert rows == [
        ["stuck.yaml", "explore", "not", "ok", "deadlock", "holds"],
        ["hello.yaml", "simulate", "holds", "holds"],
        ["stuck.yaml", "simulate", "holds", "holds"],
    ]
    text = "\n".join(lines)
    assert "one waits for b, which other holds" in text
    assert "keep it: scenrun explore stuck.yaml --save schedule.json; then scenrun replay" in text
    assert re.fullmatch(r"not ok: 2 tests ok, 1 failure \(1 deadlock\), .* s", lines[-1])


def test_how_names_the_ways_of_all(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`--how` again and again or with commas; a way that there is not is refused."""
    (folder / "hello.yaml").write_text(HELLO)
    assert run_cli(["test", ".", "--how", "run,simulate", "--how", "explore", "--jobs", "1"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert [line.split()[1] for line in out[2:5]] == ["run", "simulate", "explore"]
    assert out[-1].startswith("ok: 3 tests ok, ")
    assert run_cli(["test", ".", "--how", "walk"]) == 2
    assert "--how walk: the ways of testing are run, simulate, explore" in capfd.readouterr().err


def test_a_verdict_for_virtual_time_is_a_way_of_its_own(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A stall that a time-out ends: any delay breaks it, and the clock's order does not."""
    text = """
scenario: stall
sync: {done: event}
state: {came: false}
threads:
  waits: {do: [{wait: {event: done, timeout: 1s, into: came}}]}
  works: {do: [{sleep: 5ms}, {set_event: done}]}
expect: {final: [came], verdict: {explore: violated, virtual: VIRTUAL}}
"""
    (folder / "stall.yaml").write_text(text.replace("VIRTUAL", "holds"))
    assert run_cli(["test", str(folder / "stall.yaml")]) == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines() if "stall.yaml" in line]
    assert [row[1:4] for row in rows] == [["explore", "violated", "violated"], ["virtual", "holds", "holds"]]
    (folder / "stall.yaml").write_text(text.replace(", virtual: VIRTUAL", ""))
    assert run_cli(["test", str(folder / "stall.yaml"), "--how", "virtual"]) == 1
    assert run_cli(["explore", str(folder / "stall.yaml"), "--time", "virtual", "--quiet"]) == 1


def test_a_wrong_file_is_a_row_and_not_the_end(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is wrong is told with its place, the others are tested; status 2."""
    (folder / "bad.yaml").write_text(BAD)
    (folder / "hello.yaml").write_text(HELLO)
    assert run_cli(["test", "."]) == 2
    out = capfd.readouterr().out
    assert "bad.yaml:2:26: there is no verb `aquire`; did you mean `acquire`?" in out
    assert "not ok: 1 test ok, 1 failure (1 wrong file)" in out


def test_incomplete_has_a_status_of_its_own(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And the limit that came first stands in the command that shows more."""
    (folder / "slow.yaml").write_text(SLOW)
    assert run_cli(["test", "slow.yaml", "--time-limit", "1s"]) == 3
    out = capfd.readouterr().out
    assert "incomplete: the file expects holds" in out
    assert "scenrun simulate slow.yaml --seed 0 --time-limit 1s --level debug" in out


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_process_that_dies_costs_its_own_row(jobs: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever was tested beside it is tested again, and comes out as if nothing had happened; status 4."""
    (folder / "dying.yaml").write_text(DYING)
    (folder / "dying.py").write_text("import os\n\n\ndef now(): os._exit(3)\n")
    for number in range(4):
        (folder / f"hello_{number}.yaml").write_text(HELLO)
    assert run_cli(["test", ".", "--jobs", jobs, "--allow-python"]) == 4
    out = capfd.readouterr().out
    assert "not ok: 4 tests ok, 1 failure (1 error)" in out
    assert "the process that tested this ended before it was done" in out


def test_real_runs_come_last_and_alone(folder: Path) -> None:
    """Nothing is searched or simulated beside them."""
    (folder / "hello.yaml").write_text(HELLO)
    cases = [Case("hello.yaml", way) for way in ("run", "explore", "run", "simulate")]
    trying = Trying(SuiteOptions(), 4, lambda: None)
    seen = [one.way for one in trying.results(cases)]
    assert sorted(seen[:2]) == ["explore", "simulate"]
    assert seen[2:] == ["run", "run"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "there is no file and no folder nowhere"),
        (["empty"], "there are no scenarios in empty"),
        (["hello.yaml", "--time-limit", "3"], "--time-limit: "),
        (["hello.yaml", "--expect", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["hello.yaml", "--expect", "wrong.txt"], "unknown key `expects`; did you mean `expect`?"),
        (["hello.yaml", "--junit", "hello.yaml"], "would replace the scenario"),
        (["hello.yaml", "--junit", "empty"], "empty"),
        (["hello.yaml", "--junit", "no/where.xml"], "no/where.xml"),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], told: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Status 2 and a sentence, before anything is tested."""
    (folder / "hello.yaml").write_text(HELLO)
    (folder / "wrong.txt").write_text("expects: {final: []}\n")
    (folder / "empty").mkdir()
    assert run_cli(["test", *arguments]) == 2
    out = capfd.readouterr()
    assert told in out.err
    assert out.out == ""


def test_a_teachers_file_judges_all(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Also in which ways."""
    (folder / "stuck.yaml").write_text(STUCK)
    (folder / "teacher.txt").write_text("expect: {verdict: {explore: deadlock}}\n")
    assert run_cli(["test", ".", "--expect", "teacher.txt"]) == 0
    assert "ok: 1 test ok" in capfd.readouterr().out


def test_quiet_shows_what_is_not_ok(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And the last line, which is all where everything is."""
    (folder / "hello.yaml").write_text(HELLO)
    assert run_cli(["test", ".", "-q"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 1


def test_ctrl_c_keeps_what_is_done(folder: Path) -> None:
    """The table and the XML have what was done, the last line says how much was not; no process is left over."""
    (folder / "a_hello.yaml").write_text(HELLO)
    (folder / "b_waits.yaml").write_text('scenario: waits\nmain: [{call: "waiting:long"}]\n')
    (folder / "waiting.py").write_text("import time\n\n\ndef long(): time.sleep(1000)\n")
    command = [sys.executable, "-m", "scenrun", "test", ".", "--jobs", "1", "--allow-python", "--junit", "out.xml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not _children(process.pid):
            time.sleep(0.05)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert re.search(r"a_hello.yaml +simulate +holds", out)
    assert "1 test left out" in out.splitlines()[-1]
    assert "ended by SIGINT" in err
    assert len(list(Xml.parse(folder / "out.xml").iter("testcase"))) == 1


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


# --- forms


def judged(file: str, verdict: str = "holds", *, ok: bool = True, text: str = "") -> SuiteResult:
    """A result that nobody came to."""
    return SuiteResult(file, "explore", verdict, ("holds",), ok, 0.25, text.partition("\n")[0], text)


def test_a_long_name_is_cut_at_its_beginning() -> None:
    """The columns fit the width, and the name's end is what tells files apart."""
    lines = table([judged("scenarios/" * 20 + "write_skew.yaml"), judged("b.yaml")], 80)
    assert all(len(line) <= 80 for line in lines)
    assert "…" in lines[2]
    assert "/write_skew.yaml  explore" in lines[2]


def test_a_name_cannot_harm_a_terminal() -> None:
    """Control characters and marks that turn the direction are shown as escapes."""
    text = "\n".join(table([judged("a\x1b[2J\u202e.yaml")], 80))
    assert "a\\x1b[2J\\u202e.yaml" in text


def test_what_is_long_is_cut_visibly() -> None:
    """A line of it, and the whole: both say how much was left out."""
    assert harmless("x" * 1_500) == "x" * 993 + " …+507"
    assert harmless("word\n" * 5_000) == "word\n" * 4_000 + "\n… 5,000 more characters"


def test_the_last_line_counts() -> None:
    """Those that are ok, the others by verdict, and what was left out."""
    results = [
        judged("a"),
        judged("b", "deadlock", ok=False),
        judged("c", "race", ok=False),
        judged("d", "race", ok=False),
    ]
    assert last_line(results, 1.5, 2) == "not ok: 1 test ok, 3 failures (1 deadlock, 2 race), 1.50 s; 2 tests left out"
    assert last_line(results[:1], 1.5) == "ok: 1 test ok, 1.50 s"


def test_the_xml_is_what_servers_read(folder: Path) -> None:
    """Names, times and counts as the usual schema asks for; failures and errors with their texts."""
    results = [
        judged("./scenarios/a.yaml"),
        judged("../b.yaml", "deadlock", ok=False, text='not ok: <deadlock> & "more"\nsecond line'),
        judged("/c.yaml", "wrong file", ok=False, text="wrong"),
        judged("d.yaml", "error", ok=False, text="error"),
        judged("e.yaml", "incomplete", ok=False, text="incomplete"),
    ]
    root = Xml.fromstring(junit(results, 1_700_000_000.0, 1.5))
    check_schema(root)
    [suite] = root
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "2", "2", "0"]
    assert suite.get("timestamp") == "2023-11-14T22:13:20"
    assert [case.get("classname") for case in suite] == ["scenarios.a", "b", "c", "d", "e"]
    assert [[(found.tag, found.get("type")) for found in case] for case in suite] == [
        [], [("failure", "deadlock")], [("error", "wrong file")], [("error", "error")], [("failure", "incomplete")],
    ]  # fmt: skip
    failure = suite[1][0]
    assert failure.get("message") == 'not ok: <deadlock> & "more"'
    assert failure.text == 'not ok: <deadlock> & "more"\nsecond line'


def check_schema(root: Xml.Element) -> None:
    """The rules of the JUnit schema that servers share: elements, required attributes, their types, and sums."""
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"} == set(suite.keys())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert suite.get("tests") == str(len(suite))
        for case in suite:
            assert case.tag == "testcase"
            assert {"classname", "name", "time"} == set(case.keys())
            assert all(case.get(name) for name in ("classname", "name"))
            assert re.fullmatch(r"\d+\.\d+", case.get("time", ""))
            assert len(case) <= 1
            for found in case:
                assert found.tag in ("failure", "error")
                assert {"message", "type"} == set(found.keys())
        for tag, total in (("failure", "failures"), ("error", "errors")):
            assert suite.get(total) == str(len(list(suite.iter(tag))))


def test_control_characters_do_not_break_the_xml(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever a fault's text holds, the file can be read, and shows it as escapes; a very long one is cut visibly."""
    loud = 'scenario: loud\nmain: [{raise: "ValueError: \\0\\e[2J]]></x>\\u202e"}]\n'
    (folder / "loud.yaml").write_text(loud)
    (folder / "long.yaml").write_text(
        "scenario: long\nstate: {x: 'y'}\nmain: [{set: {x: 'x * 50000'}}, {assert: {that: false, message: '{x}'}}]\n"
    )
    assert run_cli(["test", ".", "--junit", "out.xml"]) == 1
    out = capfd.readouterr().out
    assert "\x1b" not in out
    root = Xml.parse(folder / "out.xml").getroot()
    check_schema(root)
    texts = {case.get("classname"): case[0].text or "" for case in root.iter("testcase")}
    assert "\\x00\\x1b[2J]]></x>\\u202e" in texts["loud"]
    assert len(texts["long"]) < 25_000
