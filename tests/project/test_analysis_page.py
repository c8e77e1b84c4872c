"""Every command, query and program of docs/analysis.md is run on real logs, and what it gives is looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import jq
import pytest
from documents import ROOT, blocks, sessions, shell

PAGE = ROOT / "docs" / "analysis.md"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files that the page's commands make."""
    import sys

    folder = tmp_path_factory.mktemp("analysis")
    (folder / "scenarios").symlink_to(ROOT / "scenarios")
    (folder / "bin").mkdir()
    command = folder / "bin" / "scenrun"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scenrun "$@"\n')
    command.chmod(0o755)
    for typed, _ in sessions(PAGE, folder):
        shell(typed, folder)
    return folder


@pytest.fixture(autouse=True)
def at_the_desk(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File names are as on the page."""
    monkeypatch.chdir(desk)


def rows_of(query: str) -> list[tuple[Any, ...]]:
    """What a query of the page gives."""
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def query_with(words: str) -> str:
    """The one query of the page that has these words."""
    (query,) = (query for query in blocks(PAGE, "sql") if words in query)
    return query


def test_the_page_has_queries_in_every_language() -> None:
    """The blocks are found at all."""
    assert len(blocks(PAGE, "sql")) >= 9
    assert len(blocks(PAGE, "jq")) >= 4
    assert len(blocks(PAGE, "python")) == 2


@pytest.mark.parametrize("program", blocks(PAGE, "jq"))
def test_a_jq_program_gives_something(program: str) -> None:
    """It finds lines in a real log."""
    text = Path("log.jsonl").read_text()
    if "inputs" in program:
        lines = text.splitlines()
        program, text = program.replace("[., inputs]", "."), f"[{','.join(lines)}]"
    results = jq.compile(program).input_text(text).all()
    assert results
    assert all(results)


@pytest.mark.parametrize("query", blocks(PAGE, "sql"))
def test_a_query_gives_something(query: str) -> None:
    """It has rows, and no value is missing."""
    rows = rows_of(query)
    assert rows
    assert all(value is not None for row in rows for value in row)


@pytest.mark.parametrize("code", blocks(PAGE, "python"))
def test_a_program_gives_something(code: str) -> None:
    """Every table that it makes has rows."""
    names: dict[str, Any] = {}
    exec(code, names)
    made = [value for name, value in names.items() if name not in ("__builtins__", "pd", "pl", "log", "events")]
    assert len(made) >= 3
    assert all(len(value) for value in made)


def test_the_time_in_the_queue_counts_every_item() -> None:
    """As many items as were got, and none was got before it was put."""
    ((_, items, p50, p99),) = rows_of(query_with("p99_us"))
    assert [(items,)] == rows_of("SELECT count(*) FROM 'events.parquet' WHERE event = 'queue.got'")
    assert 0 <= p50 <= p99


def test_the_throughput_counts_every_item() -> None:
    """The tenths together are the run."""
    rows = rows_of(query_with("AS tenth"))
    assert {row[0] for row in rows} <= set(range(10))
    assert [(sum(row[1] for row in rows),)] == rows_of(
        "SELECT count(*) FROM 'events.parquet' WHERE event = 'queue.put'"
    )


def test_the_runs_are_all_compared() -> None:
    """Forty runs, and some of them lost an update."""
    rows = rows_of(query_with("first_seed"))
    assert sum(row[2] for row in rows) == 40
    assert len(rows) > 1


def test_the_holds_are_those_of_the_log() -> None:
    """Each lock was held as often as it was taken."""
    holds = {row[0]: row[1] for row in rows_of(query_with("longest_by"))}
    taken = "FROM read_json('locks.jsonl') WHERE event = 'lock.acquired' AND acquired GROUP BY object"
    assert list(holds.items()) == rows_of(f"SELECT object, count(*) {taken} ORDER BY object")


def test_the_page_is_linked_from_the_one_on_logs() -> None:
    """A reader of docs/logs.md finds it."""
    assert "(analysis.md)" in (ROOT / "docs" / "logs.md").read_text()
    assert os.path.exists(PAGE)
