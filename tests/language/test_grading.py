"""Grading: a file judged by the `expect` and `limits` of another one, and the places that are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scenrun
from scenrun.errors import ScenarioError
from scenrun.interface.cli.main import run_cli

STUDENT = """\
scenario: counter
state: {value: 0, seen: 0}
sync: {guard: lock, both: {barrier: {parties: 2}}}
threads:
  adder:
    count: 2
    do:
      - set: {mine: value}
      - wait: both
      - set: {value: mine + 1}
      - with: guard
        do: [{set: {seen: 1}}]
expect: {final: ["seen == 1"], verdict: {simulate: holds}}
limits: {time: 1us}
"""
TEACHER = """\
# what the exercise asks for

expect:
  final:
    - value == 2
"""


@pytest.fixture
def student(tmp_path: Path) -> str:
    """A scenario that expects of itself what it gives, within a limit that it cannot keep."""
    return written(tmp_path / "student.yaml", STUDENT)


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    """A file of expectations that the student's does not meet."""
    return written(tmp_path / "teacher.yaml", TEACHER)


def written(path: Path, text: str) -> str:
    """A file with this text."""
    path.write_text(text, encoding="utf-8")
    return str(path)


def problems(student: str, teacher: str) -> list[str]:
    """What is wrong, each with its place."""
    with pytest.raises(ScenarioError) as caught:
        scenrun.load(student, expect=teacher)
    return [str(problem).splitlines()[0] for problem in caught.value.problems]


def test_the_teachers_expectations_stand_in_the_place_of_the_files_own(student: str, teacher: str) -> None:
    """What the student expects, and how long it may take, is not looked at any more."""
    loaded = scenrun.load(student, expect=teacher)
    assert [o.text for o in loaded.program.expectations.final] == ["value == 2"]
    result = scenrun.simulate(loaded)
    assert (result.verdict, result.expected, result.ok) == ("violated", ("holds",), False)
    assert scenrun.explore(loaded).kinds == ("violated",)


def test_a_file_without_limits_takes_away_the_students(student: str, tmp_path: Path) -> None:
    """A limit that makes every run incomplete is gone with the rest."""
    assert scenrun.simulate(student).verdict == "incomplete"
    lenient = written(tmp_path / "lenient.yaml", "expect: {final: ['seen == 1']}")
    assert scenrun.simulate(scenrun.load(student, expect=lenient)).ok
    strict = written(tmp_path / "strict.yaml", "limits: {time: 1us}")
    assert scenrun.simulate(scenrun.load(student, expect=strict)).verdict == "incomplete"


def test_a_whole_scenario_lends_its_expectations(student: str, tmp_path: Path) -> None:
    """Of a model solution only `expect` and `limits` are taken, whatever else it has."""
    text = "scenario: solution\nthreads: {whoever: {do: [{log: hello}]}}\nexpect: {final: ['value == 2']}\n"
    loaded = scenrun.load(student, expect=written(tmp_path / "solution.yaml", text))
    assert loaded.name == "counter"
    assert not scenrun.simulate(loaded).ok


def test_findings_name_the_teachers_file(student: str, teacher: str) -> None:
    """A line of another file is no line of the scenario: it is told with the file's name."""
    result = scenrun.simulate(scenrun.load(student, expect=teacher))
    finding, checked = result.findings[0], result.expectations[0]
    assert f"({teacher}:5)" in finding.message
    assert finding.line is None
    assert (checked.line, checked.as_dict()["place"]) == (None, f"{teacher}:5")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("expect:\n  always: ['value < 1']\n", ":2"),
        ("expect:\n\n  outcomes: {observe: [value], forbidden: [[1], [2]]}\n", ":3"),
    ],
)
def test_every_kind_of_expectation_is_placed(student: str, tmp_path: Path, text: str, where: str) -> None:
    """`always` and `outcomes` as well as `final`, in a simulation and on real threads."""
    teacher = written(tmp_path / "teacher.yaml", text)
    for once in (scenrun.simulate, scenrun.run):
        result = once(scenrun.load(student, expect=teacher))
        assert result.verdict == "violated"
        assert teacher + where in result.findings[0].message
        assert result.expectations[0].as_dict()["place"] == teacher + where


def test_a_files_own_expectations_keep_their_lines(student: str) -> None:
    """Without another file nothing is said of one."""
    result = scenrun.simulate(scenrun.load(student, overrides={"limits.time": "1s"}))
    assert result.expectations[0].line == 13
    assert "place" not in result.expectations[0].as_dict()


