"""Objects of the user's own Python under a scenario: made anew for each run, called by its threads, told in the log."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import scenrun
from scenrun.model.machine import Machine
from scenrun.report.results import RunResult

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WAYS = pytest.mark.parametrize("way", ["run", "simulate"])
MODULE = '''"""Objects for tests."""


class Shelf:
    """Keeps things."""

    made = 0

    def __init__(self, things: list | None = None) -> None:
        type(self).made += 1
        self.things = things if things is not None else []

    def put(self, thing: object) -> int:
        self.things.append(thing)
        return len(self.things)

    def all(self) -> list:
        return self.things

    def itself(self) -> object:
        return self

    def fail(self) -> None:
        raise LookupError("nothing here")


def broken() -> None:
    raise ValueError("no, thank you")


not_a_class = 5
'''


@pytest.fixture(autouse=True)
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module of the tests, and those of the examples, can be imported."""
    (tmp_path / "shelves.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    sys.modules.pop("shelves", None)
    yield
    sys.modules.pop("shelves", None)


def done(way: str, text: str, **how: Any) -> tuple[RunResult, list[dict[str, Any]]]:
    """The result and the events of a scenario with a shelf."""
    events: list[dict[str, Any]] = []
    given = {"scenario": "one", "objects": {"shelf": {"python": "shelves:Shelf"}}, **yaml.safe_load(text)}
    how = {"level": "debug", "allow_python": True, **how}
    return getattr(scenrun, way)(given, log=events.append, **how), events


@WAYS
def test_threads_call_one_object_and_take_what_it_gives(way: str) -> None:
    """All threads share it; the result goes into a variable that an expectation asks about."""
    result, _ = done(
        way,
        """
state: {kept: []}
threads: {w: {count: 3, do: [{call: {function: shelf.put, args: {thing: index * 10}}}]}}
main: [{start: w}, {join: w}, {call: {function: shelf.all, into: kept}}]
expect: {final: ["sorted(kept) == [0, 10, 20]"]}
""",
    )
    assert result.verdict == "holds"
    assert sorted(result.state["kept"]) == [0, 10, 20]


@WAYS
def test_each_run_has_an_object_of_its_own(way: str) -> None:
    """What one run has put there is not there in the next."""
    text = 'main: [{call: {function: shelf.put, args: {thing: 1}, into: n}}, {log: "{n}"}]'
    for _ in range(2):
        _, events = done(way, text)
        assert [e["message"] for e in events if e["event"] == "message"] == ["1"]
    assert sys.modules["shelves"].Shelf.made == 2


@WAYS
def test_its_arguments_are_a_copy_of_the_file_s(way: str) -> None:
    """An object that changes what it was made with does not change the program."""
    loaded = scenrun.load({
        "scenario": "one", "objects": {"shelf": {"python": "shelves:Shelf", "args": {"things": [7]}}},
        "main": [{"call": {"function": "shelf.put", "args": {"thing": 1}, "into": "n"}}, {"log": "{n}"}],
    })  # fmt: skip
    for _ in range(2):
        events: list[dict[str, Any]] = []
        getattr(scenrun, way)(loaded, allow_python=True, log=events.append)
        assert [e["message"] for e in events if e["event"] == "message"] == ["2"]


@WAYS
def test_results_durations_and_exceptions_are_events(way: str) -> None:
    """`call.ended` has the value and how long it took, `fault.raised` the exception; both say which object."""
    _, events = done(
        way,
        """
main:
  - call: {function: shelf.put, args: {thing: 4}}
  - call: shelf.itself
  - try: [{call: shelf.fail}]
    except: {LookupError: [{log: "{error}"}]}
""",
    )
    calls = [e for e in events if e["event"] in ("call.began", "call.ended", "fault.raised")]
    assert [e["event"] for e in calls] == ["call.began", "call.ended"] * 2 + ["call.began", "fault.raised"]
    assert {e["object"] for e in calls if e["event"] != "fault.raised"} == {"shelf"}
    assert calls[1]["function"] == "shelf.put"
    assert calls[1]["value"] == 1
    assert calls[1]["took_s"] >= 0
    assert calls[3]["value"] == "<Shelf>"
    assert (calls[5]["type"], calls[5]["text"]) == ("LookupError", "nothing here")
    assert [e["message"] for e in events if e["event"] == "message"] == ["nothing here"]
    made = next(o for o in events[0]["objects"] if o["name"] == "shelf")
    assert (made["kind"], made["python"]) == ("python", "shelves:Shelf")


@WAYS
def test_a_result_that_is_taken_must_be_a_value(way: str) -> None:
    """What is no value of the language cannot go into a variable."""
    result, _ = done(
        way, "main: [{call: {function: shelf.itself, into: x}}, {log: '{x}'}]\nexpect: {verdict: exception}"
    )
    assert result.findings[0].details["type"] == "TypeError"
    assert "`Shelf` is no value of the language" in result.findings[0].message


def test_it_needs_to_be_allowed() -> None:
    """Declaring an object is running Python, called or not."""
    with pytest.raises(scenrun.ScenarioError, match="`objects` runs Python of yours; allow it with --allow-python"):
        done("run", "main: [{call: shelf.all}]", allow_python=False)


@pytest.mark.parametrize(
    ("objects", "step", "said"),
    [
        ("{shelf: {python: 'nowhere:Shelf'}}", "shelf.all", "`nowhere:Shelf`: No module named 'nowhere'"),
        ("{shelf: {python: 'shelves:Shel'}}", "shelf.all", "module 'shelves' has no attribute 'Shel'"),
        ("{shelf: {python: 'shelves:broken'}}", "shelf.all", "`shelf`: shelves:broken raised ValueError: no, thank you"),
        ("{shelf: {python: 'shelves:Shelf', args: {x: 1}}}", "shelf.all", "raised TypeError"),
        ("{shelf: {python: 'shelves:not_a_class'}}", "shelf.all", "is nothing that can be called"),
        ("{shelf: {python: shelves}}", "shelf.all", "`python` is written `package.module:Class`, not `shelves`"),
        ("{shelf: {python: 'shelves:Shelf'}}", "shef.all", "there is no object `shef`; did you mean `shelf`?"),
        ("{shelf: {python: 'shelves:Shelf'}}", "q.all", "there is no object `q`"),
        ("{shelf: {python: 'shelves:Shelf'}}", "all", "a function is written `package.module:function`, or `object.method`"),
        ("{q: {python: 'shelves:Shelf'}}", "q.all", "the name `q` is already taken"),
        ("{shelf: {python: 'shelves:Shelf', arg: {}}}", "shelf.all", "unknown key `arg`; did you mean `args`?"),
        ("{shelf: 'shelves:Shelf'}", "shelf.all", "`objects.shelf` is written as a mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_place(objects: str, step: str, said: str) -> None:
    """An object that cannot be imported, one that raises when it is made, one that there is not."""
    text = f"objects: {objects}\nsync: {{q: queue}}\nmain: [{{put: {{queue: q, item: 1}}}}, {{call: {step}}}]"
    with pytest.raises(scenrun.ScenarioError, match=re.escape(said)):
        done("run", text)


def test_a_method_that_there_is_not_is_an_exception_of_its_thread() -> None:
    """Like any other AttributeError."""
    result, _ = done("run", "main: [{call: shelf.sort}]\nexpect: {verdict: exception}")
    assert result.findings[0].details["type"] == "AttributeError"


def test_a_model_refuses_what_it_cannot_see() -> None:
    """An object's state is no part of a model's: what goes by the model alone cannot have it."""
    given = {"scenario": "one", "objects": {"s": {"python": "shelves:Shelf"}}, "main": [{"call": "s.all"}]}
    with pytest.raises(scenrun.UsageError, match="`objects` have a state of their own"):
        Machine(scenrun.load(given).program)


@pytest.fixture
def tiny_switch_interval() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("tiny_switch_interval")
@pytest.mark.parametrize(("name", "path", "locked"), [
    ("counter.yaml", "objects.counter.python", "counters:LockedCounter"),
    ("cache.yaml", "objects.cache.python", "caches:LockedCache"),
])  # fmt: skip
def test_the_examples_show_the_bug_and_the_repair(name: str, path: str, locked: str) -> None:
    """Without a lock an update is lost, or a value computed twice, in some run; with the lock in none."""
    most = 300
    verdicts = (scenrun.run(EXAMPLES / name, seed=n, allow_python=True, level="error").verdict for n in range(most))
    assert "violated" in verdicts
    repaired = scenrun.load(EXAMPLES / name, overrides={path: locked})
    assert {scenrun.run(repaired, seed=n, allow_python=True, level="error").verdict for n in range(30)} == {"holds"}


def test_the_page_shows_the_examples_as_they_are() -> None:
    """docs/own_code.md has the class and the scenario of docs/examples."""
    page = (EXAMPLES.parent / "own_code.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:yaml|python)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    files = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("counter*"))]
    assert sum(any(block in text for text in files) for block in blocks) == 2
