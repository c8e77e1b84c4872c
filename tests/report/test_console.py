"""What the console shows: every event in words, aligned, harmless, no wider than the terminal, honest about its cuts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal import SCENARIOS, on_terminal, seen_columns

from scenrun.printable import clean
from scenrun.program.loaded import load
from scenrun.report.amounts import seconds
from scenrun.report.console import Console
from scenrun.report.width import columns, cut, hanging, short, wrapped
from scenrun.report.words import event_in_words
from scenrun.trace.events import EVENTS

TEXTS = st.text(max_size=300) | st.sampled_from(
    [
        "",
        "産" * 90,
        "e\u0301" * 90,
        "👩‍🔬" * 50,
        "\u202eabc",
        "\x1b[2J",
        "x" * 10_000,
        "⚠️ hot",
        "ＦＵＬＬ" * 90,
        "o\u20dd" * 200,
        "가ᄀ\u1161" * 90,
    ]
)


def event(name: str, **fields: Any) -> dict[str, Any]:
    """A line of the log."""
    head = {"timestamp": "", "level": EVENTS[name].level, "event": name, "run": "r", "seq": 1, "elapsed_s": 0.0021}
    return {**head, "thread": "main", "group": "main", "index": 0, "line": 3, "step": "main[0]", **fields}


def console(file: str = "queue_pipeline", width: int | None = 80, *, colour: bool = False) -> Console:
    """The console of a scenario."""
    return Console(load(SCENARIOS / f"{file}.yaml").program, colour=colour, width=width)


def shown(one: Console, *events: dict[str, Any]) -> list[str]:
    """The lines of events."""
    return b"".join(one(None, "", e) for e in events).decode().splitlines()


# --- words


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_told_in_words(name: str) -> None:
    """No kind of line is told by its name and fields, neither with all its fields nor with none."""
    values = {"string": "text", "number": 0.5, "integer": 3, "boolean": True}
    types = {field: str(schema.get("type")) for field, schema in EVENTS[name].fields.items()}
    fields = {field: values[type_] for field, type_ in types.items() if type_ in values}
    for line in (event(name), event(name, object="guard", **fields)):
        assert "{" not in event_in_words(line)
        if "." in name:
            assert name not in event_in_words(line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (event("thread.started", daemon=False), "begins"),
        (event("thread.started", daemon=True, pool="crew"), "begins (in crew, daemon)"),
        (event("thread.failed", type="ValueError", text="no"), "fails with ValueError: no"),
        (event("fault.raised", type="queue.Empty", text="", waited_s=0.25), "meets queue.Empty (waited 250 ms)"),
        (event("sleep.ended", slept_s=0.002), "wakes up (slept 2 ms)"),
        (event("lock.acquiring", object="guard"), "wants guard"),
        (event("lock.acquired", object="guard", acquired=True, waited_s=0.0), "has guard"),
        (event("lock.acquired", object="guard", acquired=True, waited_s=0.0021), "has guard (waited 2.1 ms)"),
        (event("lock.acquired", object="guard", acquired=False, waited_s=1.5), "gives up on guard (waited 1.5 s)"),
        (event("lock.released", object="guard", held_s=3e-6), "gave guard back (held 3 us)"),
        (event("semaphore.released", object="slots", held_s=0.0, n=2), "gave a permit of slots back x 2"),
        (event("queue.put", object="line", size=3, waited_s=0.0, value=43), "put 43 into line (3 in it)"),
        (event("queue.put", object="line", size=3, waited_s=0.0), "put an item into line (3 in it)"),
        (event("queue.got", object="line", size=0, waited_s=0.0021, value="a b"), "got a b from line (0 in it, waited 2.1 ms)"),
        (event("event.waited", object="stop", value=False, waited_s=0.1), "gives up waiting for stop (waited 100 ms)"),
        (event("condition.woken", object="full", value=True, waited_s=0.1), "was notified on full (waited 100 ms)"),
        (event("barrier.passed", object="gate", value=0, waited_s=12e-6), "passes gate (waited 12 us)"),
        (event("event.asked", object="stop", question="is_set", value=True), "sees stop.is_set = true"),
        (event("pool.submitted", object="crew", value="crew#3"), "submitted crew#3 to crew"),
        (event("future.answered", object="crew#3", value=9, waited_s=0.0), "got the result of crew#3: 9"),
        (event("future.answered", value=9, waited_s=0.0), "got the result: 9"),
        (event("future.cancel_asked", object="crew#3", value=False), "could not cancel crew#3: too late"),
        (event("variable.written", object="total", value={"{at}": "{}"}), 'sets total to {"{at}": "{}"}'),
        (event("variable.item_written", object="seen", at="k", value=1), "sets seen[k] to 1"),
        (event("thread.joining", object="crew[0]"), "waits for crew[0] to end"),
    ],
)  # fmt: skip
def test_what_is_said(line: dict[str, Any], words: str) -> None:
    """Each kind of line in the words that a person would choose, with or without the fields of newer logs."""
    assert event_in_words(line) == words


def test_a_kind_of_line_that_is_not_known_is_told_by_its_fields() -> None:
    """A newer log's events are not hidden."""
    assert (
        event_in_words({"event": "lock.polished", "level": "info", "object": "guard", "shine": 0.5})
        == "lock.polished object=guard shine=0.5"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 us"), (1e-9, "0.001 us"), (3e-6, "3 us"), (0.0009996, "1 ms"), (0.0021, "2.1 ms"), (0.9999, "1 s"),
     (1.25, "1.25 s"), (75.04, "75 s"), (3600, "3,600 s")],
)  # fmt: skip
def test_times_have_three_digits_and_a_unit(value: float, text: str) -> None:
    """Nobody reads 1.2e-05."""
    assert seconds(value) == text


