"""The pytest plugin: what is collected, in which ways, what a failure says, and the fixture."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from scenrun.batch.suite.discovery import is_scenario
from scenrun.interface.pytest_plugin import fixture, items

pytest_plugins = ["pytester"]

IMPORTED_ONCE = (fixture, items)
"""`pytester` forgets the modules that a test's pytest was the first to import, and the C part of yaml comes only once."""
ROOT = Path(__file__).parents[2]
HELLO = "scenario: hello\nthreads: {worker: {do: [{log: hello}]}}\n"
STUCK = """\
scenario: stuck
sync: {a: lock, b: lock}
threads:
  one: {do: [{with: a, do: [{with: b, do: [{log: one}]}]}]}
  other: {do: [{with: b, do: [{with: a, do: [{log: other}]}]}]}
expect: {verdict: {simulate: holds, explore: holds}}
"""
ALL_WAYS = HELLO + "expect: {verdict: {run: holds, simulate: holds, explore: holds}}\n"


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    """An empty project."""
    return pytester.path


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """The items that pytest would run."""
    lines = pytester.runpytest("--collect-only", "-q", *arguments).outlines
    return [line for line in lines if "::" in line]


# --- what is collected


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (HELLO, True),
        ("# a comment\n\nscenario:   hello\nthread: {}\n", True),
        ("{scenario: hello, threads: {worker: {do: [{log: hello}]}}}\n", True),
        ('"scenario": hello\n', True),
        ("\ufeffscenario: hello\n", True),
        ("scenario:\n  name: default\n", False),
        ("scenario: {name: default}\n", False),
        ("scenarios: hello\n", False),
        ("test:\n  scenario: hello\n", False),
        ("text: |\n  scenario: hello\n", False),
        ("a: [1\n", False),
        ("", False),
    ],
)
def test_a_scenario_is_known_by_a_look(tmp_path: Path, text: str, is_one: bool) -> None:
    """A top-level `scenario:` with a name on its line; what other tools write under that key is none."""
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    assert is_scenario(path) is is_one


def test_what_is_no_text_or_no_file_is_no_scenario(tmp_path: Path) -> None:
    """Bytes of any kind are looked at without harm."""
    (tmp_path / "bytes.yaml").write_bytes(b"\x00\xff\xfe" * 100)
    assert not is_scenario(tmp_path / "bytes.yaml")
    assert not is_scenario(tmp_path / "missing.yaml")
    assert not is_scenario(tmp_path)


def test_scenarios_are_collected_and_other_files_are_not(pytester: pytest.Pytester, folder: Path) -> None:
    """An item for each way, named as a test is; broken YAML of somebody else is not even read."""
    (folder / "deep").mkdir()
    (folder / "deep" / "hello.yml").write_text(HELLO)
    (folder / "all.yaml").write_text(ALL_WAYS)
    (folder / "other.yaml").write_text("a: [1\n")
    assert collected(pytester) == [
        "all.yaml::run",
        "all.yaml::simulate",
        "all.yaml::explore",
        "deep/hello.yml::simulate",
    ]


def test_the_ways_are_those_asked_for(pytester: pytest.Pytester, folder: Path) -> None:
    """`--scenrun` again and again or with commas; else the project's own; else the file's."""
    (folder / "hello.yaml").write_text(HELLO)
    assert collected(pytester, "--scenrun", "explore,run", "--scenrun", "run") == [
        "hello.yaml::explore",
        "hello.yaml::run",
    ]
    pytester.makeini("[pytest]\nscenrun_ways = explore")
    assert collected(pytester) == ["hello.yaml::explore"]
    assert collected(pytester, "--scenrun", "run") == ["hello.yaml::run"]


def test_a_way_that_there_is_not_is_refused(pytester: pytest.Pytester, folder: Path) -> None:
    """With a sentence, before anything is collected."""
    result = pytester.runpytest("--scenrun", "walk")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--scenrun walk: the ways of testing are run, simulate, explore, virtual"])


def test_a_project_without_scenarios_is_left_alone() -> None:
    """Starting pytest, and a folder of other YAML files, imports nothing that reads, runs or logs scenarios."""
    code = """
import sys, pytest
pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1]])
print("imported", *sorted({name.split(".")[0] for name in sys.modules} & {"yaml", "pydantic", "structlog", "msgspec"}))
print("imported", *sorted(name for name in sys.modules if name.startswith("scenrun.")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "schemas")], capture_output=True, text=True, timeout=60, check=True
    )
    heavy, own = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("imported")]
    assert heavy == []
    assert "scenrun.interface.pytest_plugin.plugin" in own
    assert set(own) <= {
        "scenrun.errors",
        "scenrun.printable",
        "scenrun.version",
        "scenrun.interface",
        "scenrun.interface.pytest_plugin",
        "scenrun.interface.pytest_plugin.plugin",
        "scenrun.batch",
        "scenrun.batch.suite",
        "scenrun.batch.suite.discovery",
    }


def test_the_repositorys_own_suite_collects_no_scenarios() -> None:
    """Neither the shipped ones, which are not below `tests`, nor those that are wrong on purpose."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--ignore-glob=*/test_*.py"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout


