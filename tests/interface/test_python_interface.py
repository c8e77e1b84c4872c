"""The verbs as functions: typed results that show themselves, no trace left in the program that calls them, many at once."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import structlog

import scenrun
from scenrun.report import notebook

ROOT = Path(__file__).parents[2]
LOST, PIPELINE = str(ROOT / "scenarios" / "lost_update.yaml"), str(ROOT / "scenarios" / "queue_pipeline.yaml")
QUICK = {"stop": "5ms"}
EVIL = "</pre><script>alert(1)</script>\x1b[31m\u202e&amp;"


def schedule() -> Any:
    """A schedule that loses an update."""
    found = scenrun.explore(LOST)
    return found.schedule_of(found.counterexamples[0])


def swept(jobs: int = 1) -> Any:
    """A small sweep of two parameters."""
    over = {"threads.consumer.count": [1, 2], "sync.pipeline.maxsize": [1, 4]}
    return scenrun.sweep(PIPELINE, over=over, overrides=QUICK, jobs=jobs)


VERBS: dict[str, Callable[[], Any]] = {
    "load": lambda: scenrun.load(LOST),
    "run": lambda: scenrun.run(LOST, keep=True),
    "simulate": lambda: scenrun.simulate(LOST, keep=True),
    "logged": lambda: scenrun.simulate(LOST, log=os.devnull),
    "explore": lambda: scenrun.explore(LOST),
    "explore-jobs": lambda: scenrun.explore(LOST, strategy="random", schedules=50, jobs=2),
    "replay": lambda: scenrun.replay(schedule(), scenario=LOST),
    "replay-threads": lambda: scenrun.replay(schedule(), scenario=LOST, on="threads"),
    "sweep": swept,
    "shown": lambda: [result._repr_html_() for result in (scenrun.simulate(LOST, keep=True), scenrun.explore(LOST))],
}


# --- no trace in the program that calls

_TOUCHING = (
    (signal, "signal"), (signal, "setitimer"), (signal, "set_wakeup_fd"), (sys, "setswitchinterval"),
    (sys, "setrecursionlimit"), (sys, "settrace"), (sys, "setprofile"), (threading, "settrace"), (threading, "stack_size"),
    (gc, "disable"), (gc, "freeze"), (gc, "set_threshold"), (os, "chdir"), (os, "putenv"), (os, "umask"),
    (random, "seed"), (warnings, "simplefilter"), (structlog, "configure"), (logging, "basicConfig"),
)  # fmt: skip
"""What sets something for a whole process."""


def state() -> dict[str, Any]:
    """What a program may have set for itself."""
    return {
        "signals": {one: signal.getsignal(one) for one in signal.valid_signals()},
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook),
        "interval": sys.getswitchinterval(),
        "recursion": sys.getrecursionlimit(),
        "tracing": (sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()),
        "collection": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "random": random.getstate(),
        "place": (os.getcwd(), dict(os.environ), list(sys.path), list(sys.argv)),
        "warnings": list(warnings.filters),
        "logging": (logging.root.level, list(logging.root.handlers), structlog.is_configured()),
        "threads": set(threading.enumerate()),
        "files": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
    }


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, nothing is set even for a while; a sweep's own processes may do as they like."""
    mine = os.getpid()

    def watched(name: str, given: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            caller = sys._getframe(1).f_globals.get("__name__", "")
            asks = name == "stack_size" and not arguments
            assert os.getpid() != mine or asks or not caller.startswith("scenrun"), f"{caller} calls {name}{arguments}"
            return given(*arguments, **more)

        return call

    for module, name in _TOUCHING:
        monkeypatch.setattr(module, name, watched(name, getattr(module, name)))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("thread", ["main", "another"])
@pytest.mark.parametrize("verb", list(VERBS))
def test_a_verb_leaves_no_trace(verb: str, thread: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Signal handlers, streams, hooks, settings, threads and open files are as before, and nothing was printed."""
    VERBS[verb]()  # what is imported or started once stays
    if thread == "another":
        _elsewhere(VERBS[verb])
    capfd.readouterr()
    before = state()
    VERBS[verb]() if thread == "main" else _elsewhere(VERBS[verb])
    after = state()
    assert {key: value for key, value in after.items() if value != before[key]} == {}
    assert capfd.readouterr() == ("", "")


def _elsewhere(verb: Callable[[], Any]) -> Any:
    """In a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(verb).result(timeout=60)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("verb", ["run", "simulate", "replay", "replay-threads"])
def test_what_ends_a_verb_from_outside_reaches_the_caller(verb: str, raised: type[BaseException]) -> None:
    """Ctrl-C, and an error in the function that takes the log, in the midst of a run: its threads have ended then."""

    def interrupt(line: dict[str, Any]) -> None:
        if line["event"] == "message":
            if raised is KeyboardInterrupt:
                signal.raise_signal(signal.SIGINT)
            raise raised

    verbs: dict[str, Callable[[], Any]] = {
        "run": lambda: scenrun.run(LOST, log=interrupt),
        "simulate": lambda: scenrun.simulate(LOST, log=interrupt),
        "replay": lambda: scenrun.replay(schedule(), scenario=LOST, log=interrupt),
        "replay-threads": lambda: scenrun.replay(schedule(), scenario=LOST, on="threads", log=interrupt),
    }
    before = set(threading.enumerate())
    with pytest.raises(raised):
        verbs[verb]()
    assert set(threading.enumerate()) == before


# --- two at a time


def of_run(result: scenrun.RunResult) -> tuple[Any, ...]:
    """What is the same of every real run of a scenario whose threads always come to the same end."""
    return result.verdict, result.ok, result.state, result.seed, {line["run"] for line in result.lines} == {result.run}


def of_search(found: scenrun.Explored) -> dict[str, Any]:
    """All of a search but how long it took."""
    told = found.as_dict()
    return {name: told[name] for name in told if name not in ("seconds", "states_per_second", "memory_bytes")}


ONE_MORE = {"with": "guard", "do": [{"set": {"mine": "value"}}, {"set": {"value": "mine + 1"}}]}
COUNTED = {
    "scenario": "counted",
    "sync": {"guard": {"lock": {}}},
    "state": {"value": 0},
    "threads": {"adder": {"count": 3, "do": [{"repeat": 20, "do": [ONE_MORE]}]}},
    "expect": {"final": ["value == 60"]},
}
AT_ONCE: dict[str, Callable[[], Any]] = {
    "run": lambda: of_run(scenrun.run(COUNTED, keep=True)),
    "run-again": lambda: of_run(scenrun.run(COUNTED, keep=True, seed=5)),
    "simulate": lambda: scenrun.simulate(PIPELINE, overrides=QUICK, scheduler="random", keep=True).lines,
    "explore": lambda: of_search(scenrun.explore(LOST)),
    "replay": lambda: scenrun.replay(schedule(), scenario=LOST, on="threads").notes,
}
PAIRS = [("run", "run-again"), ("run", "simulate"), ("explore", "simulate"), ("simulate", "simulate"),
         ("explore", "run"), ("replay", "run"), ("explore", "explore")]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_two_at_the_same_time_are_as_each_alone(pair: tuple[str, str]) -> None:
    """Two threads of one process that begin together, ten times: verdicts, lines and stories as alone."""
    alone = [AT_ONCE[one]() for one in pair]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            gate = threading.Barrier(2)
            together = [pool.submit(_through, gate, AT_ONCE[one]) for one in pair]
            assert [one.result(timeout=60) for one in together] == alone


def _through(gate: threading.Barrier, verb: Callable[[], Any]) -> Any:
    gate.wait(timeout=60)
    return verb()


def test_one_loaded_scenario_can_run_in_many_threads_at_once() -> None:
    """What was loaded is never changed: four runs of it at a time, twenty in all."""
    loaded = scenrun.load(COUNTED)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda seed: scenrun.run(loaded, seed=seed), range(20)))
    assert [result.verdict for result in results] == ["holds"] * 20
    assert [result.seed for result in results] == list(range(20))


