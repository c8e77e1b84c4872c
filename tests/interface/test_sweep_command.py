"""`scenrun sweep` as users call it: what is told, what is written, what is kept, and how it goes on."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scenrun.interface.cli.main import run_cli
from scenrun.interface.cli.sweep import progress

SMALL = """scenario: small
sync: {items: {queue: {maxsize: 1}}}
threads:
  maker: {do: [{repeat: 4, do: [{sleep: {uniform: [1ms, 5ms]}}, {put: {queue: items, item: 1}}]}]}
  taker: {count: 2, do: [{repeat: 2, do: [{get: {queue: items, into: _item}}]}]}
"""
OVER = ("--over", "threads.taker.count=1..3", "--over", "sync.items.maxsize=1..4*2", "--seeds", "2")
CALLS = """scenario: calls
threads: {one: {do: [{call: "cells_for_tests:cell_0"}, {sleep: 1ms}]}}
"""
MODULE = """import os, signal, time
def cell_0(): pass
def cell_1(): os._exit(3)
def cell_2():
    while True: pass
def cell_3():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(1000)
def cell_4(): raise SystemExit("enough")
def cell_5(): time.sleep(1000)
def cell_6():
    import threading
    assert threading.active_count() < 5, threading.enumerate()
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scenario whose cells take a millisecond, in the present folder."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL)
    return "small.yaml"


def rows_of(printed: str) -> list[dict[str, Any]]:
    """What --json printed, without what differs each time."""
    return [{k: v for k, v in json.loads(line).items() if k != "took_s"} for line in printed.splitlines()]


def table_of(path: str) -> list[dict[str, str]]:
    """The rows of a CSV file without what differs each time."""
    with open(path, newline="") as opened:
        return [{k: v for k, v in one.items() if k != "took_s"} for one in csv.DictReader(opened)]


def test_a_sweep_is_told_as_a_table_a_heat_map_and_what_failed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Parameters, runs, verdicts and a figure of each combination; the command of what failed shows it again."""
    assert run_cli(["sweep", file, *OVER]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    head, _, columns, first, *_ = printed.out.splitlines()
    assert head == "small: 18 cells simulated (9 combinations, 2 seeds each): 8 not as expected"
    assert columns.split() == ["taker.count", "items.maxsize", "runs", "verdicts", "items.gets_per_s", "±", "sd"]
    assert first.split()[:4] == ["1", "1", "2", "deadlock"]
    assert "mean items.gets_per_s: taker.count down, items.maxsize across" in printed.out
    again = next(line for line in printed.out.splitlines() if line.strip().startswith("scenrun simulate"))
    assert run_cli([*shlex.split(again)[1:], "--log", os.devnull]) == 1
    assert "deadlock" in capsys.readouterr().err


def test_figures_are_chosen_and_a_wrong_one_is_told_with_those_that_there_are(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--show names columns; the nearest name is suggested."""
    run_cli(["sweep", file, "--seeds", "3", "--show", "items.puts", "--show", "elapsed_s"])
    assert "items.puts ± sd" in capsys.readouterr().out
    assert run_cli(["sweep", file, "--seeds", "3", "--show", "items.putz"]) == 2
    assert (
        "no cell has a figure `items.putz`; did you mean `items.puts`?; there are elapsed_s," in capsys.readouterr().err
    )