# --- what is said


def test_a_wrong_scenario_is_an_error_of_the_collection(pytester: pytest.Pytester, folder: Path) -> None:
    """With what is wrong and where, and without a traceback."""
    (folder / "bad.yaml").write_text("scenario: bad\nthreads: {worker: {do: [{aquire: guard}]}}\n")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bad.yaml:2:*there is no verb `aquire`; did you mean `acquire`?"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")


def test_a_failure_shows_the_finding_and_the_command(pytester: pytest.Pytester, folder: Path) -> None:
    """The table of the search, a command that keeps its schedule and one that replays it; no line of ours."""
    (folder / "stuck.yaml").write_text(STUCK)
    result = pytester.runpytest("--scenrun", "explore,simulate")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "not ok: deadlock, but the file expects holds (stuck,*",
            "*one waits for b, which other holds; other waits for a, which one holds: a circle*",
            "*step  *one*other*line",
            "*scenrun explore stuck.yaml --save schedule.json; then scenrun replay schedule.json --on threads",
            "FAILED stuck.yaml::explore*",
        ]
    )
    result.stdout.no_fnmatch_line("*.py:*")


@pytest.mark.parametrize("way", ["run", "simulate"])
def test_a_run_that_fails_says_how_to_look_closer(pytester: pytest.Pytester, folder: Path, way: str) -> None:
    """The finding in words, and the command that shows each step."""
    (folder / "total.yaml").write_text(
        "scenario: total\nstate: {x: 0}\nmain: [{set: {x: 1}}]\nexpect: {final: ['x == 2']}\n"
    )
    result = pytester.runpytest("--scenrun", way)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*violated: final x == 2: does not hold (x is 1)*",
            f"*look closer: scenrun {way} total.yaml --seed 0 --level debug*",
        ]
    )


def test_commands_are_for_where_pytest_was_called(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file as whoever called it would name it, wherever the project's root is."""
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "stuck.yaml").write_text(STUCK)
    pytester.makeini("[pytest]")
    monkeypatch.chdir(folder / "deep")
    pytester.runpytest("--scenrun", "explore").stdout.fnmatch_lines(["*scenrun explore er/stuck.yaml --save*"])


def test_incomplete_is_a_failure_that_says_so(pytester: pytest.Pytester, folder: Path) -> None:
    """A limit proves nothing: neither that it holds nor that it does not."""
    (folder / "slow.yaml").write_text("scenario: slow\nmain: [{sleep: 1h}]\n")
    result = pytester.runpytest("--scenrun-time-limit", "1s")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["incomplete: the file expects holds*", "*--time-limit 1s*"])


def test_what_a_file_says_cannot_harm_a_terminal(pytester: pytest.Pytester, folder: Path) -> None:
    """Control characters of a fault's text are shown as escapes."""
    text = 'scenario: loud\nmain: [{raise: "ValueError: \\e[2J\\u202e"}]\n'
    (folder / "loud.yaml").write_text(text)
    result = pytester.runpytest("--color=no")
    result.assert_outcomes(failed=1)
    assert "\\x1b[2J\\u202e" in result.stdout.str()
    assert "\x1b" not in result.stdout.str()


def test_python_is_called_only_if_allowed(pytester: pytest.Pytester, folder: Path) -> None:
    """By an option or by the project's own settings."""
    (folder / "calls.yaml").write_text('scenario: calls\nmain: [{call: "os:getpid"}]\n')
    pytester.runpytest().assert_outcomes(errors=1)
    pytester.runpytest("--scenrun-allow-python").assert_outcomes(passed=1)
    pytester.makeini("[pytest]\nscenrun_allow_python = true")
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_teachers_file_judges_all(pytester: pytest.Pytester, folder: Path) -> None:
    """`--scenrun-expect` as `--expect` of the commands; also its verdict's ways count."""
    (folder / "hello.yaml").write_text(HELLO)
    (folder / "teacher.txt").write_text("expect: {verdict: {explore: deadlock, run: holds}}")
    result = pytester.runpytest("--scenrun-expect", "teacher.txt")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["not ok: holds, but the file expects deadlock*", "*--expect teacher.txt*"])


