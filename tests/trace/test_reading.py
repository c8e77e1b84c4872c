"""Reading logs: what can be read is read, and of the rest it is said what it was."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import scenrun
from scenrun.printable import excerpt
from scenrun.trace.analysis.reading import LONGEST_LINE, LogError, Reading
from scenrun.version import __version__

PIPELINE = Path(__file__).parents[2] / "scenarios" / "queue_pipeline_fixed.yaml"


def log(run: str = "a", count: int = 5, version: str = __version__) -> list[bytes]:
    """The lines of a small log."""
    head = {"event": "run.started", "run": run, "seq": 0, "elapsed_s": 0.0, "scenrun": version}
    middle = [
        {"event": "message", "run": run, "seq": n, "elapsed_s": n / 10, "thread": "t"} for n in range(1, count - 1)
    ]
    last = {"event": "run.finished", "run": run, "seq": count - 1, "elapsed_s": count / 10, "verdict": "holds"}
    return [json.dumps(one).encode() + b"\n" for one in (head, *middle, last)]


def read(lines: list[bytes], **how: Any) -> tuple[list[int], list[str]]:
    """The numbers of the events, and the notes."""
    reading = Reading(io.BytesIO(b"".join(lines)), "x.jsonl", **how)
    return [event["seq"] for event in reading], reading.notes()


def test_a_whole_log_is_read_without_a_word() -> None:
    """All events in their order, and nothing to note."""
    assert read(log()) == ([0, 1, 2, 3, 4], [])


def test_a_real_log_is_read_whole(tmp_path: Path) -> None:
    """What scenrun writes is what it reads."""
    path = tmp_path / "log"
    scenrun.simulate(PIPELINE, level="debug", log=path)
    with path.open("rb") as file:
        reading = Reading(file, "log")
        assert sum(1 for _ in reading) == path.read_bytes().count(b"\n")
        assert reading.notes() == []


@pytest.mark.parametrize(
    ("lines", "seqs", "said"),
    [
        ([*log()[:-1], log()[-1][:20]], [0, 1, 2, 3], "line 5, the last one, is cut off and was skipped"),
        ([b"hello\n", *log(), b"[1]\n"], [0, 1, 2, 3, 4], "2 lines are not a log's and skipped, the first is line 1: `hello`"),
        ([b'{"event": 5, "run": "a"}\n', *log()], [0, 1, 2, 3, 4], "1 line is not a log's and skipped"),
        (log(version="99.1"), [0, 1, 2, 3, 4], f"the log was written by scenrun 99.1, and this is {__version__}"),
        ([log()[0], b'{"event":"new.thing","run":"a","seq":1,"elapsed_s":0.1}\n', *log()[2:]], [0, 2, 3, 4],
         "1 line is of a kind that this version does not know, and skipped: new.thing"),
        ([log()[0], *log()[3:]], [0, 3, 4], "2 lines are missing in between"),
        (log()[2:], [2, 3, 4], "2 lines are missing in between or at the beginning"),
        ([*log(), *log()], [0, 1, 2, 3, 4], "5 lines are there twice or out of order, and skipped"),
        (log()[:-1], [0, 1, 2, 3], "the log ends before its run did"),
        ([*log("a"), *log("b")], [0, 1, 2, 3, 4], "the log has 2 runs (2 holds); this is run 1; --run N shows another"),
        ([b"\n", *log()], [0, 1, 2, 3, 4], None),
        ([b'{"event":"message","run":"a","seq":0,"elapsed_s":"late"}\n', *log()], [0, 1, 2, 3, 4], "1 line is not a log's"),
        ([b'{"event":"message","run":"a","seq":0,"elapsed_s":0,"thread":[1]}\n', *log()], [0, 1, 2, 3, 4], "not a log's"),
        ([b"\xff\xfe\x1b[31m\n", *log()], [0, 1, 2, 3, 4], "the first is line 1: `\ufffd\ufffd\ufffd[31m`"),
    ],
)  # fmt: skip
def test_what_could_be_read_is_given_and_the_rest_is_named(
    lines: list[bytes], seqs: list[int], said: str | None
) -> None:
    """A truncated line, foreign lines, a newer version, missing lines, lines twice, several runs."""
    found, notes = read(lines)
    assert found == seqs
    assert (said is None and notes == []) or any(said in note for note in notes), notes


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "x.jsonl is empty"),
        ([b"hello\n"], "x.jsonl is no log of scenrun: line 1 is `hello`"),
        ([b"\n"], "it has empty lines only"),
        ([b'{"event": "run.sta'], "its only line is cut off"),
    ],
)
def test_where_there_is_nothing_to_read_it_says_so(lines: list[bytes], said: str) -> None:
    """An empty log, and one that is none."""
    with pytest.raises(LogError, match=said):
        read(lines)


def test_a_run_is_chosen_by_its_number_or_name() -> None:
    """The first one unless told otherwise; one that is not there is an error that lists those that are."""
    two = [*log("a"), *log("b", 3)]
    assert read(two, run="2")[0] == read(two, run="b")[0] == [0, 1, 2]
    with pytest.raises(LogError, match=r"x\.jsonl has no run 3; it has a, b"):
        read(two, run="3")


def test_every_run_can_be_read() -> None:
    """All runs one after another, also where their lines are mixed, and the line that tells of all."""
    a, b = log("a"), log("b")
    tally = b'{"event":"tally.finished","run":"c","seq":0,"elapsed_s":1}\n'
    mixed = [line for pair in zip(a, b, strict=True) for line in pair]
    seqs, notes = read([*mixed, tally], every=True)
    assert seqs == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0]
    assert notes == []


def test_a_line_without_end_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte without a newline is not read into memory at once."""
    monkeypatch.setattr("scenrun.trace.analysis.reading.LONGEST_LINE", 200)
    assert LONGEST_LINE > 1 << 20
    seqs, notes = read([b"x" * 1_000 + b"\n", *log("a", 4)], every=True)
    assert seqs == [0, 1, 2, 3]
    assert notes[0].startswith("5 lines are not a log's")


def test_an_excerpt_cannot_harm_a_terminal() -> None:
    """No control character, no change of direction, and a mark where it was cut."""
    assert excerpt("a\x1b[31m\u202eb") == "a\ufffd[31m\ufffdb"
    assert excerpt("x" * 100, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("every", [False, True])
def test_a_reading_keeps_the_line_of_the_event_that_it_has_just_given(every: bool) -> None:
    """What writes events elsewhere has them as they stand in the log."""
    reading = Reading(io.BytesIO(b"".join([b"hello\n", *log()])), "x.jsonl", every=every)
    assert [reading.raw for _ in reading] == log()
