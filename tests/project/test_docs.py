"""What the documents promise is run: every scenario and every command in them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from documents import ROOT, blocks, sessions, shell

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


SCENARIOS = [
    pytest.param(block, id=f"{page.stem}-{block.split()[1]}")
    for page in PAGES
    for block in blocks(page, "yaml")
    if block.startswith("scenario:")
]


SHELL_PAGES = [page for page in PAGES if blocks(page, "console")]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder in which a reader's commands work: the scenarios, and `scenrun` as a command."""
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "scenrun"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scenrun "$@"\n')
    command.chmod(0o755)
    return tmp_path


def as_pattern(shown: str) -> str:
    """An output as it may come: a line `...` stands for any lines, and times are different every time."""
    lines = ["(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in shown.splitlines()]
    return re.sub(r"\d+\\.\d+\\ s\b", r"\\d+\\.\\d+\\ s", "".join(lines))


@pytest.mark.parametrize("page", SHELL_PAGES, ids=lambda page: page.stem)
def test_a_command_says_what_the_page_shows(page: Path, desk: Path) -> None:
    """A reader who types the commands of a page, one after the other, sees what it shows."""
    for command, shown in sessions(page, desk):
        said = shell(command, desk)
        assert re.fullmatch(as_pattern(shown), said), f"$ {command}\n{said}"


def test_the_page_on_exploration_names_every_key_of_the_result() -> None:
    """What --json prints is described, key by key."""
    page = (ROOT / "docs" / "exploration.md").read_text()
    result = scenrun.explore(ROOT / "scenarios" / "lost_update.yaml", count=True).as_dict()
    assert [key for key in result if f"`{key}`" not in page] == []


def test_the_comparison_with_real_runs_has_the_figures_of_the_search() -> None:
    """Verdict, states, and bad schedules of all, as a search with --count gives them."""
    page = (ROOT / "docs" / "exploration.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+).*? \| ([\d,]+) \| ([\d,]+) of ([\d,]+) \|", page, flags=re.MULTILINE)
    assert len(rows) == 7
    for name, *shown in rows:
        found = scenrun.explore(ROOT / "scenarios" / "gallery" / f"{name}.yaml", count=True).as_dict()
        figures = [f"{found[key]:,}" for key in ("states", "bad_schedules", "schedules")]
        assert [found["verdict"], *figures] == shown, name


def test_the_python_of_the_page_on_exploration_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it asserts is so."""
    monkeypatch.chdir(ROOT)
    for code in blocks(ROOT / "docs" / "exploration.md", "python"):
        exec(code, {})


@pytest.mark.parametrize("text", SCENARIOS)
def test_every_scenario_in_the_documents_is_as_it_expects(text: str) -> None:
    """A reader who copies a block gets what the page says; of threads that never end, when the run's time is over."""
    loaded = load_source(decode("block.yaml", text.encode()))
    is_endless = any(group.endless for group in loaded.program.groups)
    result = scenrun.run(loaded, time_limit=3 if is_endless else None)
    assert result.ok, result.findings


def test_there_are_scenarios_in_the_documents() -> None:
    """The blocks are found at all."""
    assert len(SCENARIOS) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there, and a heading that it has."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        file, _, heading = target.partition("#")
        found = (page.parent / file) if file else page
        assert found.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", found.read_text(), flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}, target
