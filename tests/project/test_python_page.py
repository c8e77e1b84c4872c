"""Every example of docs/python.md is run, and what the page says of verbs and results is compared with them."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT, blocks

import scenrun

PAGE = ROOT / "docs" / "python.md"
EXAMPLES = blocks(PAGE, "python")
VERBS = ("load", "run", "simulate", "explore", "replay", "sweep")


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of an example that runs where scenarios are."""
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    return {}


def test_every_part_of_the_page_has_an_example() -> None:
    """Every verb stands in one."""
    assert len(EXAMPLES) >= 8
    code = "\n".join(EXAMPLES)
    assert [verb for verb in VERBS if f"scenrun.{verb}" not in code] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, names: dict[str, Any]) -> None:
    """As it stands, and its assertions hold."""
    exec(example, names)


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_names_arguments_that_there_are(verb: str) -> None:
    """Those in the table of verbs, and the kind of result."""
    (row,) = (line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{verb}("))
    function = getattr(scenrun, verb)
    named = re.findall(r"(\w+)=", row)
    assert set(named) <= set(function.__annotations__)
    assert row.endswith(f"| `{function.__annotations__['return']}` |")


@pytest.mark.parametrize("kind", ["RunResult", "Explored", "Swept"])
def test_the_page_names_fields_that_there_are(kind: str) -> None:
    """Those in the table of results."""
    (row,) = (line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{kind}` |"))
    named = set(re.findall(r"`(\w+)(?:\(.*?\))?`", row)) - {kind}
    result = getattr(scenrun, kind)
    cell = {"parameters", "seed", "verdict", "ok", "figures"} if kind == "Swept" else set()
    assert named - cell <= {one.name for one in fields(result)} | set(dir(result))


def test_the_page_is_found() -> None:
    """The guide links to it."""
    assert "(python.md)" in (ROOT / "docs" / "guide.md").read_text()
