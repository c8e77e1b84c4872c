"""`scenrun python`: the scripts of all scenarios, and of scenarios by chance, end as the model says that they can."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from scenarios_drawn import Scenario, each_scenario
from scripts_compared import ENDLESS, LONG_S, SHORT_S, Compared, compared
from scripts_run import Ended, runs_of
from shipped import shipped

import scenrun
from scenrun.errors import ScenarioError
from scenrun.plain_python.layout import WIDTH
from scenrun.plain_python.whole import plain_python

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "scenarios").rglob("*.yaml"))
PROGRAMS, RUNS, BESIDE = 70, 10, 6
"""How many scenarios by chance, how often each is run, and how many at a time; `scripts_compared.py` does more by hand."""
WAITING_S = 20.0
"""How long a run may take in which a thread may fail, for which the others then wait."""
UNSAID = {"finalizer_leaves_a_note", "finalizer_takes_the_lock"}
"""What comes at any moment in a thread other than main: only a finalizer could, and when it comes is not said in Python."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """The scripts of all scenarios that can be said in plain Python, by their files."""
    folder = tmp_path_factory.mktemp("scripts")
    made = {}
    for file in FILES:
        if file.stem not in UNSAID:
            made[file] = folder / f"{file.stem}.py"
            made[file].write_text(plain_python(shipped(file)).text)
    return made


@pytest.mark.parametrize("name", sorted(UNSAID))
def test_what_cannot_be_said_is_named_at_its_line(name: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        plain_python(shipped(ROOT / "scenarios/gallery" / f"{name}.yaml"))
    (problem,) = refused.value.problems
    assert problem.place is not None
    assert "target" in problem.place.source.line(problem.place.line)
    assert "`worker`" in problem.message


def test_the_scripts_of_all_scenarios_end_as_their_files_say(scripts: dict[Path, Path]) -> None:
    """A run that does not end, an exception and a broken expectation come only where the file's verdicts have them."""
    said = {file: _verdicts(file) for file in scripts}
    endless = [file for file in scripts if said[file] & ENDLESS]
    ended: dict[Path, list[Ended]] = {}
    with ThreadPoolExecutor(BESIDE) as beside:
        parts = [[scripts[file] for file in endless[at::BESIDE]] for at in range(BESIDE)]
        for some in beside.map(lambda part: runs_of(part, 2, limit_s=SHORT_S), parts):
            ended |= some
    failing = [file for file in scripts if file not in endless and said[file] & {"violated", "exception"}]
    ended |= runs_of([scripts[file] for file in failing], 2, limit_s=WAITING_S)
    ended |= runs_of([path for file, path in scripts.items() if file not in (*endless, *failing)], 2, limit_s=LONG_S)
    odd = {
        file.stem: [end for end in ended[path] if not _kinds(end) & {*said[file], "holds"}]
        for file, path in scripts.items()
    }
    assert {name: ends for name, ends in odd.items() if ends} == {}
    shown = {kind for found in ended.values() for end in found for kind in _kinds(end)}
    assert shown >= {"holds", "deadlock", "violated", "exception"}


def _verdicts(file: Path) -> set[str]:
    loaded = shipped(file)
    verdicts = {word for words in loaded.program.expectations.verdicts.values() for word in words}
    limits = loaded.scenario.limits
    is_endless = limits.is_given("time") or limits.is_given("steps")
    return verdicts | ({"livelock"} if is_endless else set())


def _kinds(end: Ended) -> set[str]:
    """What a run has shown; one that does not end after a thread has failed shows that, as others may wait for it."""
    failed = {"violated" if kind == "AssertionError" else "exception" for kind, _ in end.raised}
    return failed or ({"holds"} if end.ended else ENDLESS)


def test_scripts_are_plain_and_short_lined(scripts: dict[Path, Path]) -> None:
    """No word of scenrun but its name in the docstring, no line that is too long but of prose, and every function documented."""
    for path in scripts.values():
        text = path.read_text()
        tree = ast.parse(text)
        imported = {
            name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }
        assert "scenrun" not in imported
        body = text.split('"""\n', 1)[1] if not text.startswith("import") else text
        long = [line for line in body.splitlines() if len(line) > WIDTH and "#" not in line and '"' not in line]
        assert long == [], path.name
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        undocumented = [
            node.name for node in functions if not ast.get_docstring(node) and not node.name.startswith("__")
        ]
        assert undocumented == [], path.name


def test_every_comment_of_the_steps_comes_along(scripts: dict[Path, Path]) -> None:
    """Each comment of a file is in its script, once or, where a behaviour became several functions, more often."""
    for file, path in scripts.items():
        text = " ".join(path.read_text().replace("'''", '"""').replace("\\\\", "\\").split())
        for line in file.read_text().splitlines():
            words = line.strip()
            if words.startswith("#") and "yaml-language-server" not in words and words.strip("# "):
                assert " ".join(words.strip("# ").split()) in text, (file.name, words)


def test_scripts_by_chance_end_as_the_model_can(tmp_path: Path) -> None:
    scenarios: list[Scenario] = []
    each_scenario(0, PROGRAMS, scenarios.append)

    def compare(numbered: tuple[int, Scenario]) -> Compared:
        number, scenario = numbered
        return compared(scenario, tmp_path / f"script{number}.py", RUNS, 800)

    with ThreadPoolExecutor(BESIDE) as beside:  # most of the time is waiting for runs that do not end
        found = list(beside.map(compare, enumerate(scenarios)))
    different = [str(one) for one in found if one.found == "different"]
    assert not different, "\n\n".join(different)
    counted = Counter(one.found for one in found)
    assert counted["same"] >= PROGRAMS // 3, counted


def test_a_script_that_does_something_else_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a script in which `v` is one more than it should be."""
    import scripts_compared

    def wrong(loaded: Any) -> Any:
        made = plain_python(loaded)
        return type(made)(made.text.replace("v = v + 1", "v = v + 2"), made.left_out)

    scenario = {
        "scenario": "one_more", "state": {"v": 0},
        "threads": {"a": {"count": 2, "do": [{"set": {"v": "v + 1"}}]}},
    }  # fmt: skip
    assert compared(scenario, tmp_path / "right.py", 5).found == "same"
    monkeypatch.setattr(scripts_compared, "plain_python", wrong)
    assert compared(scenario, tmp_path / "wrong.py", 5).found == "different"


def test_a_script_runs_as_a_program_and_fails_where_it_should(tmp_path: Path) -> None:
    """The exit status of a script is Python's own: 1 where an assertion is broken in the main thread."""
    script = tmp_path / "update.py"
    scenario = {
        "scenario": "lost", "state": {"v": 0}, "threads": {"a": {"do": [{"log": "hello {v}"}, {"set": {"v": 1}}]}},
        "expect": {"final": ["v == 2"], "verdict": "violated"},
    }  # fmt: skip
    script.write_text(plain_python(scenrun.load(scenario)).text)
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a: hello 0" in done.stderr
    assert "AssertionError: final: v == 2" in done.stderr
