"""What a page holds of a log, without a browser: columns, merged bars, harmless texts, one file, and the command that writes it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scenrun.api import simulate
from scenrun.errors import UsageError
from scenrun.interface.cli.report import report_command
from scenrun.language.verbs.registry import VERBS
from scenrun.program.loaded import Loaded, load
from scenrun.report.amounts import precise_seconds
from scenrun.report.page.bars import Bars
from scenrun.report.page.columns import Names, Places
from scenrun.report.page.page import collect_page, write_page
from scenrun.report.page.page_data import Collected
from scenrun.report.page.texts import all_harmless, detail_of, harmless, lines_of
from scenrun.trace.analysis.reading import Reading, opened
from scenrun.trace.analysis.spans import Span, spans_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ALL = sorted(SCENARIOS.glob("*.yaml"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a pipeline with some thousands of lines."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    simulate(short(SCENARIOS / "queue_pipeline.yaml"), level="debug", log=str(path))
    return path


def short(path: Path) -> Loaded:
    """A scenario that is told to stop early."""
    return load(path, overrides={"stop": "2ms"} if "\nstop: 100ms" in path.read_text() else {})


def collected(path: Path, **bounds: int) -> Collected:
    """What a page holds of a log."""
    with opened(str(path)) as file:
        out = Collected(**bounds)
        for event in Reading(file, str(path)):
            out.take(event)
        out.close()
        return out


def page_of(path: Path) -> bytes:
    """The page of a log."""
    with opened(str(path)) as file:
        reading = Reading(file, str(path))
        found, out = collect_page(reading), io.BytesIO()
    write_page(out, found, reading.notes())
    return out.getvalue()


def data_in(page: bytes) -> dict[str, Any]:
    """The data that stands in a page."""
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_scenario_has_a_page_with_all_of_its_lines_and_bars(path: Path, tmp_path: Path) -> None:
    """Decoded, the columns say of every line and every span what the log says."""
    file = tmp_path / "log.jsonl"
    simulate(short(path), level="debug", log=str(file))
    events = [json.loads(line) for line in file.read_text().splitlines()]
    with opened(str(file)) as stream:
        spans = spans_of(Reading(stream, "log"))
    data = data_in(page_of(file))
    assert lines_in(data) == [line_of(event) for event in events]
    assert sorted(bars_in(data)) == sorted(bar_of(span) for span in spans)
    assert data["text"] == path.read_text().removesuffix("\n").split("\n")
    assert data["verdict"]["word"] == events[-1]["verdict"]
    assert [one["kind"] for one in data["findings"]] == [e["kind"] for e in events if e["event"] == "finding"]


def lines_in(data: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The lines of a page's data."""
    lines, out, at, t = data["lines"], [], 0, 0
    for i in range(len(lines["t"])):
        at, t = at + lines["at"][i], t + lines["t"][i]
        names = (
            name_in(lines["events"], lines["event"][i]),
            name_in(data["threads"], lines["thread"][i]),
            name_in(data["objects"], lines["object"][i]),
        )
        out.append((at, t, *names, name_in(lines["steps"], lines["step"][i]), lines["line"][i]))
    return out


def name_in(names: list[str], number: int) -> str | None:
    """A name by its number."""
    return names[number] if number >= 0 else None


def line_of(event: dict[str, Any]) -> tuple[Any, ...]:
    """The same of a line of the log."""
    ns = round(event["elapsed_s"] * 1e9)
    return (
        event["seq"],
        ns,
        event["event"],
        event.get("thread"),
        event.get("object"),
        event.get("step"),
        event.get("line", 0),
    )