# --- pytest's own ways of choosing and telling


def test_markers_and_keywords_choose(pytester: pytest.Pytester, folder: Path) -> None:
    """`-m scenrun` and `-k` as for other tests, with strict markers too."""
    (folder / "all.yaml").write_text(ALL_WAYS)
    pytester.makepyfile(test_other="def test_other(): pass")
    assert len(collected(pytester)) == 4
    assert collected(pytester, "-m", "not scenrun") == ["test_other.py::test_other"]
    assert collected(pytester, "-m", "scenrun", "--strict-markers", "-k", "explore") == ["all.yaml::explore"]
    assert collected(pytester, "all.yaml::run") == ["all.yaml::run"]


def test_the_first_failure_ends_it_on_demand(pytester: pytest.Pytester, folder: Path) -> None:
    """`-x`."""
    (folder / "a.yaml").write_text(STUCK)
    (folder / "b.yaml").write_text(STUCK)
    pytester.runpytest("-x", "--scenrun", "explore").assert_outcomes(failed=1)


def test_it_is_told_in_junit_xml_and_by_processes(pytester: pytest.Pytester, folder: Path) -> None:
    """Two xdist workers run the same items, and the XML has their verdicts."""
    (folder / "all.yaml").write_text(ALL_WAYS)
    (folder / "stuck.yaml").write_text(STUCK)
    result = pytester.runpytest_subprocess("-n", "2", "--junitxml", "out.xml")
    result.assert_outcomes(passed=4, failed=1)
    suite = Xml.parse(folder / "out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "1", "0")
    [failure] = suite.iter("failure")
    assert "a circle" in (failure.text or "")
    assert "site-packages" not in (failure.text or "")
    verdicts = sorted(one.get("value") or "" for one in suite.iter("property") if one.get("name") == "verdict")
    assert verdicts == ["deadlock", "holds", "holds", "holds", "holds"]


def test_shipped_scenarios_pass(pytester: pytest.Pytester) -> None:
    """In the ways that they name, and explored: a small choice of those that `pytest scenarios/` runs."""
    chosen = ["queue_pipeline", "lost_update", "self_deadlock", "gallery/write_skew"]
    files = [str(ROOT / "scenarios" / f"{name}.yaml") for name in chosen]
    pytester.runpytest("--rootdir", str(pytester.path), "--scenrun", "run,simulate,explore", *files).assert_outcomes(
        passed=3 * len(files)
    )


# --- the fixture


def test_a_python_test_asks_a_scenario(pytester: pytest.Pytester, folder: Path) -> None:
    """Load, change, run, simulate, explore, replay; verdicts, state, messages and events."""
    (folder / "tests").mkdir()
    (folder / "tests" / "stuck.yaml").write_text(STUCK)
    (folder / "tests" / "test_stuck.py").write_text(
        """
import pytest
from scenrun import RunResult, ScenarioError, UsageError

COUNTER = '''
scenario: counter
state: {value: 0}
threads:
  adder: {count: 2, do: [{set: {mine: value}}, {sleep: 1ms}, {set: {value: mine + 1}}, {log: done}]}
'''

def test_path(scenario):
    one = scenario("stuck.yaml")
    result = one.simulate()
    assert isinstance(result, RunResult)
    assert (result.verdict, result.messages) == ("holds", ["one", "other"])
    assert [line["object"] for line in result.events("lock.acquired", thread="one")] == ["a", "b"]
    assert result.one("lock.acquired", thread="other", object="a")["waited_s"] >= 0
    found = one.explore()
    assert found.kinds == ("deadlock",)
    assert one.replay(found, on="threads").notes["shown"]

def test_text(scenario):
    one = scenario(COUNTER)
    assert one.simulate().state == {"value": 1}
    alone = one.changed({"threads.adder.count": 1})
    assert alone.run().state == {"value": 1}
    assert alone.run().count("variable.written", value=lambda value: value > 0) == 1
    assert one.simulate(level="info").messages == ["done", "done"]

def test_mapping(scenario):
    one = scenario({"scenario": "m", "main": [{"log": "hi"}]}, {"seed": 3}, expect={"expect": {"verdict": "deadlock"}})
    result = one.run()
    assert (result.seed, result.ok, result.messages) == (3, False, ["hi"])

def test_mistakes(scenario):
    with pytest.raises(ScenarioError, match="adder.count|count"):
        scenario(COUNTER, {"threads.adder.count": 0})
    with pytest.raises(ScenarioError, match="cannot be read"):
        scenario("nowhere.yaml")
    result = scenario(COUNTER).simulate()
    with pytest.raises(UsageError, match="no event `lock.aquired`; did you mean `lock.acquired`"):
        result.events("lock.aquired")
    with pytest.raises(UsageError, match="no line of `message` has a field `thred`; did you mean `thread`"):
        result.events("message", thred="adder[0]")
    with pytest.raises(UsageError, match="kept `info` and above"):
        scenario(COUNTER).simulate(level="info").events("variable.written")
    with pytest.raises(AssertionError, match="2 lines of message"):
        result.one("message")
    with pytest.raises(UsageError, match="found 0 counterexamples"):
        scenario(COUNTER).replay(scenario(COUNTER).explore())
"""
    )
    pytester.runpytest().assert_outcomes(passed=5, failed=1)


def test_a_failed_assertion_shows_the_result_in_short(pytester: pytest.Pytester, folder: Path) -> None:
    """The verdict and what was found, not a page of figures."""
    (folder / "stuck.yaml").write_text(STUCK)
    pytester.makepyfile("def test_it(scenario): assert scenario('stuck.yaml').simulate(scheduler='random', seed=1).ok")
    text = pytester.runpytest().stdout.str()
    assert re.search(r"<simulate of stuck, seed 1: (holds|deadlock \(.*\))>", text) or "1 passed" in text


# --- the page


def test_the_page_tells_the_truth(pytester: pytest.Pytester, folder: Path) -> None:
    """Every Python example of docs/testing.md is a test that passes beside the shipped scenarios."""
    page = (ROOT / "docs" / "testing.md").read_text()
    examples = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(examples) >= 2
    (folder / "scenarios").symlink_to(ROOT / "scenarios")
    for number, example in enumerate(examples):
        (folder / f"test_example_{number}.py").write_text(example)
    pytester.makeini("[pytest]\nnorecursedirs = scenarios\nfilterwarnings = error")
    wanted = sum(example.count("def test_") for example in examples)
    pytester.runpytest().assert_outcomes(passed=wanted)


CODE = """
import threading

class Counter:
    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

def counter(): return Counter()

def adds(one):
    before = one.count
    one.count = before + 1

def adds_locked(one):
    with one.lock:
        adds(one)

def is_two(one): assert one.count == 2

def test_locked(every_schedule):
    assert every_schedule(counter, [adds_locked] * 2, is_two).schedules > 1

def test_unlocked(every_schedule):
    every_schedule(counter, [adds] * 2, is_two)
"""


def test_every_schedule_of_a_tests_functions_is_searched(pytester: pytest.Pytester) -> None:
    """It passes where all hold, and fails with the story where one does not."""
    pytester.makepyfile(test_counter=CODE)
    result = pytester.runpytest_subprocess("-p", "no:xdist")
    result.assert_outcomes(passed=1, failed=1)
    assert "before = one.count" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


MARKED = """
import threading

import pytest

class Box:
    def __init__(self):
        self.n = 0
        self.lock = threading.Lock()

    def add(self):
        self.n += 1

    def add_locked(self):
        with self.lock:
            self.n += 1

def both(function):
    threads = [threading.Thread(target=function) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

@pytest.mark.scenrun
def test_locked():
    box = Box()
    both(box.add_locked)
    assert box.n == 2

@pytest.mark.scenrun
def test_unlocked():
    box = Box()
    both(box.add)
    assert box.n == 2

@pytest.mark.scenrun(expect=("violated", "holds"), strategy="dpor", schedules=100)
@pytest.mark.parametrize("count", [1, 2])
def test_expected(count):
    box = Box()
    both(box.add)
    assert box.n == count

class TestInAClass:
    @pytest.mark.scenrun
    def test_method(self):
        box = Box()
        both(box.add_locked)
        assert box.n == 2

@pytest.mark.scenrun
def test_with_a_fixture(tmp_path):
    pass

@pytest.mark.scenrun(expect="hold")
def test_typing_error():
    pass

@pytest.mark.scenrun(scheduls=3)
def test_unknown_option():
    pass

@pytest.mark.scenrun
async def test_coroutine():
    pass
"""


def test_a_marked_test_is_made_in_every_schedule(pytester: pytest.Pytester) -> None:
    """It passes where it holds, or ends as expected; else the story is the failure. What cannot be is said in a sentence."""
    pytester.makepyfile(test_marked=MARKED)
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, failed=5)
    said = result.stdout.str()
    for line in (
        "violated: main ends with AssertionError at `assert box.n == 2`",
        "`tmp_path` is a PosixPath that is made once",
        "there is no verdict `hold`; verdicts are holds, violated",
        "the mark `scenrun` does not take scheduls",
        "coroutines are not searched",
    ):
        assert line in said, said
    assert "During handling" not in said