# --- results that keep their lines


@pytest.mark.parametrize("verb", [scenrun.run, scenrun.simulate], ids=["run", "simulate"])
def test_a_run_keeps_its_lines_only_if_asked(verb: Callable[..., scenrun.RunResult]) -> None:
    """With keep=True all lines down to level debug, or those of the level that was asked for."""
    assert verb(LOST).lines == ()
    kept = verb(LOST, keep=True).lines
    assert [line["seq"] for line in kept] == list(range(len(kept)))
    assert (kept[0]["event"], kept[-1]["event"]) == ("run.started", "run.finished")
    assert {line["level"] for line in kept} >= {"debug", "info"}
    assert "debug" not in {line["level"] for line in verb(LOST, keep=True, level="info").lines}


def test_what_is_kept_is_what_is_written(tmp_path: Path) -> None:
    """A file gets the same lines, and so does a function, which cannot change what is kept."""
    alone = scenrun.simulate(LOST, keep=True).lines
    path = tmp_path / "log.jsonl"
    assert scenrun.simulate(LOST, keep=True, log=path).lines == alone
    assert path.read_text().count("\n") == len(alone)
    given: list[dict[str, Any]] = []
    assert scenrun.simulate(LOST, keep=True, log=lambda line: (given.append(dict(line)), line.clear())).lines == alone
    assert tuple(given) == alone


