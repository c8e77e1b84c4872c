"""What a page of a run shows of a range, in a real browser: the brush, pins, measures, the critical path, arrows, links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from pages import box_of, log_with, page_of, page_of_bytes

from scenrun.report.page.page_data import Collected
from scenrun.trace.analysis.reading import Reading, opened

MS = 1_000_000


@pytest.fixture(scope="module")
def philosophers(log_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the dining philosophers."""
    return written(page_of(log_folder / "dining_philosophers.jsonl"), tmp_path_factory)


@pytest.fixture(scope="module")
def pipeline(log_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a pipeline with some thousands of lines."""
    return written(page_of(log_folder / "queue_pipeline.jsonl"), tmp_path_factory)


def written(page: bytes, folders: pytest.TempPathFactory) -> Path:
    """A page as a file."""
    path = folders.mktemp("page") / "page.html"
    path.write_bytes(page)
    return path


def view(browser: Browser) -> tuple[float, float]:
    """The range in view."""
    shown = browser.js("window.scenrun.view()")
    return shown["from"], shown["to"]


def rect(browser: Browser, selector: str) -> dict[str, Any]:
    """Where an element is in the window."""
    return dict(browser.js("document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector))


def shown(browser: Browser) -> None:
    """Scroll to the timeline."""
    browser.js("document.querySelector('#lanes').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.settle()


def address(browser: Browser) -> str:
    """The part of the address that is the place, once it is written."""
    code = "const done = arguments[0]; setTimeout(() => done(decodeURIComponent(location.hash.slice(1))), 300)"
    return str(browser.driver.execute_async_script(code))


def test_the_axis_begins_where_main_does(browser: Browser) -> None:
    """What a process does before its first thread is not on the axis, by time or by event."""
    steps = [("thread.started", 5), ("sleep.began", 6), ("sleep.ended", 9), ("thread.ended", 10)]
    events = [{"event": name, "thread": "main", "elapsed_s": at / 1e3, "line": 1} for name, at in steps]
    browser.open(page_of_bytes(log_with(events)))
    assert view(browser) == (5 * MS, 10 * MS)
    browser.keys("e")
    assert view(browser)[0] == 1


def test_thousands_of_tasks_are_lanes_of_their_workers(browser: Browser) -> None:
    """Two thousand tasks of eight workers are eight lanes, with each task as a bar in that of its worker."""
    events: list[dict[str, Any]] = [{"event": "thread.started", "thread": "main"}]
    for i in range(2_000):
        task = {"thread": f"crew#{i}", "worker": f"crew_{i % 8}", "pool": "crew"}
        at = 1e-3 * (i // 8)
        events += [
            {"event": "thread.started", **task, "elapsed_s": at},
            {"event": "thread.ended", **task, "elapsed_s": at + 9e-4},
        ]
    browser.open(page_of_bytes(log_with(events)))
    assert [lane["name"] for lane in browser.js("window.scenrun.lanes()") if lane["kind"] == "thread"] == [
        "main",
        *(f"crew_{i}" for i in range(8)),
    ]
    browser.js("window.scenrun.setView(0, 20e6)")
    browser.settle()
    drawn = {(box["name"], box["thread"]) for box in browser.js("window.scenrun.bars()") if box["name"] != "main"}
    assert drawn == {(f"crew_{i % 8}", f"crew#{i}") for i in range(8 * 20)}
    assert browser.complaints() == []


def test_the_brush_is_dragged(browser: Browser, philosophers: Path) -> None:
    """A drag over the strip chooses the range; each end follows the pointer; the brush moves as a whole; both agree."""
    browser.open(philosophers)
    shown(browser)
    (begin, end), strip = view(browser), rect(browser, "#overview-canvas")
    y, at = strip["y"] + 15, lambda share: strip["x"] + share * strip["width"]
    pixel = (end - begin) / strip["width"]
    browser.drag(at(0.25), y, at(0.5), y)
    assert view(browser) == pytest.approx((begin + (end - begin) * 0.25, begin + (end - begin) * 0.5), abs=2 * pixel)
    grip = rect(browser, "#brush-end")
    browser.drag(grip["x"] + 5, y, grip["x"] + 5 + 0.25 * strip["width"], y)
    assert view(browser) == pytest.approx((begin + (end - begin) * 0.25, begin + (end - begin) * 0.75), abs=3 * pixel)
    browser.drag(at(0.5), y, at(0.6), y)
    assert view(browser) == pytest.approx((begin + (end - begin) * 0.35, begin + (end - begin) * 0.85), abs=4 * pixel)
    brush = rect(browser, "#brush")
    assert brush["x"] == pytest.approx(at((view(browser)[0] - begin) / (end - begin)), abs=1.5)
    assert brush["width"] == pytest.approx(0.5 * strip["width"], abs=4)


def test_the_brush_has_keys(browser: Browser, philosophers: Path) -> None:
    """Arrows move the brush or one of its ends, and what it is at is said."""
    from selenium.webdriver.common.keys import Keys

    browser.open(philosophers)
    whole = view(browser)
    browser.js("document.querySelector('#brush-end').focus()")
    browser.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    begin, end = view(browser)
    assert begin == whole[0]
    assert end < whole[1]
    browser.js("document.querySelector('#brush').focus()")
    browser.keys(Keys.ARROW_RIGHT)
    assert view(browser)[0] > begin
    assert view(browser)[1] - view(browser)[0] == pytest.approx(end - begin)
    browser.driver.execute_async_script("setTimeout(arguments[0], 200)")
    said = browser.js("document.querySelector('#brush').getAttribute('aria-valuetext')")
    assert said.count("ms") + said.count("µs") == 2
    browser.js("document.querySelector('#brush-begin').focus()")
    browser.keys(Keys.HOME)
    assert view(browser)[0] == whole[0]


def test_pinned_lanes_stay_on_top(browser: Browser) -> None:
    """By a click on the name, or by a key; while others scroll below; and again where they were without the pin."""
    events: list[dict[str, Any]] = []
    for i in range(200):
        events += [{"event": name, "thread": f"crew[{i}]", "line": 1} for name in ("thread.started", "sleep.began")]
    events += [{"event": "sleep.ended", "thread": f"crew[{i}]", "line": 1} for i in range(200)]
    browser.open(page_of_bytes(log_with(events)))
    shown(browser)
    names = [lane["name"] for lane in browser.js("window.scenrun.lanes()")]
    box = next(b for b in browser.js("window.scenrun.bars()") if b["thread"] == "crew[3]")
    lanes = rect(browser, "#lanes")
    browser.point(lanes["x"] + 40, box["y"] + 5, click=True)
    assert "crew[3] is pinned" in browser.text("#detail")
    assert [lane["name"] for lane in browser.js("window.scenrun.lanes()") if lane["isPinned"]] == ["pinned", "crew[3]"]
    browser.js("document.querySelector('#lanes').scrollTop = 1e9")
    browser.settle()
    seen = {b["thread"]: b for b in browser.js("window.scenrun.bars()")}
    assert {"crew[3]", "crew[199]"} <= seen.keys()
    assert "crew[0]" not in seen
    assert min(seen.values(), key=lambda b: b["y"])["thread"] == "crew[3]"
    browser.point(seen["crew[199]"]["x"] + 4, seen["crew[199]"]["y"] + 5)
    assert "crew[199]" in browser.text("#tip")
    browser.js("document.querySelector('#lanes').focus()")
    browser.keys("s", "p")
    assert "crew[3] is not pinned" in browser.text("#detail")
    assert [lane["name"] for lane in browser.js("window.scenrun.lanes()")] == names


def test_a_range_is_measured(browser: Browser, philosophers: Path) -> None:
    """Shift and drag from edge to edge of a bar, or two keys: its length in time, until Escape."""
    from selenium.webdriver.common.keys import Keys

    browser.open(philosophers)
    box = box_of(browser, what="waiting", thread="philosopher[2]", object="forks[3]")
    before, y = view(browser), box["y"] + 9
    for kind, x in (("mousePressed", box["x"] + 2), ("mouseMoved", box["x"] + 60), ("mouseMoved", box["x"] + box["width"] - 3), ("mouseReleased", box["x"] + box["width"] - 3)):  # fmt: skip
        browser.cdp(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1, modifiers=8
        )
    browser.settle()
    found = browser.js("window.scenrun.measured()")
    assert (found["from"], found["to"]) == (box["begin"], box["end"])
    assert view(browser) == before
    assert browser.js("window.scenrun.selection().bar") == -1
    length = (box["end"] - box["begin"]) / 1_000
    assert f"{float(f'{length:.4g}'):g} µs" in browser.text("#measured")
    browser.js("document.querySelector('#lanes').focus()")
    browser.keys(Keys.ESCAPE)
    assert not browser.js("window.scenrun.measured().isOn")
    browser.point(box["x"] + box["width"] - 8, y, click=True)
    browser.js("document.querySelector('#lanes').focus()")
    browser.keys("[", "]")
    found = browser.js("window.scenrun.measured()")
    assert (found["from"], found["to"]) == (box["begin"], box["end"])
    browser.keys(Keys.ESCAPE, "m")
    browser.drag(box["x"] + 2, y, box["x"] + box["width"] - 2, y)
    assert browser.js("window.scenrun.measured()")["to"] == box["end"]


def test_the_critical_path_is_drawn_on_the_lanes(browser: Browser, philosophers: Path, log_folder: Path) -> None:
    """Its stretches are those of the log; while it is on, the lane that it is in has its colour above the bar."""
    browser.open(philosophers)
    shown(browser)
    with opened(str(log_folder / "dining_philosophers.jsonl")) as file:
        collected = Collected()
        for event in Reading(file, "log"):
            collected.take(event)
        stretches = collected.measuring.path.stretches()
    data = browser.js("window.scenrun.data.path")
    names = browser.js("window.scenrun.data.threads")
    assert [names[thread] for thread in data["thread"]] == [one.thread for one in stretches]
    longest = max(stretches, key=lambda one: one.end_s - one.begin_s)
    x = (longest.begin_s + longest.end_s) / 2 * 1e9
    box = next(b for b in browser.js("window.scenrun.bars()") if b["thread"] == longest.thread and b["begin"] <= x <= b["end"] and b["lane"] == "thread")  # fmt: skip
    colour = """((x, y) => { const c = document.querySelector('#canvas'); const at = c.getBoundingClientRect();
      return '#' + [...c.getContext('2d').getImageData(x - at.left, y - at.top, 1, 1).data.slice(0, 3)].map((v) => v.toString(16).padStart(2, '0')).join(''); })(...arguments)"""
    (begin, end), lanes = view(browser), rect(browser, "#canvas")
    pixel = lanes["x"] + 150 + (x - begin) / (end - begin) * (lanes["width"] - 150)
    path = browser.js("getComputedStyle(document.documentElement).getPropertyValue('--path').trim()")
    assert browser.js(colour, pixel, box["y"] - 1) != path
    browser.keys("c")
    assert browser.js(colour, pixel, box["y"] - 1) == path
    assert browser.js("document.querySelector('#path').getAttribute('aria-pressed')") == "true"


def test_arrows_are_those_of_what_is_pointed_at(browser: Browser, pipeline: Path) -> None:
    """With thousands in view none is drawn but those of the bar under the pointer; near enough, all are."""
    browser.open(pipeline)
    shown(browser)
    assert browser.js("window.scenrun.drawn()")["arrows"] == 0
    assert "arrows of what is pointed at" in browser.text("#status")
    browser.js("window.scenrun.setView(0, 4e6)")
    browser.settle()
    assert browser.js("window.scenrun.drawn()")["arrows"] == 0
    box = next(b for b in browser.js("window.scenrun.bars()") if b["what"] == "waiting" and b["thread"] == "consumer")
    browser.point(box["x"] + box["width"] / 2, box["y"] + 9)
    assert 1 <= browser.js("window.scenrun.drawn()")["arrows"] <= 3
    browser.js("window.scenrun.setView(0, 0.5e6)")
    browser.settle()
    assert browser.js("window.scenrun.drawn()")["isAll"]


def test_a_link_opens_the_page_at_a_place(browser: Browser, philosophers: Path) -> None:
    """The address follows the range and what is chosen, pinned, drawn and measured; opened anew, all is as it was."""
    browser.open(philosophers)
    assert address(browser) == ""
    begin, end = view(browser)
    browser.js(
        "window.scenrun.setView(...arguments)", round(begin + (end - begin) * 0.2), round(begin + (end - begin) * 0.6)
    )
    browser.driver.find_element("id", "line-23").click()
    browser.js("document.querySelector('#lanes').focus()")
    browser.keys("s", "p", "c", "[", "]")
    place, was = address(browser), state(browser)
    assert place.startswith(f"t={was[0]['from']}..{was[0]['to']}ns&line=23&")
    url = browser.driver.current_url
    browser.open(philosophers)
    assert state(browser) != was
    browser.driver.get("about:blank")
    browser.driver.get(url)
    assert state(browser) == was
    browser.driver.get("about:blank")
    browser.driver.get(f"{url.split('#')[0]}#t=9..1ns&line=9999&pin=lock:none,%E0%A4%A&log=x&measured=&path=%E0%A4%A")
    assert view(browser) == (begin, end)
    browser.driver.get("about:blank")
    browser.driver.get(f"{url.split('#')[0]}#e=5..20&log=9&pin=thread:main,lock:forks[2]")
    assert state(browser)[0] == {"axis": "event", "from": 5, "to": 20}
    assert browser.js("window.scenrun.row(window.scenrun.selection().row).at") == 9
    assert state(browser)[2] == ["pinned", "main", "forks[2]"]
    assert browser.complaints() == []


def state(browser: Browser) -> tuple[Any, ...]:
    """What a link is to keep."""
    pinned = [lane["name"] for lane in browser.js("window.scenrun.lanes()") if lane["isPinned"]]
    measured = browser.js("window.scenrun.measured()")
    drawn = browser.js("document.querySelector('#path').getAttribute('aria-pressed')")
    return browser.js("window.scenrun.view()"), browser.js("window.scenrun.selection()"), pinned, measured, drawn
