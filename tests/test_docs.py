"""What the documents promise is run: every scenario and every command in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scenrun
from scenrun.api import load_source
from scenrun.language.source import decode

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


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


def shell(command: str, desk: Path) -> str:
    """What a command says, on stdout and stderr."""
    environment = {**os.environ, "PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "COLUMNS": "120"}
    done = subprocess.run(
        ["bash", "-c", command.replace(".venv/bin/", "")], cwd=desk, env=environment, text=True, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def sessions(page: Path, desk: Path) -> Iterator[tuple[str, str]]:
    """The commands of a page in their order, each with what is shown of it; the scenario before one is `try.yaml`."""
    for language, block in re.findall(r"^```(yaml|console)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        if language == "yaml" and block.startswith("scenario:"):
            (desk / "try.yaml").write_text(block)
        elif language == "console":
            for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                yield command, output


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
    """A reader who copies a block gets what the page says."""
    result = scenrun.run(load_source(decode("block.yaml", text.encode())))
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