def test_rows_are_the_same_whatever_the_number_of_processes(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints rows in the order of the cells; --jobs 1 and --jobs 2 print the same."""
    printed = []
    for jobs in ("1", "2"):
        run_cli(["sweep", file, *OVER, "--json", "--jobs", jobs])
        printed.append(rows_of(capsys.readouterr().out))
    assert printed[0] == printed[1]
    assert [row["number"] for row in printed[0]] == list(range(18))
    assert printed[0][17]["parameters"] == {"threads.taker.count": 3, "sync.items.maxsize": 4}


@pytest.mark.parametrize("suffix", ["csv", "parquet", "duckdb", "jsonl", "html"])
def test_every_output_has_every_row_in_the_order_of_the_cells(
    file: str, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    """Flat columns for parameters, seed, verdict and figures, in each format."""
    out = f"out.{suffix}"
    assert run_cli(["sweep", file, *OVER, "-o", out, "--json"]) == 1
    printed = capsys.readouterr()
    rows = rows_of(printed.out)
    assert printed.err == f"wrote {out}: 18 rows\n"
    wanted = [
        (row["parameters"]["threads.taker.count"], row["parameters"]["sync.items.maxsize"], row["seed"], row["verdict"],
         row["ok"], row["figures"]["items.puts"])
        for row in rows
    ]  # fmt: skip
    assert written_rows(out) == wanted


def written_rows(path: str) -> list[tuple[Any, ...]]:
    """Some columns of an output."""
    columns = '"threads.taker.count", "sync.items.maxsize", seed, verdict, ok, "items.puts"'
    match path.rpartition(".")[2]:
        case "csv" | "parquet":
            return duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()
        case "duckdb":
            with duckdb.connect(path, read_only=True) as connection:
                return connection.execute(f"SELECT {columns} FROM cells").fetchall()
        case "jsonl":
            rows = sorted(
                (json.loads(line) for line in Path(path).read_text().splitlines()[1:]), key=lambda row: row["number"]
            )
            return [
                (*row["parameters"].values(), row["seed"], row["verdict"], row["ok"], row["figures"]["items.puts"])
                for row in rows
            ]
        case _:
            text = Path(path).read_text()
            data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
            takers, sizes = ([one["values"][at] for at in one["at"]] for one in data["parameters"])
            means = data["figures"]["items.puts"]["mean"]
            verdicts = [one.split()[0] for one in data["verdicts"]]
            return [(int(t), int(s), seed, v, v == "holds", int(m))
                    for t, s, v, m in zip(takers, sizes, verdicts, means, strict=True) for seed in (0, 1)]  # fmt: skip


def test_a_second_call_runs_only_what_is_missing_also_when_the_grid_has_grown(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows of the first call are kept as they are; the grown sweep is what it would have been at once."""
    run_cli(["sweep", file, "--over", "threads.taker.count=2,3", "--seeds", "1", "-o", "a.csv"])
    before = Path("a.rows.jsonl").read_bytes()
    capsys.readouterr()
    run_cli(["sweep", file, *OVER[:2], "--seeds", "3", "-o", "a.csv"])
    assert "2 of the cells are in a.rows.jsonl already" in capsys.readouterr().err
    assert Path("a.rows.jsonl").read_bytes().startswith(before)
    run_cli(["sweep", file, *OVER[:2], "--seeds", "3", "-o", "b.csv"])
    assert table_of("a.csv") == table_of("b.csv")
    run_cli(["sweep", file, *OVER[:2], "--seeds", "3", "-o", "a.html"])
    assert "wrote a.html: 9 rows" in capsys.readouterr().err
    assert len(Path("a.rows.jsonl").read_bytes().splitlines()) == 10


SLOW = (
    SMALL.replace("repeat: 4", "repeat: 40000")
    .replace("repeat: 2", "repeat: 20000")
    .replace("[1ms, 5ms]", "[1us, 2us]")
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_done_and_the_same_command_goes_on_to_the_same_rows(
    file: str, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    """An interrupted and resumed sweep is an uninterrupted one; the exit status is the signal's."""
    Path(file).write_text(SLOW)
    arguments = ["sweep", file, "--seeds", "12", "--jobs", "2", "-o", "a.csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scenrun", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    kept = Path("a.rows.jsonl")
    while not kept.exists() or kept.read_bytes().count(b"\n") < 3:
        time.sleep(0.01)
        assert process.poll() is None, process.communicate()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "of 12 cells are done and kept in a.rows.jsonl; the same command goes on from there" in said
    some = len(table_of("a.csv"))
    assert 2 <= some < 12
    run_cli(arguments)
    assert f"{some} of the cells are in a.rows.jsonl already" in capsys.readouterr().err
    run_cli([*arguments[:-1], "b.csv"])
    assert table_of("a.csv") == table_of("b.csv")
    assert len(table_of("a.csv")) == 12


@pytest.fixture
def calls(file: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scenario whose cells call functions, some of which never return."""
    Path("calls.yaml").write_text(CALLS)
    Path("cells_for_tests.py").write_text(MODULE)
    monkeypatch.syspath_prepend(os.getcwd())
    monkeypatch.delitem(sys.modules, "cells_for_tests", raising=False)
    return "calls.yaml"


def calling(numbers: list[int]) -> list[str]:
    """Arguments of a sweep over what is called."""
    steps = ",".join(f'[{{call: "cells_for_tests:cell_{number}"}}]' for number in numbers)
    return ["--allow-python", "--over", f"threads.one.do={steps}", "--json", "--jobs", "2"]


def test_a_cell_that_crashes_its_process_or_never_ends_is_a_row_with_its_error(
    calls: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other cells have their rows, also those that were run beside it."""
    monkeypatch.setattr("scenrun.batch.sweep.time_limit.GRACE_S", 0.5)
    assert run_cli(["sweep", calls, *calling([0, 1, 2, 4]), "--seeds", "2", "--cell-limit", "6s"]) == 1
    found = [(row["verdict"], row.get("error")) for row in rows_of(capsys.readouterr().out)]
    assert found[:2] == [("holds", None)] * 2
    assert found[2:4] == [("error", "the process that ran this cell died")] * 2
    assert found[4:6] == [("error", "took longer than the limit of a cell, 6 s")] * 2
    assert len(found) == 8


def test_a_cell_that_cannot_be_stopped_ends_with_its_process(calls: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell that takes no alarm is a row all the same."""
    assert run_cli(["sweep", calls, *calling([3, 0]), "--cell-limit", "5s"]) == 1
    found = [(row["verdict"], row.get("error")) for row in rows_of(capsys.readouterr().out)]
    assert found == [("error", "took longer than the limit of a cell, 5 s"), ("holds", None)]


def test_errors_are_run_again_where_that_is_asked_for(calls: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--retry-errors runs cells again whose row is an error, and no others."""
    arguments = ["sweep", calls, *calling([0, 1]), "-o", "a.jsonl"]
    assert run_cli(arguments) == 1
    sys.modules.pop("cells_for_tests", None)
    Path("cells_for_tests.py").write_text(MODULE.replace("os._exit(3)", "pass"))
    assert run_cli(arguments) == 1
    capsys.readouterr()
    assert run_cli([*arguments, "--retry-errors"]) == 0
    printed = capsys.readouterr()
    assert [row["verdict"] for row in rows_of(printed.out)] == ["holds", "holds"]
    assert "1 of the cells are in a.jsonl already" in printed.err


def test_a_cell_that_has_its_row_is_not_run_again(calls: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each cell is run once, whichever call it was missing in."""
    sys.modules.pop("cells_for_tests", None)
    Path("cells_for_tests.py").write_text("def cell_0(): open('made', 'a').write('x')\n")
    for seeds in ("2", "5", "5", "3"):
        assert run_cli(["sweep", calls, "--allow-python", "--seeds", seeds, "-o", "a.csv"]) == 0
    assert Path("made").read_text() == "x" * 5


def test_real_runs_are_made_one_after_another_unless_it_is_said_otherwise(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--jobs 2 is told of on stderr, in the table and in the rows; without it nothing ran beside."""
    assert run_cli(["sweep", file, "--how", "run", "--repeat", "3", "--over", "threads.taker.count=2", "--json"]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert [(row["repetition"], "beside" in row) for row in rows] == [(0, False), (1, False), (2, False)]
    assert run_cli(["sweep", file, "--how", "run", "--seeds", "2", "--jobs", "2"]) == 0
    printed = capsys.readouterr()
    assert "up to 2 real runs at a time disturb each other's timing" in printed.err
    assert "disturbed each other's timing" in printed.out


def test_a_real_run_that_does_not_end_is_freed_at_the_limit_of_a_cell(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its row is an error, and its threads have left."""
    Path(file).write_text("scenario: long\nthreads: {a: {do: [{sleep: 1s}]}}\n")
    over = ["--over", "threads.a.do=[{sleep: 500s}],[{sleep: 1ms}]"]
    assert run_cli(["sweep", file, "--how", "run", *over, "--cell-limit", "400ms", "--json"]) == 1
    printed = capsys.readouterr().out
    found = [(row["verdict"], row.get("error")) for row in rows_of(printed)]
    assert found == [("error", "took longer than the limit of a cell, 0.4 s"), ("holds", None)]
    assert (
        json.loads(printed.splitlines()[0])["took_s"] < 6
    )  # and not by the alarm of a cell whose threads do not leave


def test_threads_that_would_not_leave_are_not_beside_the_next_real_runs(
    calls: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call that never returns is one row; the cells after it are run without its thread, and the sweep ends."""
    arguments = [*calling([5, 6]), "--cell-limit", "400ms", "--how", "run", "--seeds", "2"]
    assert run_cli(["sweep", calls, *arguments]) == 1
    found = [(row["verdict"], row.get("error")) for row in rows_of(capsys.readouterr().out)]
    assert found == [("error", "took longer than the limit of a cell, 0.4 s")] * 2 + [("holds", None)] * 2


def test_a_combination_that_cannot_be_is_a_row_with_its_error(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each value alone is fine; together they are not."""
    Path(file).write_text("scenario: two\nstop: 1ms\nlimits: {time: 5ms}\nthreads: {a: {do: [{wait: stop}]}}\n")
    over = ["--over", "stop=1ms,4ms", "--over", "limits.time=5ms,2ms"]
    assert run_cli(["sweep", file, *over, "--json"]) == 1
    rows = rows_of(capsys.readouterr().out)
    assert [row["verdict"] for row in rows] == ["holds", "holds", "holds", "error"]
    assert "limit" in rows[3]["error"]


WRONG = [
    ([], "there is nothing to sweep"),
    (["--over", "threads.takr.count=1"], "did you mean `taker`?"),
    (["--over", "threads.taker.cont=1"], "threads.taker.cont=1 cannot be: unknown key `cont`; did you mean `count`?"),
    (["--over", "sync.items.maxsiz=1"], "did you mean `maxsize`?"),
    (["--over", "state.x=1"], "there is no `state`"),
    (["--over", "threads.taker.count=1,2,0"], "threads.taker.count=0 cannot be: `count` is at least 1, not `0`"),
    (["--over", "sync.items.maxsize=1", "--over", "sync.items.queue.maxsize=2"], "are one parameter, given twice"),
    (["--over", "threads.taker.count=1", "--over", "threads.taker.count=2"], "is given twice"),
    (["--over", "threads.taker.count=1", "--set", "threads.taker.count=2"], "is varied, and set as well"),
    (
        ["--over", "threads.taker.count=1..10000", "--over", "sync.items.maxsize=1..1000"],
        "10,000,000 cells (10,000 x 1,000 x 1 seeds) are many; --yes",
    ),
    (["--seeds", "2", "--cpus", "2", "--how", "run"], "--cpus has no effect on cells that are run; it is for simulate"),
    (["--seeds", "2", "--how", "explore", "--depth", "2", "--strategy", "dpor"], "--depth is PCT's; it has no effect"),
    (["--seeds", "2", "--scheduler", "fair"], "there is no scheduler `fair`"),
    (["--seeds", "2", "--repeat", "2"], "--repeat has no effect"),
    (["--seeds", "2", "-o", "a.xlsx"], "the name of an output ends in"),
    (["--seeds", "2", "-o", "small.yaml"], "the name of an output ends in"),
    (["--seeds", "2", "-o", "none/a.csv"], "there is no folder none"),
    (["--seeds", "2", "-o", "other.csv"], "other.csv exists, and there is no other.rows.jsonl to go on from; --force"),
    (["--seeds", "2", "-o", "other.jsonl"], "other.jsonl is no record of a sweep"),
    (["--seeds", "2", "--force"], "--force has no effect without -o"),
    (["--seeds", "2", "--retry-errors"], "--retry-errors has no effect"),
    (["--seeds", "2", "--cell-limit", "5"], "--cell-limit: `5` is no duration"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_a_wrong_sweep_is_told_before_anything_runs(
    file: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """A sentence and exit status 2; other files are as they were."""
    Path("other.csv").write_text("mine\n")
    Path("other.jsonl").write_text("mine\n")
    assert run_cli(["sweep", file, *arguments]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert (Path("other.csv").read_text(), Path("other.jsonl").read_text(), printed.out) == ("mine\n", "mine\n", "")


def test_the_record_of_another_sweep_is_refused_and_force_begins_anew(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other options are another sweep; --force replaces its rows."""
    run_cli(["sweep", file, "--seeds", "3", "-o", "a.csv"])
    before = Path("a.csv").read_bytes()
    assert run_cli(["sweep", file, "--seeds", "3", "-o", "a.csv", "--cpus", "2"]) == 2
    assert (
        "a.rows.jsonl is the record of another sweep: it is with the options (none), and this is with the options cpus=2"
        in capsys.readouterr().err
    )
    assert Path("a.csv").read_bytes() == before
    run_cli(["sweep", file, "--seeds", "2", "-o", "a.csv", "--cpus", "2", "--force"])
    assert len(table_of("a.csv")) == 2


def test_very_many_cells_are_run_when_that_is_meant(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--yes does it."""
    monkeypatch.setattr("scenrun.batch.sweep.plan.MANY_CELLS", 5)
    assert run_cli(["sweep", file, "--seeds", "6"]) == 2
    assert run_cli(["sweep", file, "--seeds", "6", "--yes"]) == 0


def test_the_sweep_of_the_file_is_run_and_options_add_to_it(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`over`, `include`, `exclude` and `seeds` of the file; --over replaces one parameter and --seeds the seeds."""
    Path(file).write_text(
        SMALL
        + """sweep:
  over: {threads.taker.count: [1, 2], sync.items.queue.maxsize: 1..2}
  exclude: [{threads.taker.count: 1, sync.items.queue.maxsize: 1}]
  include: [{threads.taker.count: 5}]
  seeds: [4, 9]
  repeat: 3
"""
    )
    run_cli(["sweep", file, "--json"])
    printed = capsys.readouterr()
    assert [(*row["parameters"].values(), row["seed"]) for row in rows_of(printed.out)] == [
        (1, 2, 4), (1, 2, 9), (2, 1, 4), (2, 1, 9), (2, 2, 4), (2, 2, 9), (5, 4), (5, 9),
    ]  # fmt: skip
    assert "`repeat: 3` is for real runs" in printed.err
    run_cli(["sweep", file, "--json", "--over", "threads.taker.count=7", "--seeds", "1"])
    printed = capsys.readouterr()
    assert [tuple(row["parameters"].values()) for row in rows_of(printed.out)] == [(7, 1), (7, 2), (5,)]
    assert "1 of the file's exclusions name values that are not tried here" in printed.err


def test_cells_that_are_incomplete_and_nothing_else_are_an_exit_status_of_their_own(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """3, as of a single search that hit its bound."""
    over = ["--over", "sync.items.maxsize=1,2"]
    assert run_cli(["sweep", file, "--how", "explore", *over, "--max-states", "3"]) == 3
    assert "incomplete" in capsys.readouterr().out


def test_a_disk_that_is_full_ends_the_sweep_with_a_sentence_and_keeps_whole_rows(file: str) -> None:
    """Exit status 4; with room again the same command goes on."""
    command = f"{shlex.quote(sys.executable)} -m scenrun sweep {file} --seeds 200 -q -o a.jsonl"
    full = subprocess.run(["bash", "-c", f"ulimit -f 20; {command}"], capture_output=True, text=True, timeout=60)
    assert (full.returncode, full.stderr) == (4, "cannot write a.jsonl: File too large\n")
    kept = Path("a.jsonl").read_bytes().count(b"\n") - 1
    assert 0 < kept < 200
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len({row["cell"] for row in map(json.loads, Path("a.jsonl").read_text().splitlines()[1:])}) == 200


def test_the_command_of_a_failing_cell_makes_its_report(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the page names as the command of a cell's report writes that report, of the cell's own seed."""
    run_cli(
        [
            "sweep",
            file,
            "--over",
            "threads.taker.count=1",
            "--over",
            "threads.maker.daemon=false",
            "--seed",
            "5",
            "-o",
            "a.html",
        ]
    )
    data = json.loads(Path("a.html").read_text().partition('id="data">')[2].partition("</script>")[0])
    (cell,) = data["failing"]
    assert run_cli(shlex.split(cell["report"])[1:]) == 0
    shown = json.loads(Path("cell-0.html").read_text().partition('id="data">')[2].partition("</script>")[0])
    assert dict(shown["facts"])["seed"] == "5"


def test_hostile_names_and_values_harm_neither_table_nor_page(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are shown as escapes; nothing of a value is markup."""
    evil = "'</script><script>window.stolen=1</script>\\x1b[31m'"
    Path(file).write_text('scenario: evil\nstate: {x: ""}\nthreads: {a: {do: [{set: {x: x}}]}}\n')
    run_cli(["sweep", file, "--over", f'state.x=a,"{evil[1:-1]}"', "-o", "a.html"])
    assert "\x1b" not in capsys.readouterr().out
    assert "<script>window.stolen" not in Path("a.html").read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((0, 100, 0.0, 0), "0 of 100 cells, 0/s"),
        ((50, 100, 10.0, 0), "50 of 100 cells, 10/s, 5 s left"),
        ((1_000, 100_000, 12.345, 3), "1,000 of 100,000 cells, 12.3/s, 2.2 h left, 3 not as expected"),
    ],
)
def test_progress_has_the_rate_and_the_time_left(line: tuple[int, int, float, int], said: str) -> None:
    """One line, also before anything is known."""
    assert progress(*line) == said
