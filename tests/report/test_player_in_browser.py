"""The player of a counterexample in a real browser: it shows every step, and says what the simulator's own objects say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from pages import marked_lines, page_of
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


PLAYER = {
    "threads": ["main", "a"],
    "finding": {"kind": "deadlock", "message": "a waits for guard, which nobody gives back"},
    "cycle_from": None,
    "left_out": 0,
    "initial": {"value:x": "0", "object:guard": "free", "thread:main": "can move (line 13)", "thread:a": "not started", "holds:main": "", "holds:a": ""},
    "steps": [
        {"number": 1, "thread": "main", "text": "acquire guard", "object": "guard", "line": 14, "step": "main[0]", "broke": [], "fault": None,
         "changes": [["object:guard", "free", "held by main"], ["holds:main", "", "guard"]]},
        {"number": 2, "thread": "main", "text": "start a", "object": "a", "line": 15, "step": "main[1]", "broke": [], "fault": None,
         "changes": [["thread:a", "not started", "waits for guard, held by main (line 17)"], ["value:x", "0", "<b>1</b>"]]},
        {"number": 3, "thread": "main", "text": "ends", "object": None, "line": None, "step": None, "broke": ["x == 0"], "fault": "ValueError: late",
         "changes": [["thread:main", "can move (line 13)", "ended"], ["value:x", "<b>1</b>", "2"]]},
    ],
}  # fmt: skip


def changed_keys(browser: Browser) -> set[str]:
    """What the player marks as changed."""
    return set(browser.js("[...document.querySelectorAll('#player .changed')].map((c) => c.dataset.key)"))


def check_player(browser: Browser, player: dict[str, Any]) -> None:
    """Forward and back, every step shows what the player is to show."""
    states = [dict(player["initial"])]
    for step in player["steps"]:
        states.append(states[-1] | {key: after for key, _, after in step["changes"]})
    last = len(states) - 1
    for at, key in [*((i, "j") for i in range(last)), *((i, "k") for i in range(last, -1, -1))]:
        assert browser.js("window.scenrun.player.at()") == at
        assert told_state(browser) == states[at]
        step = player["steps"][at - 1] if at else {"changes": [], "line": None, "text": ""}
        assert changed_keys(browser) == {key for key, _, _ in step["changes"]}
        assert marked_lines(browser) == ([step["line"]] if step["line"] else [])
        assert step["text"] in browser.text("#player .now")
        browser.keys(key)


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
    browser.js("window.scenrun.player.go(0)")
    for number in range(len(schedule.moves) + 1):
        assert browser.js("window.scenrun.player.at()") == number
        shown = told_state(browser)
        for key, text in real[number].items():
            assert shown[key].startswith(text), (number, key)
        browser.keys("j")
    assert browser.complaints() == []
    assert [url for url in browser.asked_for() if not url.startswith("file:")] == []


def test_the_player_shows_every_step_forward_and_back(browser: Browser, log_folder: Path) -> None:
    """At each step the shared values, where each thread is and what it holds are as given; what changed is marked."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl", PLAYER))
    assert browser.js("window.scenrun.view().axis") == "event"
    check_player(browser, PLAYER)
    browser.js("window.scenrun.player.go(3)")
    told = browser.text("#player .told-step")
    for word in ("ValueError: late", "breaks: x == 0", "deadlock: a waits for guard"):
        assert word in told
    assert browser.complaints() == []


