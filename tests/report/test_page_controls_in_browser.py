"""What a page of a run answers in a real browser: to the pointer, to keys, to fingers, and to words in its filter."""

from __future__ import annotations

import json
from pathlib import Path

from browser import Browser
from pages import box_of, filter_by, marked_lines, page_of, spans


def test_pointing_at_a_bar_tells_what_it_is(browser: Browser, log_folder: Path) -> None:
    """Who, what, from when to when, who let it go on, and the lines of the scenario and of the log."""
    browser.open(page_of(log_folder / "semaphore_pool.jsonl"))
    span = max(
        (
            s
            for s in spans(log_folder / "semaphore_pool.jsonl")
            if s.what == "waiting" and s.by and s.op == "semaphore.acquire"
        ),
        key=lambda s: s.seconds,
    )
    box = box_of(browser, what="waiting", thread=span.thread, begin=round(span.begin_s * 1e9))
    browser.point(box["x"] + box["width"] / 2, box["y"] + 9)
    told = browser.text("#tip")
    assert span.by is not None
    for word in (
        span.thread,
        f"waiting in {span.op} of {span.object}",
        span.by.thread,
        f"line {span.line}",
        f"#{span.begin_seq} to #{span.end_seq}",
    ):
        assert word in told
    browser.point(5, 5)
    assert browser.js("document.querySelector('#tip').hidden")


def test_a_click_on_a_bar_marks_its_line_and_its_lines_of_the_log(browser: Browser, log_folder: Path) -> None:
    """The scenario's line is marked and in sight, and the log's line with which the bar begins is the chosen one."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    box = box_of(browser, what="waiting", thread="philosopher[2]", object="forks[3]")
    browser.point(box["x"] + box["width"] - 2, box["y"] + 9, click=True)
    assert marked_lines(browser) == [24] == [box["line"]]
    assert "lock.acquiring" in browser.text(".grid-row.current")
    assert "philosopher[2]" in browser.text("#detail")


def test_a_click_on_a_line_marks_what_it_did(browser: Browser, log_folder: Path) -> None:
    """All rows of that line are marked, none of another; a second click takes the marks away."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    line = browser.driver.find_element("id", "line-23")
    line.click()
    browser.settle()
    assert marked_lines(browser) == [23]
    shown = "[...document.querySelectorAll('.grid-row.marked')].map((r) => r.lastChild.innerText)"
    assert set(browser.js(shown)) == {"23"}
    assert "10 lines of the log" in browser.text("#detail")
    line.click()
    browser.settle()
    assert marked_lines(browser) == []
    assert browser.js(shown) == []


def test_a_click_on_a_row_marks_its_line_and_brings_it_into_view(browser: Browser, log_folder: Path) -> None:
    """A line of the log that is out of view on the axis comes into view, and its line of the scenario is marked."""
    browser.open(page_of(log_folder / "queue_pipeline.jsonl"))
    browser.js("window.scenrun.setView(90e6, 91e6)")
    browser.driver.find_element("css selector", "#row-9").click()
    browser.settle()
    row, view = browser.js("window.scenrun.row(9)"), browser.js("window.scenrun.view()")
    assert marked_lines(browser) == [row["line"]]
    assert view["from"] <= row["t"] <= view["to"]


def test_the_table_finds_words_threads_objects_and_levels(browser: Browser, log_folder: Path) -> None:
    """What the filter keeps is what the log has."""
    path = log_folder / "dining_philosophers.jsonl"
    browser.open(page_of(path))
    events = [json.loads(line) for line in path.read_text().splitlines()]
    asked = {
        "has the left": [e for e in events if "has the left" in e.get("message", "")],
        "thread:philosopher[2]": [e for e in events if e.get("thread") == "philosopher[2]"],
        "event:acquired object:forks[1]": [
            e for e in events if "acquired" in e["event"] and e.get("object") == "forks[1]"
        ],
        "line:24": [e for e in events if e.get("line") == 24],
        "nothing such": [],
    }
    for words, expected in asked.items():
        filter_by(browser, words)
        assert browser.js("window.scenrun.total()") == len(expected), words
        assert browser.text("#lines-count") == f"{len(expected)} of {len(events)}"