# --- width


@given(TEXTS, st.integers(8, 120))
def test_no_text_is_wider_than_it_may_be(text: str, width: int) -> None:
    """Cut, shortened, wrapped: by the columns that are seen, for every text there is."""
    safe = clean(text)
    assert safe.isprintable()
    assert columns(safe) == seen_columns(safe)
    for one in (cut(safe, width), short(safe, width), *wrapped(safe, width), *hanging(f"  {safe}", width, 4)):
        assert seen_columns(one) <= width


@given(TEXTS, st.integers(20, 120))
def test_a_cut_says_how_much_it_left_out(text: str, width: int) -> None:
    """What is shown and the number behind the ellipsis make the whole text."""
    safe = clean(text)
    found = re.fullmatch(r"(.*) …\+(\d+)", cut(safe, width), re.DOTALL)
    if seen_columns(safe) > width:
        assert found is not None
        assert safe.startswith(found[1])
        assert len(found[1]) + int(found[2]) == len(safe)
    else:
        assert cut(safe, width) == safe


@given(TEXTS)
def test_wrapping_loses_no_word(text: str) -> None:
    """The lines together have every character but spaces, in their order."""
    safe = clean(text)
    assert "".join("".join(wrapped(safe, 30)).split()) == "".join(safe.split())


@given(
    TEXTS, st.sampled_from([40, 60, 80, 133]), st.sampled_from(["queue_pipeline", "dining_philosophers", "thread_pool"])
)
def test_no_line_is_wider_than_the_terminal(text: str, width: int, file: str) -> None:
    """Whatever a log says, in columns and in a list."""
    one = console(file, width)
    lines = shown(
        one,
        event("run.started", scenario=text, description=text, seed=0, way="simulate"),
        event("thread.started", thread="consumer"),
        event("message", thread="consumer", message=text, fields={text: text}),
        event("message", thread=text, message=text),
        event("variable.written", object=text, value=text),
        event("finding", level="error", kind="deadlock", message=text, threads=[{"thread": text, "operation": "lock.acquire", "object": text, "held_by": [text], "line": 3}] * 30),
        event("run.finished", ok=False, verdict="deadlock", expected=["holds"], figures={
            "messages": 1, "threads": {f"{text}{n}": {"lived_s": 1.0, "messages": n} for n in range(12)},
            "objects": {f"{text}{n}": {"acquisitions": 2, "contended": 1, "waited": {"total_s": 1.0}} for n in range(12)}}),
    )  # fmt: skip
    for line in lines:
        assert seen_columns(line) <= width
        assert line.isprintable()


# --- layout


def test_few_threads_have_a_column_each() -> None:
    """Names stand above the columns; words begin below them; a line marks those who live."""
    lines = shown(
        console(),
        event("thread.started", elapsed_s=0.0),
        event("thread.started", thread="consumer"),
        event("message", thread="producer", message="hello"),
    )
    assert lines[0].split() == ["ms", "main", "producer", "consumer"]
    assert lines[1].index("begins") == lines[0].index("main")
    assert lines[2].index("begins") == lines[0].index("consumer")
    assert lines[2].count("│") == 1
    assert lines[3].index("hello") == lines[0].index("producer")
    assert lines[1].split()[0] == "0.000"
    assert lines[2].split()[0] == "2.100"


def test_many_threads_have_one_column_of_names() -> None:
    """Five philosophers have no room at 80 columns; names are aligned."""
    lines = shown(
        console("dining_philosophers"),
        event("thread.started"),
        event("thread.started", thread="philosopher[3]"),
    )
    assert lines[0].index("begins") == lines[1].index("begins")
    assert "philosopher[3]  begins" in lines[1]


def test_what_is_not_watched_is_not_cut_and_has_names() -> None:
    """In a file every line has its thread's name and all of its text."""
    (line,) = shown(console(width=None), event("message", thread="producer", message="x" * 500))
    assert line.split()[1:] == ["producer", "x" * 500]