def test_the_player_has_buttons_a_slider_and_keys(browser: Browser, log_folder: Path) -> None:
    """First, back, play, forward and last; arrows in its own part; it stops by itself at the end."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(log_folder / "dining_philosophers.jsonl", PLAYER))
    at = "window.scenrun.player.at()"
    press = "[...document.querySelectorAll('#player .controls button')].find((b) => b.title.startsWith(arguments[0])).click()"
    for name, expected in (("Last", 3), ("Step back", 2), ("First", 0), ("Step forward", 1)):
        browser.driver.execute_script(press, name)
        assert browser.js(at) == expected
    browser.js("document.querySelector('.steps .grid-body').focus()")
    browser.keys(Keys.ARROW_RIGHT)
    assert browser.js(at) == 2
    browser.keys(Keys.HOME)
    assert browser.js(at) == 0
    browser.js("document.querySelector('#player input').focus()")
    browser.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.js(at) == 2
    browser.driver.execute_script(
        "const s = document.querySelector('#player select'); s.value = '200'; arguments[0].click()",
        browser.driver.find_element("css selector", "#player button[title=Play]"),
    )
    browser.driver.execute_async_script(
        "const done = arguments[0]; const look = () => (window.scenrun.player.at() === 3 ? done() : setTimeout(look, 20)); look()"
    )
    assert browser.js("document.querySelector('#player button[title=Play]').getAttribute('aria-label')") == "Play"


def finding_page(tmp_path: Path, name: str, scenario: Path | None = None) -> Path:
    """The page of the first finding of a scenario."""
    path = scenario or FOLDER / "scenarios" / f"{name}.yaml"
    loaded = scenrun.load(path)
    explored = scenrun.explore(loaded)
    explored.schedule_of(explored.counterexamples[0]).save(tmp_path / f"{name}.json")
    page = tmp_path / f"{name}.html"
    assert run_cli(["report", str(tmp_path / f"{name}.json"), "--file", str(path), "-o", str(page)]) == 0
    return page


def test_it_opens_where_it_matters_and_follows_arrows_from_anywhere(browser: Browser, tmp_path: Path) -> None:
    """After the first switch that a conflict explains, with its reason, locals and what it needs of time; not in inputs."""
    from selenium.webdriver.common.keys import Keys

    browser.open(finding_page(tmp_path, "lost_update"))
    at = "window.scenrun.player.at()"
    assert browser.js(at) == 4
    assert "switched: `value` is read by updater[0], then written by updater[1]" in browser.text("#player .told-step")
    assert "also in the clock's order" in browser.text("#player .bar")
    assert told_state(browser)["locals:updater[0]"] == "mine = 1"
    assert "20" in browser.text("#player .now .line")
    for place in ("document.body", "document.querySelector('#lanes')", "document.querySelector('#theme')"):
        browser.js(f"{place}.focus()")
        browser.keys(Keys.ARROW_RIGHT)
        assert browser.js(at) == 5
        browser.keys(Keys.ARROW_LEFT)
        assert browser.js(at) == 4
    browser.js("document.querySelector('#filter').focus()")
    browser.keys(Keys.ARROW_RIGHT)
    assert browser.js(at) == 4
    assert browser.complaints() == []


def test_it_shows_the_steps_of_one_thread_or_with_one_object(browser: Browser, tmp_path: Path) -> None:
    """And steps through these alone; all of them come back."""
    browser.open(finding_page(tmp_path, "lost_update"))
    numbers = "[...document.querySelectorAll('#player .steps .number')].map((n) => Number(n.textContent))"
    choose = """((value) => {
        const s = document.querySelector("#player select[aria-label='Steps shown']");
        s.value = value;
        s.dispatchEvent(new Event("change"));
    })(...arguments)"""
    browser.js(choose, "object:value")
    assert browser.js(numbers) == [3, 4, 5, 7]
    browser.keys("j")
    browser.keys("j")
    assert browser.js("window.scenrun.player.at()") == 7
    browser.keys("k")
    assert browser.js("window.scenrun.player.at()") == 5
    browser.js(choose, "thread:updater[1]")
    assert browser.js(numbers) == [4, 5, 6]
    browser.js(choose, "")
    assert browser.js(numbers) == list(range(1, 12))


def test_rounds_have_a_bracket(browser: Browser, tmp_path: Path) -> None:
    """At the first of them, with how often they come."""
    polls = tmp_path / "polls.yaml"
    polls.write_text(
        "scenario: polls\nsync: {go: event, m: lock}\nstate: {n: 0}\nthreads:\n  one:\n    do:\n"
        "      - repeat: 6\n        do: [{acquire: m}, {release: m}]\n      - assert: n == 1\n"
    )
    browser.open(finding_page(tmp_path, "polls", polls))
    shown = browser.js("[...document.querySelectorAll('#player .steps .number')].map((n) => n.textContent)")
    assert shown[1:4] == ["┌ 2", "└ 3 ×6", "4"]
