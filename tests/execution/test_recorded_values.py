"""What a real run records: values as they were then, tallies, limits, and the times that lines measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source
from scenrun.program.tally import Tally
from scenrun.report.results import RunResult


def run(text: str, **options: Any) -> RunResult:
    """The result of a scenario's text."""
    return scenrun.run(load_source(decode("x.yaml", text.encode())), **options)


def test_the_users_python_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are values: a function that changes its argument changes nothing of the scenario."""
    (tmp_path / "reviewed_mutation.py").write_text("def mutate(items):\n    items.append(99)\n    return items\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """scenario: x
state: {items: [1, 2], got: null}
main: [{call: {function: "reviewed_mutation:mutate", args: {items: items}, into: got}}]
"""
    assert run(text, allow_python=True).state == {"items": [1, 2], "got": [1, 2, 99]}


def test_a_call_that_gives_no_value_of_the_language_is_a_fault() -> None:
    """Never an error of scenrun's."""
    text = 'scenario: x\nstate: {n: 0}\nmain: [{call: {function: "threading:Lock", into: n}}]\n'
    result = run(text, allow_python=True)
    assert result.verdict == "exception"
    assert "is no value of the language" in result.findings[0].message


def test_one_violated_run_among_incomplete_ones_is_no_mere_incompleteness() -> None:
    """Status 3 only where nothing worse came."""
    endless = run("scenario: x\nmain: [{sleep: 20s}]\n", time_limit="20ms")
    violated = run("scenario: x\nmain: [{assert: 1 == 2}]\n")
    tally = Tally("x")
    tally.add(endless)
    assert tally.status(3) == 3
    tally.add(violated)
    assert tally.status(3) == 1
    tally.add(endless)
    assert tally.status(3) == 1


def test_the_default_limit_counts_from_the_last_start() -> None:
    """A group that starts late has its minute too."""
    text = "scenario: x\nthreads: {t: {target: worker, start_after: 90s}}\n"
    assert load_source(decode("x.yaml", text.encode())).program.time_limit_ns == 150 * 10**9


def test_an_expectation_that_fails_says_with_what() -> None:
    """Not only that it does not hold."""
    result = run("scenario: x\nstate: {items: []}\nmain: [{log: '{items}'}]\nexpect: {final: ['items[0] == 1']}\n")
    assert result.verdict == "violated"
    assert "it failed with IndexError" in result.findings[0].message


def test_a_line_measures_its_own_step() -> None:
    """A sleep of nothing and a lock that is not waited for take no time, whatever came before."""
    text = """scenario: x
sync: {l: {lock: {initially: locked}}}
main: [{sleep: 30ms}, {sleep: 0ms}, {sleep: 30ms}, {acquire: {lock: l, blocking: false}}]
"""
    events: list[dict[str, Any]] = []
    run(text, log=events.append, level="debug")
    assert [e["slept_s"] for e in events if e["event"] == "sleep.ended"][1] == 0
    assert [e["waited_s"] for e in events if e["event"] == "lock.acquired"] == [0]


def test_a_log_file_is_given_back(tmp_path: Path) -> None:
    """No descriptor is left open, and stdout is not a function's to write to."""
    text = "scenario: x\nmain: [{log: a}]\n"
    for number in range(3):
        run(text, log=tmp_path / f"{number}.jsonl")
    open_files = (
        {str(path.resolve()) for path in Path("/proc/self/fd").iterdir()} if Path("/proc/self/fd").is_dir() else set()
    )
    assert not [path for path in open_files if path.startswith(str(tmp_path))]
    with pytest.raises(scenrun.UsageError, match="stdout"):
        run(text, log="-")