def test_the_names_come_again() -> None:
    """Before they have scrolled away."""
    lines = shown(console(), *(event("message", message=str(n)) for n in range(70)))
    assert [at for at, line in enumerate(lines) if line.split()[0] == "ms"] == [0, 31, 62]


def test_a_finding_is_told_in_full() -> None:
    """Over several lines, with all threads up to a dozen, and the number of those beyond."""
    threads = [
        {"thread": f"t{n}", "state": "blocked", "operation": "lock.acquire", "object": "guard"} for n in range(20)
    ]
    message = "word " * 60
    lines = shown(console(), event("finding", level="error", kind="deadlock", message=message, threads=threads))
    assert " ".join(lines).split().count("word") == 60
    assert [line.split()[0] for line in lines if "waits for guard" in line] == [f"t{n}" for n in range(12)]
    assert lines[-1].strip() == "… and 8 more threads"


def test_a_very_long_finding_says_how_much_it_left_out() -> None:
    """A screen of it is enough."""
    lines = shown(console(), event("finding", level="error", kind="violated", message="word " * 2_000))
    assert re.search(r"… and [\d,]+ more lines", lines[-1])
    assert len(lines) < 30


def test_the_end_is_a_table() -> None:
    """Who waited how long, and what became of the queue."""
    figures = {
        "messages": 3,
        "threads": {
            "main": {"lived_s": 0.1, "waited_s": 0.05, "messages": 0},
            "other": {"lived_s": 1.0, "messages": 1_234},
        },
        "objects": {"line": {"puts": 3, "gets": 2, "largest": 2, "size": 1, "waited_put": {"total_s": 0.002}}},
    }
    lines = shown(console(), event("run.finished", ok=True, verdict="holds", expected=["holds"], figures=figures))
    text = [line.split() for line in lines]
    assert text[0] == ["2.100", "ok:", "holds", "after", "2.1", "ms,", "3", "messages"]
    assert text[1] == ["lived", "waited", "messages"]
    assert text[2] == ["main", "100", "ms", "50", "ms", "0"]
    assert text[3] == ["other", "1", "s", "-", "1,234"]
    assert lines[4].strip() == "line: 3 put (waited 2 ms in all), 2 got, at most 2 in it, 1 left"
    assert len({columns(line) for line in lines[1:4]}) == 1


# --- colour


@pytest.mark.parametrize("width", [80, None])
def test_colour_adds_nothing_but_colour(width: int | None) -> None:
    """Without its escape sequences the coloured text is the plain one."""
    events = [
        event("run.started", scenario="s", description="about", seed=0, way="run"),
        event("thread.started"),
        event("lock.acquiring", thread="producer", object="guard"),
        event("message", thread="producer", message="bad", level="error"),
        event("finding", level="error", kind="deadlock", message="stuck"),
        event("run.finished", ok=False, verdict="deadlock", expected=["holds"], figures={}),
    ]
    plain, painted = shown(console(width=width), *events), shown(console(width=width, colour=True), *events)
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in painted] == plain
    assert all("\x1b[" in line for line in painted if "begins" in line or "stuck" in line)
    assert not any("\x1b" in line for line in plain)


def test_a_terminal_shows_colour_and_columns() -> None:
    """`--format console` on a terminal: colour, a column a thread, nothing wider; the end is told once."""
    said = on_terminal("simulate", str(SCENARIOS / "self_deadlock.yaml"), "--format", "console", "--level", "debug")
    assert "\x1b[" in said
    lines = re.sub(r"\x1b\[[\d;]*m", "", said).splitlines()
    assert any(line.split() == ["ms", "main", "clerk"] for line in lines)
    assert max(map(seen_columns, lines)) <= 80
    assert sum("can never move again" in line for line in lines) == 1


def test_no_color_is_respected() -> None:
    """NO_COLOR on a terminal, and a log that goes to a file, have no escape sequences."""
    said = on_terminal("simulate", str(SCENARIOS / "join_a_thread.yaml"), "--format", "console", NO_COLOR="1")
    assert "\x1b" not in said


def test_a_log_file_has_the_lines_and_stderr_the_verdict(tmp_path: Path) -> None:
    """`--log FILE` with `--format console`: aligned names, no escape sequences; the summary is said as ever."""
    path = tmp_path / "log.txt"
    done = subprocess.run(
        [sys.executable, "-m", "scenrun", "simulate", str(SCENARIOS / "self_deadlock.yaml"), "--format", "console", "--log", str(path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "can never move again" in done.stderr
    text = path.read_text()
    assert "\x1b" not in text
    assert re.search(r"^ +0\.002   clerk  I hold the lock and ask for it again$", text, re.MULTILINE)
