"""The player of a counterexample, as it stands in the page, says at every step what the simulator's own objects say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, chromium
from player import told_state
from simulated_objects import simulated

import scenrun
from scenrun.interface.cli.main import run_cli

COUNTEREXAMPLES = (
    "queue_pipeline", "queue_pipeline_two_consumers", "dining_philosophers", "lost_update", "self_deadlock",
    "pool_waits_for_itself", "gallery/nested_monitors", "gallery/permit_leaks_on_timeout", "gallery/home_made_barrier",
    "gallery/full_queues_in_a_circle", "gallery/barber_asleep", "gallery/peterson_store_buffer",
)  # fmt: skip

FOLDER = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages."""
    with chromium(tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.mark.parametrize("name", COUNTEREXAMPLES)
def test_every_step_of_the_page_is_the_simulator_s_state(name: str, browser: Browser, tmp_path: Path) -> None:
    """The page that the command writes, walked through to its end, against the objects of a replay."""
    path = FOLDER / "scenarios" / f"{name}.yaml"
    loaded = scenrun.load(path)
    explored = scenrun.explore(loaded)
    schedule = explored.schedule_of(explored.counterexamples[0])
    schedule.save(tmp_path / "schedule.json")
    page = tmp_path / "page.html"
    assert run_cli(["report", str(tmp_path / "schedule.json"), "--file", str(path), "-o", str(page)]) == 0
    real = simulated(loaded, schedule)
    browser.open(page)
    for number in range(len(schedule.moves) + 1):
        assert browser.js("window.scenrun.player.at()") == number
        shown = told_state(browser)
        for key, text in real[number].items():
            assert shown[key].startswith(text), (number, key)
        browser.keys("j")
    assert browser.complaints() == []
    assert [url for url in browser.asked_for() if not url.startswith("file:")] == []
