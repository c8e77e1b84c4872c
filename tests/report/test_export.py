"""What `scenrun export` writes is what the log says, in every format, and what it refuses it says in a sentence."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

import scenrun
from scenrun.interface.cli.main import run_cli
from scenrun.report.tables import TABLES
from scenrun.trace.analysis.reading import Reading
from scenrun.trace.analysis.spans import spans_of
from scenrun.trace.events import EVENTS

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "scenarios" / "queue_pipeline.yaml"
SUFFIXES = [".parquet", ".csv", ".duckdb"]
NASTY = 'a,b;"c"\r\nd\te\u2028 \u202eesrever\u202c \x00\x1b[31m </script> 😀 \uffff \'; DROP TABLE events; -- NULL'
HUGE = 12345678901234567890123456789012345678901234567890


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with every operation."""
    path = tmp_path_factory.mktemp("export") / "log.jsonl"
    scenrun.simulate(PIPELINE, level="debug", log=path, overrides={"threads.producer.args.every": "1ms"})
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, exact."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def line(seq: int, run: str = "r", event: str = "message", **fields: Any) -> dict[str, Any]:
    """A line of a log."""
    at = {"timestamp": f"2026-01-31T12:00:00.{seq:06}Z", "level": "info", "event": event}
    return {**at, "run": run, "seq": seq, "elapsed_s": seq / 8, **fields}