def bars_in(data: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The bars of a page's data."""
    bars = data["bars"]
    columns = ("thread", "what", "t", "lasted", "at", "places", "object", "line", "ended", "by", "by_at")
    rows = zip(*(bars[name] for name in columns), strict=True)
    return [
        (
            data["threads"][r[0]],
            bars["whats"][r[1]],
            *r[2:6],
            name_in(data["objects"], r[6]) or "",
            r[7],
            bars["endings"][r[8]],
            name_in(data["threads"], r[9]) or "",
            r[10],
        )
        for r in rows
    ]


def bar_of(span: Span) -> tuple[Any, ...]:
    """The same of a span."""
    begin = round(span.begin_s * 1e9)
    by = (span.by.thread, span.by.seq) if span.by else ("", 0)
    return (
        span.thread,
        span.what,
        begin,
        max(0, round(span.end_s * 1e9) - begin),
        span.begin_seq,
        span.end_seq - span.begin_seq,
        span.object or "",
        span.line or 0,
        span.ended,
        *by,
    )


def test_a_page_is_one_file_that_asks_nobody(log: Path) -> None:
    """No address stands in what the page is made of, and its policy allows its own script and style alone."""
    page = page_of(log).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]
    own = page.replace(re.search(r'id="data">.*?</script>', page, re.DOTALL)[0], "")  # type: ignore[index]
    assert set(re.findall(r"https?://[^\"']*", own)) == {"http://www.w3.org/2000/svg"}
    assert re.findall(r"\b(?:src|href)=\"([^\"]*)\"", own) == ["data:,", "#timeline"]