def test_keeping_changes_nothing_else() -> None:
    """A result with its lines is equal to the one without, and can be sent to another process."""
    kept = scenrun.simulate(LOST, keep=True)
    assert kept == scenrun.simulate(LOST, level="debug")
    assert pickle.loads(pickle.dumps(kept)).lines == kept.lines


# --- results that show themselves


class Seen(HTMLParser):
    """The tags and the text of a page; every tag that is opened is closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_run_shows_its_verdict_its_figures_and_its_timeline() -> None:
    """In a notebook; the timeline only where all lines were kept."""
    kept = scenrun.simulate(LOST, keep=True)
    page = Seen(kept._repr_html_())
    assert kept.timeline() in page.text
    assert "violated, as expected" in page.text
    assert "updater[1]" in page.text
    without = Seen(scenrun.simulate(LOST)._repr_html_())
    assert "lived" in without.text
    assert "┬" in page.text
    assert "┬" not in without.text
    assert "┬" not in Seen(scenrun.simulate(LOST, keep=True, level="info")._repr_html_()).text


def test_a_search_shows_its_counterexample() -> None:
    """As a table, a column a thread."""
    found = scenrun.explore(LOST)
    text = Seen(found._repr_html_()).text
    assert re.search(r"step  main +updater\[0\] +updater\[1\] +line", text)
    assert str(found).split("\n", 1)[1] in text


def test_a_sweep_shows_its_table_and_its_map() -> None:
    """The same as the command line shows."""
    result = swept()
    text = Seen(result._repr_html_()).text
    assert "pipeline.maxsize across" in text
    assert result.table().split("\n", 1)[1] in text
    assert repr(result) == "<sweep of queue_pipeline: 4 cells, 1 not as expected>"


@pytest.mark.parametrize("way", ["simulate", "run", "explore"])
def test_nothing_of_a_scenario_is_taken_for_html(way: str) -> None:
    """Tags in messages, reasons and values stay text; what would move a cursor or turn text is an escape."""
    hostile = {
        "scenario": "hostile",
        "state": {"said": ""},
        "threads": {"a": {"do": [{"log": EVIL}, {"set": {"said": repr(EVIL)}}, {"raise": f"ValueError: {EVIL}"}]}},
    }
    result = scenrun.explore(hostile) if way == "explore" else getattr(scenrun, way)(hostile, keep=True)
    page = Seen(result._repr_html_())
    assert set(page.tags) == {"div", "pre"}
    assert "<script>" in page.text
    for shown in (page.text, repr(result), str(result)):
        assert not {"\x1b", "\u202e"} & set(shown)


def test_every_line_of_a_page_is_harmless() -> None:
    """Whoever gives the lines, and whether they are the first one or not."""
    page = notebook.html([[EVIL, EVIL], [EVIL]], True)
    assert set(Seen(page).tags) == {"div", "pre"}
    assert page.count("\\x1b[31m\\u202e") == 3
    assert not {"\x1b", "\u202e"} & set(page)


@pytest.mark.parametrize("ok", [True, False])
def test_the_head_tells_by_its_colour_whether_all_is_well(ok: bool) -> None:
    """Green is as expected, red is not."""
    overrides = {} if ok else {"expect.verdict": "holds"}
    page = scenrun.simulate(LOST, overrides=overrides)._repr_html_()
    assert ("#1a7f37" in page, "#cf222e" in page) == (ok, not ok)


def test_a_very_long_text_is_cut_and_says_so() -> None:
    """How much was left out is told."""
    page = notebook.html([["head"], ["x" * (notebook.MOST_TEXT + 1_234)]], True)
    assert len(page) < notebook.MOST_TEXT + 1_000
    assert "… and 1,234 more characters" in page


def test_a_result_in_a_console_is_one_line() -> None:
    """Its repr has the way, the verdict and what was found, however much that is."""
    assert repr(scenrun.simulate(LOST)).startswith("<simulate of lost_update, seed 0: violated (final value == 2")
    assert repr(scenrun.explore(LOST)).startswith("<explore of lost_update, seed 0: violated (at the end, value == 2")
    assert len(notebook.one_line("run", "x" * 10_000, "holds")) == 200


@pytest.mark.parametrize(
    ("options", "width", "said"),
    [({}, 100, "not kept"), ({"keep": True, "level": "info"}, 100, "level `info`"), ({"keep": True}, 3, "at least 40")],
)
def test_a_timeline_that_cannot_be_drawn_says_why(options: dict[str, Any], width: int, said: str) -> None:
    """Lines were not kept, or not all of them, or there is no room."""
    with pytest.raises(scenrun.UsageError, match=said):
        scenrun.simulate(LOST, **options).timeline(width)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_timeline_is_as_wide_as_asked(width: int) -> None:
    """And no wider."""
    lines = scenrun.simulate(PIPELINE, overrides=QUICK, keep=True).timeline(width).split("\n")
    assert 0.9 * width <= max(map(len, lines)) <= width


# --- types

TYPED = """
import scenrun