def written(path: Path, *events: dict[str, Any]) -> Path:
    """A log with these lines."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return path


def exported(log: Path, output: Path, *options: str) -> Path:
    """The output of an export that succeeds."""
    assert run_cli(["export", str(log), "-o", str(output), *options]) == 0
    return output


def rows_of(path: Path, columns: str, table: str = "events") -> list[tuple[Any, ...]]:
    """Columns of what was exported, in the order of the file."""
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(f"SELECT {columns} FROM {table}").fetchall()
    return duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_line_is_a_row_with_its_values(suffix: str, log: Path, tmp_path: Path) -> None:
    """Rows come in the order of the log, and each value is the line's."""
    names = ["event", "run", "seq", "elapsed_s", "thread", "line", "object", "size", "waited_s", "acquired"]
    rows = rows_of(exported(log, tmp_path / f"events{suffix}"), ", ".join(names))
    assert rows == [tuple(event.get(name) for name in names) for event in lines_of(log)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_times_are_the_logs(suffix: str, log: Path, tmp_path: Path) -> None:
    """To the microsecond, and in UTC wherever it is read."""
    output = exported(log, tmp_path / f"events{suffix}")
    rows = rows_of(output, "epoch_us(CAST(timestamp AS TIMESTAMPTZ))")
    assert rows == duckdb.sql(f"SELECT epoch_us(timestamp::TIMESTAMPTZ) FROM read_json('{log}')").fetchall()
    if suffix == ".csv":
        assert list(pd.read_csv(output).timestamp) == [event["timestamp"] for event in lines_of(log)]


def test_nothing_of_a_line_is_lost(log: Path, tmp_path: Path) -> None:
    """The columns of a row together with `rest` are the line."""
    output = exported(log, tmp_path / "events.parquet")
    frame = pl.read_parquet(output)
    kinds = TABLES["events"].columns
    for row, event in zip(frame.iter_rows(named=True), lines_of(log), strict=True):
        there = {name: value for name, value in row.items() if value is not None and name not in ("rest", "timestamp")}
        as_json = {name: json.loads(value) for name, value in there.items() if kinds[name] == "JSON"}
        said = {**there, **as_json, **json.loads(row["rest"] or "{}")}
        assert said == {name: value for name, value in event.items() if value is not None and name != "timestamp"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_log_has_the_same_columns(suffix: str, log: Path, tmp_path: Path) -> None:
    """A log of two kinds of lines has the columns of one with all kinds, and they are typed."""
    small = written(tmp_path / "small.jsonl", line(0, event="run.started"), line(1, thread="t", message="m"))
    for name in TABLES if suffix == ".duckdb" else ("events",):
        found = []
        for one in (log, small):
            output = exported(one, tmp_path / f"{one.stem}{suffix}", "--force")
            with duckdb.connect(str(output) if suffix == ".duckdb" else ":memory:") as connection:
                source = name if suffix == ".duckdb" else f"'{output}'"
                described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
                found.append({column: kind for column, kind, *_ in described})
        assert list(found[0]) == list(found[1]) == list(TABLES[name].columns)
        if suffix == ".duckdb":
            assert (
                found[0]
                == found[1]
                == TABLES[name].columns
                | dict.fromkeys(
                    [c for c, kind in TABLES[name].columns.items() if kind == "TIMESTAMPTZ"], "TIMESTAMP WITH TIME ZONE"
                )
            )


def test_every_field_of_a_threads_line_has_a_column() -> None:
    """What the registry of events says of lines of threads is a column each."""
    fields = {name for event in EVENTS.values() if event.by_thread for name in event.fields}
    assert fields <= set(TABLES["events"].columns)
    assert TABLES["events"].columns["waited_s"] == "DOUBLE"
    assert TABLES["events"].columns["value"] == "JSON"


@pytest.mark.parametrize("place", ["it's [x]*", "why?"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_texts_and_values_come_through_whole(suffix: str, place: str, tmp_path: Path) -> None:
    """Commas, quotes, line ends, NULs, escape sequences and emoji; nested values and integers of any size; 100 kB."""
    values = [{"k": [1, {"x": None}, NASTY]}, HUGE, -0.1, NASTY, [], False]
    log = written(
        tmp_path / "it's [1]*.jsonl",
        *(line(n, event="queue.got", thread=NASTY, object="", value=value) for n, value in enumerate(values)),
        line(len(values), thread="t", message="é" * 50_000),
        line(len(values) + 1, thread="t", message=""),
    )
    folder = tmp_path / place
    folder.mkdir()
    output = exported(log, folder / f"all 'of' it{suffix}")
    copy = output.rename(tmp_path / f"copy{suffix}")
    rows = rows_of(copy, "thread, value")
    assert [json.loads(value) for _, value in rows[: len(values)]] == values
    assert {thread for thread, _ in rows[: len(values)]} == {NASTY}
    assert rows_of(copy, "coalesce(message, '')")[-2:] == [("é" * 50_000,), ("",)]
    assert not list(folder.iterdir())


def test_a_line_may_be_very_long(tmp_path: Path) -> None:
    """A message of 40 MB, more than DuckDB takes unless asked to."""
    log = written(tmp_path / "log.jsonl", line(0, thread="t", message="m" * 40_000_000), line(1, thread="t"))
    assert rows_of(exported(log, tmp_path / "x.parquet"), "seq, length(message)") == [(0, 40_000_000), (1, None)]


def test_a_spreadsheets_csv_is_read_by_pandas_and_python(tmp_path: Path) -> None:
    """Line ends and quotes inside a text do not break its row."""
    import csv

    text = NASTY.replace("\x00", "")
    log = written(tmp_path / "log.jsonl", line(0, thread="t", message=text), line(1, thread="t", message="next"))
    output = exported(log, tmp_path / "events.csv")
    with open(output, newline="", encoding="utf-8") as file:
        assert [row["message"] for row in csv.DictReader(file)] == [text, "next"]
    assert list(pd.read_csv(output).message) == [text, "next"]


def test_what_does_not_fit_its_column_stands_in_rest(tmp_path: Path) -> None:
    """A newer version's field, and one of another type, are kept as they are; nothing is rounded to fit."""
    log = written(
        tmp_path / "log.jsonl",
        line(0, thread="t", message="m", mood={"of": HUGE}),
        line(1, event="queue.put", thread="t", object="q", size=1.5, held_s="long", rest=3),
        line(2, thread="t", message="m", timestamp="yesterday"),
        line(3, event="queue.put", thread="t", object="q", size=2.5),
    )
    rows = rows_of(exported(log, tmp_path / "events.parquet"), "seq, size, held_s, rest")
    assert [row[:3] for row in rows] == [(n, None, None) for n in range(4)]
    assert json.loads(rows[0][3]) == {"mood": {"of": HUGE}}
    assert json.loads(rows[3][3]) == {"size": 2.5}
    assert json.loads(rows[1][3]) == {"size": 1.5, "held_s": "long", "rest": 3}


def test_spans_are_those_of_the_analysis(log: Path, tmp_path: Path) -> None:
    """A row a span, with who let it go on."""
    with open(log, "rb") as file:
        spans = spans_of(Reading(file, "log"))
    names = "thread, what, begin_s, end_s, object, op, ended, by_thread, by_seq"
    rows = rows_of(exported(log, tmp_path / "spans.parquet", "--table", "spans"), names)
    assert rows == [
        (s.thread, s.what, s.begin_s, s.end_s, s.object, s.op, s.ended, s.by and s.by.thread, s.by and s.by.seq)
        for s in spans
    ]
    assert {row[1] for row in rows} >= {"alive", "waiting", "sleeping"}
    assert rows_of(exported(log, tmp_path / "all.duckdb"), names, "spans") == rows


def test_a_run_is_a_row(tmp_path: Path) -> None:
    """With its seed (in `rest` beyond 64 bits), verdict, number of lines, and state before and after, for every run of a --repeat."""
    log = tmp_path / "log.jsonl"
    lost = ROOT / "scenarios" / "lost_update.yaml"
    run_cli(["simulate", str(lost), "--repeat", "5", "--seed", str(2**64 - 3), "--log", str(log)])
    rows = rows_of(exported(log, tmp_path / "x.duckdb"), "run, seed, verdict, events, state, final_state, rest", "runs")
    first = {e["run"]: e for e in lines_of(log) if e["event"] == "run.started"}
    last = {e["run"]: e for e in lines_of(log) if e["event"] == "run.finished"}
    assert len(rows) == len(first) == 5
    for run, seed, verdict, events, state, final_state, rest in rows:
        seed = json.loads(rest)["seed"] if seed is None else seed
        assert (seed, verdict) == (first[run]["seed"], last[run]["verdict"])
        assert events == sum(e["run"] == run and e["event"] != "tally.finished" for e in lines_of(log))
        assert json.loads(state) == first[run]["state"]
        assert json.loads(final_state) == last[run]["state"]


def test_runs_are_told_apart_also_where_their_lines_alternate(tmp_path: Path) -> None:
    """Spans belong to their run, and --run chooses one."""
    events = [
        line(seq, run, event, thread="worker", **fields)
        for seq, (event, fields) in enumerate([("sleep.began", {}), ("sleep.ended", {"slept_s": 0.125})])
        for run in ("one", "two")
    ]
    log = written(tmp_path / "log.jsonl", *events)
    rows = rows_of(exported(log, tmp_path / "spans.csv", "--table", "spans"), "run, thread, what, seconds")
    assert sorted(rows) == [(run, "worker", "sleeping", 0.125) for run in ("one", "two")]
    for chosen in ("2", "two"):
        assert set(rows_of(exported(log, tmp_path / "x.parquet", "--force", "--run", chosen), "run")) == {("two",)}


def test_batches_are_put_together(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of many batches has every line once and in order."""
    monkeypatch.setattr("scenrun.report.database._BATCH", 4_000)
    assert log.stat().st_size > 20_000
    rows = rows_of(exported(log, tmp_path / "x.duckdb"), "seq")
    assert rows == [(n,) for n in range(len(lines_of(log)))]


def test_a_scenario_and_standard_input_are_exported_too(log: Path, tmp_path: Path) -> None:
    """A scenario is simulated first; a log may come through a pipe."""
    output = exported(PIPELINE, tmp_path / "x.parquet")
    assert ("queue.put",) in rows_of(output, "DISTINCT event")
    with open(log, "rb") as file:
        subprocess.run(
            [sys.executable, "-m", "scenrun", "export", "-o", "piped.parquet"], stdin=file, cwd=tmp_path, check=True, timeout=60
        )  # fmt: skip
    assert rows_of(tmp_path / "piped.parquet", "count(*)") == [(len(lines_of(log)),)]


def test_what_could_be_read_is_written_and_the_rest_is_told(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines of somebody else and a last line that is cut off are skipped, and said."""
    lines = log.read_bytes().splitlines(keepends=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"".join([*lines[:3], b"hello\n", *lines[3:9], lines[9][:50]]))
    assert rows_of(exported(broken, tmp_path / "x.csv"), "seq") == [(n,) for n in range(9)]
    said = capsys.readouterr().err
    assert "1 line is not a log's and skipped, the first is line 4: `hello`" in said
    assert "line 11, the last one, is cut off" in said
    assert "9 events of 1 run" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "x.xlsx"], "x.xlsx: the name of the output ends in .parquet, .csv or .duckdb"),
        (["-o", "-"], "-: the name of the output ends in .parquet, .csv or .duckdb"),
        (["-o", "there.csv"], "there.csv exists; --force replaces it"),
        (["-o", "nowhere/x.csv"], "cannot write nowhere/x.csv: there is no folder nowhere"),
        (["-o", "x.duckdb", "--table", "runs"], "x.duckdb gets all tables: events, spans, runs"),
        (["-o", "x.csv", "--run", "7"], "has no run 7"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], sentence: str, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """In a sentence, with exit status 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine")
    assert run_cli(["export", str(log), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert Path("there.csv").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "hello\n", '{"run":'])
def test_a_log_that_is_none_leaves_nothing_behind(text: str, tmp_path: Path) -> None:
    """An empty file or somebody else's is refused, and no output is begun."""
    log = tmp_path / "log.jsonl"
    log.write_text(text)
    assert run_cli(["export", str(log), "-o", str(tmp_path / "x.duckdb")]) == 2
    assert list(tmp_path.iterdir()) == [log]


def test_without_duckdb_it_says_how_to_get_it(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """The extra is named, with exit status 2."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run_cli(["export", str(log), "-o", str(tmp_path / "x.csv")]) == 2
    assert "pip install 'scenrun[analysis]'" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_told_and_the_old_file_stays(suffix: str, log: Path, tmp_path: Path) -> None:
    """Exit status 4, a sentence and no traceback; what was there is as it was."""
    output = tmp_path / f"x{suffix}"
    output.write_text("old")
    done = subprocess.run(
        [sys.executable, "-m", "scenrun", "export", str(log), "-o", str(output), "--force"],
        capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000)),
    )  # fmt: skip
    assert (done.returncode, output.read_text()) == (4, "old"), done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_pandas_and_polars_read_the_columns_typed(log: Path, tmp_path: Path) -> None:
    """Polars reads the Parquet file, pandas the CSV: numbers as numbers, values as JSON text."""
    frame = pl.read_parquet(exported(log, tmp_path / "x.parquet"))
    assert frame.schema["timestamp"] == pl.Datetime("us", "UTC")
    assert frame.schema["elapsed_s"] == pl.Float64
    assert frame.schema["seq"] == pl.Int64
    got = frame.filter(pl.col("event") == "queue.got")
    assert [json.loads(value) for value in got["value"]] == [
        e["value"] for e in lines_of(log) if e["event"] == "queue.got"
    ]
    assert pd.read_csv(exported(log, tmp_path / "x.csv"), low_memory=False).waited_s.dtype == float