def test_data_can_neither_end_nor_open_anything() -> None:
    """No `<`, `>` or `&` is left in the data of a page."""
    events = [{"event": "message", "message": "</script><!-- ]]> & <script>", "thread": "</script>"}]
    lines = [{"level": "info", "run": "r", "seq": i, "elapsed_s": 0.0, **one} for i, one in enumerate(events)]
    reading = Reading(io.BytesIO(b"".join(json.dumps(one).encode() + b"\n" for one in lines)), "made")
    found, out = collect_page(reading), io.BytesIO()
    write_page(out, found, [], player={"</script>": "<b>"})
    data = out.getvalue().split(b'id="data">')[1].split(b"</script>")[0]
    assert not set(data) & set(b"<>&")
    assert json.loads(data)["threads"] == ["</script>"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"), ("שלום", "שלום"), ("👩‍💻", "👩‍💻"), ("a\nb\tc\rd", "a\\nb\\tc\\rd"), ("\x1b[31m\x00", "\\x1b[31m\\x00"),
        ("\u202etxt", "\\u202etxt"), ("\u2066x\u2069", "\\u2066x\\u2069"), ("\u2028", "\\u2028"), ("no\u00a0break", "no\u00a0break"), ("\ud800", "\\ud800"),
    ],
)  # fmt: skip
def test_a_text_is_shown_as_it_is_or_as_an_escape(text: str, shown: str) -> None:
    """Letters of all languages stay; what cannot be seen or turns the direction of writing is written out."""
    assert harmless(text) == shown


def test_a_long_text_says_how_much_is_cut() -> None:
    """A cut is marked, with the number of characters that are left out, wherever the text stands."""
    assert harmless("x" * 10_000) == "x" * 2_000 + "… (8,000 more characters)"
    assert harmless("\x00" * 3, 2) == "\\x00\\x00… (1 more characters)"
    assert all_harmless({"a\x00": ["b" * 3_000, {"c": ("\x07", 1, None)}]}) == {
        "a\\x00": ["b" * 2_000 + "… (1,000 more characters)", {"c": ["\\x07", 1, None]}]
    }
    deep: Any = 1
    for _ in range(1_000):
        deep = [deep]
    assert "…" in json.dumps(all_harmless(deep), ensure_ascii=False)


def test_what_a_line_says_is_its_message_or_its_own_fields() -> None:
    """Common fields stand in columns of their own, times have units, what is shown elsewhere is left out."""
    assert (
        detail_of({"event": "message", "thread": "a", "message": "hi", "fields": {"n": 1, "s": "t"}})
        == "hi, n: 1, s: t"
    )
    assert detail_of({"event": "queue.got", "object": "q", "size": 3, "waited_s": 0.0015}) == "size 3, waited 1.5 ms"
    assert detail_of({"event": "run.started", "scenario": "x", "text": "long", "objects": []}) == "scenario x"
    assert [precise_seconds(s) for s in (0.0, 3e-9, 2.5e-6, 0.1, 90.0)] == ["0", "3 ns", "2.5 µs", "100 ms", "90 s"]


def test_lines_of_a_text_are_those_of_the_file() -> None:
    """Their numbers fit those of the log, tabs and returns do no harm, and a very long text is cut visibly."""
    assert lines_of("a\r\n\tb\n\n\x0cc\n") == ["a", "    b", "", "\\x0cc"]
    assert lines_of("x\n" * 30, most=10)[10] == "… (20 more lines)"


def test_missing_lines_leave_no_gap() -> None:
    """A line's place counts the lines that are there; its number can be had back."""
    places = Places()
    for seq in (5, 6, 9, 20, 21):
        places.note(seq)
    assert [places.of(seq) for seq in (5, 6, 9, 20, 21)] == [0, 1, 2, 3, 4]
    assert places.jumps() == [[0, 5], [2, 9], [3, 20]]


def test_too_many_bars_are_merged_and_none_is_lost() -> None:
    """The merged bars of a lane take as long as the spans they stand for, and lie where those lie."""
    bars = Bars(Names(), Names(), most=50)
    spans = [Span("a", "waiting", i * 1e-3, i * 1e-3 + 4e-4, i, i) for i in range(1_000)]
    spans.append(Span("a", "alive", 0.0, 1.0, 0, 999))
    for span in spans:
        bars.take(span)
    places = Places()
    for seq in range(1_000):
        places.note(seq)
    data = bars.as_dict(places)
    assert len(data["t"]) <= 50
    assert sum(data["count"]) == 1_001
    assert bars.merged == 1_001 - len(data["t"])
    waiting = [i for i, what in enumerate(data["what"]) if data["whats"][what] == "waiting"]
    assert sum(data["busy"][i] for i in waiting) == pytest.approx(0.4e9, rel=1e-6)
    ends = [(data["t"][i], data["t"][i] + data["lasted"][i]) for i in waiting]
    assert all(one[1] <= other[0] for one, other in pairwise(ends))
    assert ends[-1][1] == round(0.9994e9)
    assert all(data["lasted"][i] >= data["busy"][i] for i in waiting)


def test_a_long_log_keeps_its_ends_and_what_is_loud(tmp_path: Path) -> None:
    """The first lines, the last ones and the errors in between are in the page, and the rest is counted."""
    lines = [
        {
            "level": "error" if i == 500 else "debug",
            "event": "message",
            "run": "r",
            "seq": i,
            "elapsed_s": i * 1e-3,
            "thread": "t",
            "message": str(i),
        }
        for i in range(1_000)
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = collected(file, most_lines=100)
    data = found.as_dict()
    assert [line[0] for line in lines_in(data)] == [*range(50), 500, *range(950, 1_000)]
    assert data["lines"]["left_out"] == 899
    assert "the table has 101 of 1,000 lines: 899 in the middle are left out; the timeline is of all" in found.notes()


def run(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """`scenrun report` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scenrun", "report", *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_report_is_written_from_a_log_a_pipe_or_a_scenario(log: Path, tmp_path: Path) -> None:
    """All three give a page; the log's is the same through a pipe."""
    done = run(str(log), "-o", str(tmp_path / "one.html"))
    assert (done.returncode, done.stderr.decode().strip()) == (0, f"wrote {tmp_path / 'one.html'}")
    piped = run("-", "-o", "-", stdin=log.read_bytes())
    assert piped.stdout == (tmp_path / "one.html").read_bytes()
    simulated = run(str(SCENARIOS / "locked_update.yaml"), "-o", "-")
    assert data_in(simulated.stdout)["scenario"] == "locked_update"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"), (b"hello\n", "is no log of scenrun"), (b"{}\n[1]\nnull\n", "is no log of scenrun"), (b"\xff\xfe\x00", "is no log of scenrun"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_refused_in_a_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    """Exit status 2, one sentence, and no page."""
    done = run("-", "-o", str(tmp_path / "page.html"), stdin=content)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert not (tmp_path / "page.html").exists()


def test_what_was_skipped_stands_on_the_page_and_on_stderr(log: Path, tmp_path: Path) -> None:
    """A cut last line, foreign lines and a missing end: the page shows what is there, and both say what is not."""
    lines = log.read_bytes().splitlines(keepends=True)
    bad = b"".join([*lines[:50], b"not ours\n", *lines[60:80]]) + lines[80][:40]
    done = run("-", "-o", "-", stdin=bad)
    notes = data_in(done.stdout)["notes"]
    assert done.returncode == 0
    assert len(notes) == 4
    for note, said in zip(
        notes, ("not a log's", "is cut off", "10 lines are missing", "ends before its run did"), strict=True
    ):
        assert said in note
        assert f"note: {note}" in done.stderr.decode()


def test_a_log_at_info_level_says_what_it_lacks(tmp_path: Path) -> None:
    """Lives of threads and figures are shown, and a note says how to have the rest."""
    simulate(SCENARIOS / "queue_pipeline.yaml", level="info", log=str(tmp_path / "log"))
    data = data_in(page_of(tmp_path / "log"))
    assert any("--level debug" in note for note in data["notes"])
    assert set(data["figures"]["threads"]) == {"main", "producer", "consumer"}


def test_an_output_that_exists_or_cannot_be_is_refused_before_the_work(log: Path, tmp_path: Path) -> None:
    """An existing file stays as it is without --force; a folder that is not there is named."""
    page = tmp_path / "page.html"
    page.write_text("mine")
    with pytest.raises(UsageError, match="exists; --force replaces it"):
        CliRunner().invoke(report_command, [str(log), "-o", str(page)], catch_exceptions=False)
    assert page.read_text() == "mine"
    assert (
        CliRunner().invoke(report_command, [str(log), "-o", str(page), "--force"], catch_exceptions=False).exit_code
        == 0
    )
    assert page.read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(UsageError, match="there is no folder"):
        CliRunner().invoke(report_command, [str(log), "-o", str(tmp_path / "no" / "page.html")], catch_exceptions=False)


def test_numbers_that_no_run_has_do_not_break_a_page() -> None:
    """Times and numbers as large as JSON allows, negative ones and deep values are shown as far as they go."""
    odd = [
        {"elapsed_s": 1e308, "event": "thread.started", "thread": "a", "seq": 10}, {"elapsed_s": -5.0, "event": "sleep.began", "thread": "a", "line": -3, "seq": 2**62},
        {"elapsed_s": 3, "event": "queue.put", "object": "q", "size": 10**18, "waited_s": 1e300, "thread": "a", "seq": 2**62 + 1, "line": 10**15},
        {"elapsed_s": 0.0, "event": "finding", "kind": 7, "message": None, "threads": [1, {"thread": 2, "line": "x", "held_by": 3}], "line": 2, "seq": 2**62 + 5},
        {"elapsed_s": 0.0, "event": "run.finished", "verdict": [], "expected": 1, "figures": [], "state": 3, "expectations": {"a": 1}, "seq": 2**62 + 6},
    ]  # fmt: skip
    log = b"".join(json.dumps({"run": "r", "level": 5, **one}).encode() + b"\n" for one in odd)
    reading = Reading(io.BytesIO(log), "odd")
    found, out = collect_page(reading), io.BytesIO()
    write_page(out, found, reading.notes())
    data = data_in(out.getvalue())
    assert len(lines_in(data)) == 5
    assert all(abs(number) < 2**53 for column in ("t", "lasted", "at", "places") for number in data["bars"][column])


def test_a_report_of_a_log_imports_no_executor(log: Path) -> None:
    """A page is made from the log alone: nothing that runs, simulates or explores is imported."""
    code = "import json, sys; from scenrun.interface.cli.main import run_cli; status = run_cli(sys.argv[1:]); print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(status)"
    done = subprocess.run(
        [sys.executable, "-c", code, "report", str(log), "-o", "-"], capture_output=True, timeout=60, check=True
    )
    modules = json.loads(done.stderr.decode().splitlines()[-1])
    reached = (
        "scenrun.execution",
        "scenrun.model",
        "scenrun.search",
        "scenrun.api",
        "scenrun.program.compiler",
        "pydantic",
        "yaml",
        "structlog",
        "duckdb",
    )
    assert [name for name in modules if name.startswith(reached)] == []


def test_the_text_of_a_page_knows_every_verb() -> None:
    """The verbs that are coloured are those of the language."""
    text = (files("scenrun.report.page") / "assets" / "syntax.js").read_text(encoding="utf-8")
    found = re.search(r"const VERBS = new Set\(\[(.*?)\]", text, re.DOTALL)
    assert found
    assert sorted(" ".join(re.findall(r'"(.*?)"', found[1])).split()) == sorted(VERBS)


def test_a_page_without_its_data_is_small(log: Path) -> None:
    """Style, script and words of a page stay far below 1.5 MB."""
    page = page_of(log)
    assert len(page) - len(json.dumps(data_in(page), separators=(",", ":"))) < 400_000