def test_errors_are_told_with_the_place_in_the_teachers_file(student: str, tmp_path: Path) -> None:
    """Unknown names, unknown keys and wrong values, each at its own place; and what to do."""
    text = "expect:\n  final: ['valu == 2']\n  verdct: holds\nlimits: {time: 5}\n"
    teacher = written(tmp_path / "teacher.yaml", text)
    first, second, third = problems(student, teacher)
    assert first == f"{teacher}:2:12: there is no `valu` here; did you mean `value`?"
    assert second.startswith(f"{teacher}:3:3: unknown key `verdct`; did you mean `verdict`?")
    assert third.startswith(f"{teacher}:4:16: 5 has no unit")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("expects: {final: []}\n", ":1:1: unknown key `expects`; did you mean `expect`?"),
        ("x-note: nothing\n", ":1:1: there is neither `expect` nor `limits` here"),
        ("scenario: empty\nthreads: {}\n", ":1:1: there is neither `expect` nor `limits` here"),
        ("expect: [\n", ":"),
        ("", ":1:1: the file is empty"),
    ],
)
def test_a_file_that_judges_nothing_is_refused(student: str, tmp_path: Path, text: str, told: str) -> None:
    """A misspelt key must not make every scenario pass."""
    teacher = written(tmp_path / "teacher.yaml", text)
    assert problems(student, teacher)[0].startswith(teacher + told)


def test_what_only_the_students_expectations_mention_is_no_mistake(student: str, tmp_path: Path) -> None:
    """A variable that only the replaced `expect` looks at was used, in the eyes of who wrote it."""
    student = written(
        tmp_path / "other.yaml", STUDENT.replace("seen: 0", "seen: 0, spare: 0").replace("seen == 1", "spare == 0")
    )
    teacher = written(tmp_path / "teacher.yaml", "expect: {final: ['value == 1']}")
    assert scenrun.simulate(scenrun.load(student, expect=teacher)).ok


def test_a_name_that_only_the_student_expects_is_still_unknown_to_the_teacher(student: str, tmp_path: Path) -> None:
    """Words of the replaced sections excuse nothing in those that replace them."""
    student = written(tmp_path / "other.yaml", STUDENT.replace("seen == 1", "ghost == 1"))
    teacher = written(tmp_path / "teacher.yaml", "expect: {final: ['ghost == 1']}")
    assert problems(student, teacher)[0].startswith(f"{teacher}:1:19: there is no `ghost` here")


def test_overrides_are_for_what_stands_there_in_the_end(student: str, teacher: str) -> None:
    """`--set expect..` changes the teacher's expectations, not the student's."""
    loaded = scenrun.load(student, expect=teacher, overrides={"expect.verdict": "violated"})
    assert scenrun.simulate(loaded).ok


def test_a_mapping_can_be_the_teacher(student: str) -> None:
    """As everywhere in Python."""
    assert scenrun.simulate(scenrun.load(student, expect={"expect": {"verdict": "holds"}})).ok


@pytest.mark.parametrize("command", ["run", "simulate", "explore"])
def test_the_commands_judge_by_another_file(
    command: str, student: str, teacher: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The exit status is the teacher's verdict, and the command to look closer has the file as well."""
    quiet = [] if command == "explore" else ["--log", "/dev/null"]
    assert run_cli([command, student, "--expect", teacher, *quiet]) == 1
    said = capfd.readouterr().err
    assert "not ok: violated, but the file expects holds" in said
    assert f"--expect {teacher}" in said


def test_a_schedule_is_replayed_under_the_expectations_that_it_breaks(
    student: str, teacher: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`scenrun replay --expect` shows the finding again, as the search says."""
    schedule = str(tmp_path / "schedule.json")
    run_cli(["explore", student, "--expect", teacher, "--save", schedule])
    assert f"scenrun replay {schedule} --expect {teacher} --on threads" in capfd.readouterr().err
    log = tmp_path / "log"
    assert run_cli(["replay", schedule, "--expect", teacher, "--on", "threads", "--log", str(log)]) == 0
    assert json.loads(log.read_text().splitlines()[-1])["verdict"] == "violated"
    assert run_cli(["replay", schedule, "--log", str(log)]) == 1


@pytest.mark.parametrize("option", ["--log", "--save"])
def test_the_teachers_file_is_not_written_over(
    option: str, student: str, teacher: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is written replaces what its file had; that must not be somebody's expectations."""
    command = "explore" if option == "--save" else "simulate"
    assert run_cli([command, student, "--expect", teacher, option, teacher]) == 2
    assert "would replace" in capfd.readouterr().err
    assert Path(teacher).read_text() == TEACHER
