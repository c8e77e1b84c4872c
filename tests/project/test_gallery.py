"""The gallery: every scenario ends in just the ways that it expects, and docs/gallery.md tells the truth about it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ends_compared import plain
from loops_compared import graph_of
from shipped import shipped

from scenrun import run, simulate
from scenrun.model.machine import Machine
from scenrun.program.expectations import holds
from scenrun.search.space.plain_search import Walked, walk

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "scenarios" / "gallery"
NAMES = sorted(path.stem for path in GALLERY.glob("*.yaml"))
PAGE = (ROOT / "docs" / "gallery.md").read_text()
MODELINE = "# yaml-language-server: $schema=../../schemas/scenario.schema.json"
MOST_STATES = 6_000
LARGE = {
    "barber_woken",
    "peterson_store_buffer",
    "readers_writers_in_turn",
    "readers_writers_writers_first",
    "river_crossing",
    "santa",
    "santa_pushed",
    "water",
    "writer_comes_in",
    "writer_starves",
}
"""Those with more states: the plain walk sees the beginning of them."""
SEARCHED = {"livelock", "race"}
"""What no single end of a schedule shows."""
ROW = re.compile(r"^\| \[(\w+)\]\(\.\./scenarios/gallery/(\w+)\.yaml\) \| (.*) \| ([a-z, ]+) \| (.*) \|$", re.MULTILINE)


@cache
def scenario(name: str) -> dict[str, Any]:
    """The file's own words."""
    found: dict[str, Any] = yaml.safe_load((GALLERY / f"{name}.yaml").read_text())
    return found


def comment(name: str) -> list[str]:
    """The lines above the scenario's name, without the modeline."""
    first, *lines = (GALLERY / f"{name}.yaml").read_text().split("\nscenario:")[0].splitlines()
    assert first == MODELINE
    return [line.removeprefix("#").strip() for line in lines]


def expected(name: str) -> set[str]:
    """The kinds that the file expects a search to find; `holds` is none."""
    verdict = scenario(name)["expect"].get("verdict", "holds")
    found = verdict["explore"] if isinstance(verdict, dict) else verdict
    return {found} - {"holds"} if isinstance(found, str) else set(found)


@cache
def walked(name: str) -> Walked:
    """The states of a scenario, or the first of them."""
    program = shipped(GALLERY / f"{name}.yaml").program
    return walk(Machine(program, timed=program.reads_clock is not None), MOST_STATES)


def kinds(name: str) -> set[str]:
    """The kinds of findings of all ends that the walk has come to; what it never reaches is one."""
    return {kind for end in walked(name).ends for kind, _ in end.findings} | (
        {"violated"} if unreached(name) else set()
    )


def unreached(name: str) -> list[str]:
    """What the file is to reach and no state of its is."""
    program = shipped(GALLERY / f"{name}.yaml").program
    if not program.expectations.reach:
        return []
    graph = graph_of(program, timed=False, most=MOST_STATES)
    looks = {o.text: graph.machine.looks.function(o) for o in program.expectations.reach}
    return [text for text, look in looks.items() if all(holds(look, state.cells) for state in graph.states)]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_teaches(name: str) -> None:
    """It has its own name, a description, and a comment; who is named in the comment exists."""
    assert scenario(name)["scenario"] == name
    assert scenario(name)["description"].endswith(".")
    assert len(" ".join(comment(name))) > 150
    assert set(re.findall(r"(\w+)\.yaml", " ".join(comment(name)))) <= set(NAMES)


@pytest.mark.parametrize("name", sorted(set(NAMES) - LARGE))
def test_all_schedules_end_as_the_file_expects(name: str) -> None:
    """The plain walk closes, and finds each kind that the file expects and no other."""
    assert walked(name).closed
    assert kinds(name) == expected(name) - SEARCHED


@pytest.mark.parametrize("name", sorted(LARGE))
def test_no_schedule_of_a_large_one_ends_otherwise(name: str) -> None:
    """What the walk finds among the first states is expected; a smaller scenario should not be among the large."""
    assert not walked(name).closed
    assert kinds(name) <= expected(name)


@pytest.mark.parametrize("name", [name for name in NAMES if "outcomes" in scenario(name)["expect"]])
def test_the_outcomes_are_exact(name: str) -> None:
    """Each outcome that is allowed comes in some schedule, and no other does; those required are among them."""
    outcomes = scenario(name)["expect"]["outcomes"]
    seen = [plain(end.outcome) for end in walked(name).ends if end.outcome is not None]
    assert all(outcome in outcomes["allowed"] for outcome in seen)
    if walked(name).closed:
        assert all(outcome in seen for outcome in outcomes["allowed"])
    assert all(outcome in outcomes["allowed"] for outcome in outcomes.get("required", []))
    assert not any(outcome in outcomes["allowed"] for outcome in outcomes.get("forbidden", []))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_ends_as_the_file_expects(name: str) -> None:
    """On real threads, and simulated under ten random schedules, by verdicts that the file lists."""
    path = GALLERY / f"{name}.yaml"
    loaded = shipped(path)
    assert run(loaded).ok
    for seed in range(10):
        assert simulate(loaded, scheduler="random", seed=seed).ok


def test_the_page_lists_every_file_once_and_truly() -> None:
    """Each row has the file's own description and the verdict that it expects of a search."""
    rows = {name: (file, told, verdict) for name, file, told, verdict, _ in ROW.findall(PAGE)}
    assert len(ROW.findall(PAGE)) == len(NAMES)
    told = {name: ", ".join(sorted(expected(name)) or ["holds"]) for name in NAMES}
    assert rows == {name: (name, scenario(name)["description"], told[name]) for name in NAMES}
    assert PAGE.splitlines()[2].startswith(f"{len(NAMES)} small scenarios")


def test_the_page_refers_to_files_that_exist() -> None:
    """What stands in the last column is in the gallery."""
    others = [other for *_, others in ROW.findall(PAGE) for other in others.split(", ") if other]
    assert set(others) <= set(NAMES)


def test_a_broken_one_and_its_repairs_name_each_other() -> None:
    """Every file that says whose repair it is says so of one that does not hold, and that one names it."""
    for name in NAMES:
        for broken in re.findall(r"repair of (\w+)\.yaml", " ".join(comment(name))):
            assert expected(broken), broken
            assert re.search(rf"\b{name}\b", " ".join(comment(broken))), (name, broken)