loaded: scenrun.Loaded = scenrun.load("x.yaml")
result: scenrun.RunResult = scenrun.run(loaded, log=print)
kind: str = result.findings[0].kind
found: scenrun.Explored = scenrun.explore(loaded, max_states=1_000)
sentence: str = found.counterexamples[0].sentence
again: scenrun.RunResult = scenrun.replay(found.schedule_of(found.counterexamples[0]), scenario=loaded)
cells: scenrun.Swept = scenrun.sweep(loaded, over={"state.n": "1..4"})
for cell in cells:
    seed: int = cell.seed
"""
WRONG = {
    "seed": 'import scenrun\nscenrun.run("x.yaml", seed="7")\n',
    "field": 'import scenrun\nscenrun.run("x.yaml").verdikt\n',
    "result": 'import scenrun\nfound: scenrun.RunResult = scenrun.explore("x.yaml")\n',
    "option": 'import scenrun\nscenrun.simulate("x.yaml", cpu=2)\n',
}


def checked(program: str, folder: Path) -> tuple[int, str]:
    """What mypy says of a user's program."""
    pytest.importorskip("mypy")
    (folder / "program.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "program.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout


def test_a_users_program_sees_the_types(tmp_path: Path) -> None:
    """A strict checker accepts what is right and refuses what is not: a seed of text, a field, a result, an option."""
    assert checked(TYPED, tmp_path) == (0, "Success: no issues found in 1 source file\n")
    for program in WRONG.values():
        status, said = checked(program, tmp_path)
        assert status == 1, said
        assert "Found 1 error" in said