def test_keys_do_what_the_pointer_does(browser: Browser, log_folder: Path) -> None:
    """Zoom, fit, axis, filter and help have keys; in the timeline one goes from bar to bar."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    whole = browser.js("window.scenrun.view()")
    browser.keys("+")
    nearer = browser.js("window.scenrun.view()")
    assert nearer["to"] - nearer["from"] < whole["to"] - whole["from"]
    browser.keys("0")
    assert browser.js("window.scenrun.view()") == whole
    browser.keys("e")
    assert browser.js("window.scenrun.view().axis") == "event"
    browser.keys("t")
    assert browser.js("window.scenrun.view().axis") == "time"
    browser.keys("/")
    assert browser.js("document.activeElement.id") == "filter"
    browser.js("document.querySelector('#lanes').focus()")
    browser.keys("+", "+", Keys.ARROW_RIGHT)
    assert browser.js("window.scenrun.view().from") > 0
    browser.keys("0", "s", "s", ".")
    assert browser.text("#detail").startswith("philosopher[0]")
    first = browser.js("window.scenrun.selection().bar")
    browser.keys(".")
    assert browser.js("window.scenrun.selection().bar") != first
    assert len(marked_lines(browser)) == 1
    browser.keys(",", Keys.ESCAPE)
    assert browser.js("window.scenrun.selection().bar") == -1
    browser.keys("?")
    assert browser.js("document.querySelector('#keys').open")
    assert "zoom" in browser.text("#keys")
    browser.keys(Keys.ESCAPE)
    assert not browser.js("document.querySelector('#keys').open")


def test_lists_have_keys(browser: Browser, log_folder: Path) -> None:
    """In the table and in the scenario's text one moves with the arrows."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    browser.js("document.querySelector('.grid-body').focus()")
    browser.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert browser.js("window.scenrun.selection().row") == 2
    browser.keys(Keys.END)
    assert browser.js("window.scenrun.selection().row") == 50
    assert "run.finished" in browser.text(".grid-row.current")
    browser.js("document.querySelector('#text').focus()")
    browser.keys(Keys.HOME, Keys.ARROW_DOWN, Keys.ENTER)
    assert marked_lines(browser) == [2]


def test_everything_that_can_be_done_can_be_reached_by_tab(browser: Browser, log_folder: Path) -> None:
    """Each control has a name, comes in the order of the page, and shows when it has the focus."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    reached = []
    for _ in range(40):
        browser.keys(Keys.TAB)
        reached.append(
            browser.js("""(() => { const e = document.activeElement; const name = e.getAttribute('aria-label') || e.innerText || e.title;
          return [e.id || e.className || e.tagName, Boolean(name), getComputedStyle(e).outlineStyle]; })()""")
        )
        if reached[-1][0] == "text":
            break
    names = [name for name, _, _ in reached]
    order = [
        "theme",
        "help",
        "by-time",
        "by-event",
        "zoom-out",
        "zoom-in",
        "fit",
        "lanes",
        "filter",
        "filter-thread",
        "filter-level",
        "grid-body",
        "text",
    ]
    assert [name for name in names if name in order] == order
    assert all(named and outline != "none" for _, named, outline in reached)


def test_wheel_and_drag_move_the_view(browser: Browser, log_folder: Path) -> None:
    """The wheel zooms about the pointer, a drag takes the axis along, and neither chooses a bar."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    box = box_of(browser, thread="philosopher[2]", what="waiting")
    x, y = box["x"] + 40, box["y"] + 5
    whole = browser.js("window.scenrun.view()")
    browser.wheel(x, y, -300)
    browser.driver.execute_async_script("setTimeout(arguments[0], 60)")
    nearer = browser.js("window.scenrun.view()")
    assert nearer["to"] - nearer["from"] < 0.8 * (whole["to"] - whole["from"])
    browser.drag(x, y, x - 80, y)
    assert browser.js("window.scenrun.view().from") > nearer["from"]
    assert browser.js("window.scenrun.selection().bar") == -1


def test_two_fingers_zoom(browser: Browser, log_folder: Path) -> None:
    """Fingers that move apart show less of the axis, larger."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
    box = box_of(browser, thread="philosopher[2]", what="waiting")
    whole = browser.js("window.scenrun.view()")
    for kind, apart in (("touchStart", 20), ("touchMove", 60), ("touchMove", 100), ("touchEnd", None)):
        points = (
            []
            if apart is None
            else [{"x": box["x"] + by, "y": box["y"] + 8, "id": i} for i, by in enumerate((-apart, apart))]
        )
        browser.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    browser.settle()
    nearer = browser.js("window.scenrun.view()")
    assert nearer["to"] - nearer["from"] < 0.5 * (whole["to"] - whole["from"])
    assert browser.js("window.scenrun.selection().bar") == -1
