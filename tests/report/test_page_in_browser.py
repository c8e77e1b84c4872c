"""A page of a run, seen in a real browser: what is drawn where, what it answers, and that it keeps to itself."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, chromium
from player import told_state

from scenrun.api import simulate
from scenrun.report.page.collecting import Collected
from scenrun.report.page.page import collect_page, write_page
from scenrun.trace.analysis.reading import Reading, opened
from scenrun.trace.analysis.spans import Span, spans_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"
WIDE_PIXELS = 1.0
HOSTILE = (
    "</script><script>window.stolen = 1</script>", "<!-- <script>", "<img src=x onerror='window.stolen = 1'>", "\"quotes' & <b>",
    "emoji 👩‍💻 🧵", "שלום عالم", "\u202egnp.exe\u202c", "bell \x07 null \x00 escape \x1b[31m", "two\nlines\tand a tab", "x" * 10_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with chromium(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the logs of some scenarios, simulated."""
    folder = tmp_path_factory.mktemp("logs")
    for name in ("dining_philosophers", "queue_pipeline", "semaphore_pool", "locked_update"):
        simulate(SCENARIOS / f"{name}.yaml", level="debug", log=str(folder / f"{name}.jsonl"))
    return folder


def page_of(path: Path, player: dict[str, Any] | None = None, **bounds: int) -> bytes:
    """The page of a log."""
    with opened(str(path)) as file:
        reading = Reading(file, str(path))
        collected = Collected(**bounds)
        for event in reading:
            collected.take(event)
        collected.close()
    out = io.BytesIO()
    write_page(out, collected, reading.notes(), player)
    return out.getvalue()


def spans(path: Path) -> list[Span]:
    """What a log says of who did what."""
    with opened(str(path)) as file:
        return spans_of(Reading(file, str(path)))


def log_with(events: list[dict[str, Any]], text: str = "scenario: made\n", **opening: Any) -> bytes:
    """A log made by hand: what every line needs is added."""
    first = {"event": "run.started", "scenario": "made", "text": text, "way": "run", "log_level": "debug", **opening}
    lines = [
        {"level": "info", "run": "r", "seq": i, "elapsed_s": i * 1e-6, **one} for i, one in enumerate([first, *events])
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def page_of_bytes(log: bytes) -> bytes:
    """The page of a log that was made by hand."""
    reading = Reading(io.BytesIO(log), "made")
    collected, out = collect_page(reading), io.BytesIO()
    write_page(out, collected, reading.notes())
    return out.getvalue()


@pytest.mark.parametrize("axis", ["time", "event"])
@pytest.mark.parametrize("name", ["dining_philosophers", "semaphore_pool", "locked_update"])
def test_bars_are_where_the_log_says(browser: Browser, logs: Path, name: str, axis: str) -> None:
    """Every span that is a pixel wide has one box, from its begin to its end on the axis, in its thread's lane."""
    browser.open(page_of(logs / f"{name}.jsonl"))
    browser.js("window.scenrun.setAxis(arguments[0])", axis)
    browser.settle()
    boxes = [box for box in browser.js("window.scenrun.bars()") if box["lane"] == "thread"]
    view = browser.js("window.scenrun.view()")
    canvas = browser.js("document.querySelector('#canvas').getBoundingClientRect().toJSON()")
    scale = (canvas["right"] - canvas["left"] - 150) / (view["to"] - view["from"])
    left = canvas["left"] + 150
    expected = []
    for span in spans(logs / f"{name}.jsonl"):
        begin, end = (span.begin_s * 1e9, span.end_s * 1e9) if axis == "time" else (span.begin_seq, span.end_seq)
        if (end - begin) * scale > WIDE_PIXELS + 0.01:
            expected.append(
                (span.thread, span.what, span.object or "", round(left + begin * scale), round((end - begin) * scale))
            )
    found = [(b["thread"], b["what"], b["object"], round(b["x"]), round(b["width"])) for b in boxes]
    assert close(found, expected)


def close(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> bool:
    """Whether two lists say the same, to a pixel."""
    one, other = sorted(found), sorted(expected)
    assert [f[:3] for f in one] == [e[:3] for e in other]
    assert all(abs(f[3] - e[3]) <= 1 and abs(f[4] - e[4]) <= 1 for f, e in zip(one, other, strict=True))
    return True


def test_a_bar_is_painted_where_its_box_is(browser: Browser, logs: Path) -> None:
    """In the middle of a box the canvas has other colours than the ground; before the lock is taken it has none."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"))
    browser.settle()
    box = next(b for b in browser.js("window.scenrun.bars()") if b["lane"] == "lock" and b["name"] == "forks[4]")
    y = box["y"] + box["height"] - 3
    ground = pixels(browser, box["x"] - 20, y, 8)
    inside = pixels(browser, box["x"] + 100, y, 16)
    assert len(set(ground)) == 1
    assert len(set(inside)) > 1
    assert not set(ground) & set(inside)


def pixels(browser: Browser, x: float, y: float, count: int) -> list[str]:
    """The colours of a row of pixels of the canvas; places are those of the window."""
    code = """((x, y, count) => { const c = document.querySelector('#canvas'); const at = c.getBoundingClientRect();
      const d = c.getContext('2d').getImageData(Math.round(x - at.left), Math.round(y - at.top), count, 1).data;
      return Array.from({length: count}, (_, i) => d.slice(4 * i, 4 * i + 3).join()); })(...arguments)"""
    return list(browser.js(code, x, y, count))


def box_of(browser: Browser, **wanted: Any) -> dict[str, Any]:
    """The first box in view that is as wanted, scrolled into the window."""
    browser.js("document.querySelector('#lanes').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.settle()
    return next(b for b in browser.js("window.scenrun.bars()") if all(b[key] == value for key, value in wanted.items()))


def test_pointing_at_a_bar_tells_what_it_is(browser: Browser, logs: Path) -> None:
    """Who, what, from when to when, who let it go on, and the lines of the scenario and of the log."""
    browser.open(page_of(logs / "semaphore_pool.jsonl"))
    span = max(
        (
            s
            for s in spans(logs / "semaphore_pool.jsonl")
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


def test_a_click_on_a_bar_marks_its_line_and_its_lines_of_the_log(browser: Browser, logs: Path) -> None:
    """The scenario's line is marked and in sight, and the log's line with which the bar begins is the chosen one."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"))
    box = box_of(browser, what="waiting", thread="philosopher[2]", object="forks[3]")
    browser.point(box["x"] + box["width"] - 2, box["y"] + 9, click=True)
    assert marked_lines(browser) == [24] == [box["line"]]
    assert "lock.acquiring" in browser.text(".grid-row.current")
    assert "philosopher[2]" in browser.text("#detail")


def marked_lines(browser: Browser) -> list[int]:
    """The numbers of the scenario's lines that are marked."""
    return list(browser.js("[...document.querySelectorAll('.code.marked .number')].map((n) => Number(n.innerText))"))


def test_a_click_on_a_line_marks_what_it_did(browser: Browser, logs: Path) -> None:
    """All rows of that line are marked, none of another; a second click takes the marks away."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"))
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


def test_a_click_on_a_row_marks_its_line_and_brings_it_into_view(browser: Browser, logs: Path) -> None:
    """A line of the log that is out of view on the axis comes into view, and its line of the scenario is marked."""
    browser.open(page_of(logs / "queue_pipeline.jsonl"))
    browser.js("window.scenrun.setView(90e6, 91e6)")
    browser.driver.find_element("css selector", "#row-9").click()
    browser.settle()
    row, view = browser.js("window.scenrun.row(9)"), browser.js("window.scenrun.view()")
    assert marked_lines(browser) == [row["line"]]
    assert view["from"] <= row["t"] <= view["to"]


def test_the_table_finds_words_threads_objects_and_levels(browser: Browser, logs: Path) -> None:
    """What the filter keeps is what the log has."""
    path = logs / "dining_philosophers.jsonl"
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


def filter_by(browser: Browser, words: str) -> None:
    """Filter the table."""
    browser.js(
        "((words) => { const f = document.querySelector('#filter'); f.value = words; f.dispatchEvent(new Event('input')); })(...arguments)",
        words,
    )
    browser.driver.execute_async_script("setTimeout(arguments[0], 20)")


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_are_legible(browser: Browser, logs: Path, dark: bool) -> None:
    """The page follows what the reader prefers, the toggle changes it, and every text has a contrast of 4.5 or more."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"), dark=dark)
    assert browser.js("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert contrasts(browser) == []
    browser.keys("d")
    assert browser.js("document.documentElement.dataset.theme") == ("light" if dark else "dark")
    assert contrasts(browser) == []


def contrasts(browser: Browser) -> list[str]:
    """The pairs of a text's colour and a ground that are too close."""
    pairs = [(text, ground) for text in ("ink", "muted", "accent", "bad") for ground in ("ground", "panel", "mark")]
    pairs += [("good", "good-ground"), ("bad", "bad-ground"), ("waiting-ink", "ground"), ("waiting-ink", "changed")]
    pairs += [("ink", kind) for kind in ("running", "waiting", "sleeping", "holding", "calling", "inside")]
    colours = {
        name: browser.js(
            "getComputedStyle(document.documentElement).getPropertyValue('--' + arguments[0]).trim()", name
        )
        for pair in pairs
        for name in pair
    }
    return [f"{text} on {ground}" for text, ground in pairs if contrast(colours[text], colours[ground]) < 4.5]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 counts it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """How bright a colour is for the eye."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_page_complains_of_nothing_and_asks_nobody(browser: Browser, logs: Path) -> None:
    """Nothing stands on the console, nothing but the page itself is asked for, and its policy forbids the rest."""
    browser.open(page_of(logs / "semaphore_pool.jsonl"))
    box = box_of(browser, what="waiting")
    browser.point(box["x"] + 3, box["y"] + 3, click=True)
    browser.keys("e", "+", "0", "d", "?")
    assert browser.complaints() == []
    assert [url for url in browser.asked_for() if not url.startswith("data:,")] == [browser.driver.current_url]
    browser.driver.execute_async_script(
        "const done = arguments[0]; fetch('https://example.org/').then(() => done(), () => done())"
    )
    assert any("Content Security Policy" in line for line in browser.complaints())
    assert (
        browser.js(
            "(() => { const s = document.createElement('script'); s.textContent = 'window.stolen = 1'; document.body.append(s); return window.stolen ?? 0; })()"
        )
        == 0
    )


def test_keys_do_what_the_pointer_does(browser: Browser, logs: Path) -> None:
    """Zoom, fit, axis, filter and help have keys; in the timeline one goes from bar to bar."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(logs / "dining_philosophers.jsonl"))
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


def test_lists_have_keys(browser: Browser, logs: Path) -> None:
    """In the table and in the scenario's text one moves with the arrows."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(logs / "dining_philosophers.jsonl"))
    browser.js("document.querySelector('.grid-body').focus()")
    browser.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert browser.js("window.scenrun.selection().row") == 2
    browser.keys(Keys.END)
    assert browser.js("window.scenrun.selection().row") == 50
    assert "run.finished" in browser.text(".grid-row.current")
    browser.js("document.querySelector('#text').focus()")
    browser.keys(Keys.HOME, Keys.ARROW_DOWN, Keys.ENTER)
    assert marked_lines(browser) == [2]


def test_everything_that_can_be_done_can_be_reached_by_tab(browser: Browser, logs: Path) -> None:
    """Each control has a name, comes in the order of the page, and shows when it has the focus."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(logs / "dining_philosophers.jsonl"))
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


def test_wheel_and_drag_move_the_view(browser: Browser, logs: Path) -> None:
    """The wheel zooms about the pointer, a drag takes the axis along, and neither chooses a bar."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"))
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


def test_texts_of_a_log_are_shown_and_never_run(browser: Browser) -> None:
    """Markup, quotes, emoji, other directions, control characters and 10 kB are text, in every part of the page."""
    thread = {"thread": HOSTILE[0], "line": 1}
    events: list[dict[str, Any]] = [{"event": "thread.started", **thread}]
    for text in HOSTILE:
        events.append({"event": "message", "message": text, "fields": {text[:50]: text}, **thread})
        events.append({"event": "lock.acquiring", "object": text[:50], **thread})
        events.append(
            {"event": "lock.acquired", "object": text[:50], "acquired": True, "waited_s": 0.0, **thread, "step": text}
        )
        events.append({"event": "queue.put", "object": f"q {text[:50]}", "size": 1, "waited_s": 1e-6, **thread})
    events.append(
        {
            "event": "finding",
            "kind": HOSTILE[2],
            "message": HOSTILE[0],
            "threads": [{"thread": HOSTILE[0], "state": HOSTILE[2], "held_by": [HOSTILE[0]]}],
        }
    )
    closing = {
        "state": {HOSTILE[0]: HOSTILE[1]},
        "expectations": [{"what": HOSTILE[2], HOSTILE[0]: HOSTILE[0]}],
        "figures": {"threads": {HOSTILE[0]: {HOSTILE[0]: 1}}},
    }
    events.append({"event": "run.finished", "ok": False, "verdict": HOSTILE[2], "expected": [HOSTILE[0]], **closing})
    log = log_with(
        events,
        text="\n".join(HOSTILE),
        description=HOSTILE[2],
        platform=HOSTILE[0],
        objects=[{"name": HOSTILE[0], "kind": HOSTILE[2]}],
    )
    page = page_of_bytes(log + b"<script>window.stolen = 1</script>\n")
    browser.open(page)
    browser.settle()
    assert browser.complaints() == []
    assert browser.js("window.stolen ?? null") is None
    assert browser.js("document.querySelectorAll('script').length") == 2
    assert browser.js("document.querySelectorAll('img, b, #detail script').length") == 0
    browser.js("document.querySelector('.grid-body').focus()")
    filter_by(browser, "event:message")
    for row, text in enumerate(HOSTILE):
        browser.driver.execute_script("document.querySelectorAll('.grid-row')[arguments[0]].click()", row)
        told = browser.js("document.querySelector('#detail').textContent")
        expected = text if text.isprintable() else None
        if len(text) > 2_000:
            assert "xxx… (" in told
        elif expected is not None:
            assert expected in told
    assert "\\u202egnp.exe" in browser.js("document.querySelector('#table').textContent")
    assert "bell \\x07 null \\x00 escape \\x1b[31m" in browser.js("document.querySelector('#table').textContent")
    assert "\u202e" not in browser.js("document.body.innerText")
    assert "two\\nlines\\tand a tab" in browser.js("document.querySelector('#table').textContent")
    assert "1 line is not a log's" in browser.text("#notes")


def test_two_thousand_threads_are_shown(browser: Browser) -> None:
    """All have a lane, only those in sight are drawn, and scrolling shows the others."""
    events: list[dict[str, Any]] = []
    for i in range(2_000):
        events += [
            {"event": "thread.started", "thread": f"crew[{i}]"},
            {"event": "sleep.began", "thread": f"crew[{i}]", "line": 1},
        ]
    events += [{"event": "sleep.ended", "thread": f"crew[{i}]", "line": 1} for i in range(2_000)]
    browser.open(page_of_bytes(log_with(events)))
    browser.settle()
    assert sum(lane["kind"] == "thread" for lane in browser.js("window.scenrun.lanes()")) == 2_000
    shown = {box["thread"] for box in browser.js("window.scenrun.bars()")}
    assert "crew[0]" in shown
    assert len(shown) < 100
    browser.js("document.querySelector('#lanes').scrollTop = 1e9")
    browser.settle()
    assert "crew[1999]" in {box["thread"] for box in browser.js("window.scenrun.bars()")}
    assert browser.complaints() == []


def test_what_is_too_narrow_is_counted(browser: Browser, logs: Path) -> None:
    """Bars below a pixel are drawn as shares of their time, and the page says how many; nearer, each is drawn."""
    browser.open(page_of(logs / "queue_pipeline.jsonl"))
    browser.settle()
    waits = sum(span.what == "waiting" for span in spans(logs / "queue_pipeline.jsonl"))
    told = browser.text("#status")
    assert f"{browser.js('window.scenrun.drawn().shared'):,} bars narrower than a pixel" in told
    assert browser.js("window.scenrun.drawn().shared") >= waits - 5
    browser.js("window.scenrun.setView(0, 1e6)")
    browser.settle()
    assert browser.js("window.scenrun.drawn().shared") == 0
    assert sum(box["what"] == "waiting" for box in browser.js("window.scenrun.bars()")) > 20
    assert browser.js("window.scenrun.drawn().arrows") > 20


def test_a_page_beyond_its_bounds_says_what_it_left_out(browser: Browser, logs: Path) -> None:
    """The first and the last lines are in the table, the timeline is whole with merged bars, and notes say so."""
    path = logs / "queue_pipeline.jsonl"
    browser.open(page_of(path, most_lines=1_000, most_bars=200))
    browser.settle()
    total = len(path.read_text().splitlines())
    assert browser.js("window.scenrun.total()") <= 3_000
    assert f"of {total:,} lines" in browser.text("#notes")
    assert "merged bars" in browser.text("#notes")
    assert browser.js("window.scenrun.row(window.scenrun.total() - 1).event") == "run.finished"
    merged = [
        box for box in browser.js("window.scenrun.bars()") if box["what"] == "waiting" and box["thread"] == "producer"
    ]
    assert merged
    assert max(box["end"] for box in merged) > 0.9 * 100e6
    assert browser.complaints() == []


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_page_of_every_scenario_opens(browser: Browser, path: Path, tmp_path: Path) -> None:
    """Each has a lane for each of its threads, its verdict on top, and nothing to complain of."""
    stops_late = "\nstop: 100ms" in path.read_text()
    result = simulate(path, overrides={"stop": "2ms"} if stops_late else {}, level="debug", log=str(tmp_path / "log"))
    browser.open(page_of(tmp_path / "log"))
    browser.settle()
    alive = {span.thread for span in spans(tmp_path / "log") if span.what == "alive"}
    assert {lane["name"] for lane in browser.js("window.scenrun.lanes()") if lane["kind"] == "thread"} == alive
    assert browser.text("#verdict").split(",")[0] == result.verdict
    assert browser.complaints() == []


def test_two_fingers_zoom(browser: Browser, logs: Path) -> None:
    """Fingers that move apart show less of the axis, larger."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"))
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


@pytest.mark.parametrize("width", [400, 900, 1400])
def test_a_page_fits_its_window(browser: Browser, logs: Path, width: int) -> None:
    """Nothing stands out of a narrow window to the side."""
    browser.open(page_of(logs / "dining_philosophers.jsonl"), width=width)
    assert browser.js("document.documentElement.scrollWidth") <= width


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


def test_the_player_shows_every_step_forward_and_back(browser: Browser, logs: Path) -> None:
    """At each step the shared values, where each thread is and what it holds are as given; what changed is marked."""
    browser.open(page_of(logs / "dining_philosophers.jsonl", PLAYER))
    assert browser.js("window.scenrun.view().axis") == "event"
    check_player(browser, PLAYER)
    browser.js("window.scenrun.player.go(3)")
    told = browser.text("#player .told-step")
    for word in ("ValueError: late", "breaks: x == 0", "deadlock: a waits for guard"):
        assert word in told
    assert browser.complaints() == []


def test_the_player_has_buttons_a_slider_and_keys(browser: Browser, logs: Path) -> None:
    """First, back, play, forward and last; arrows in its own part; it stops by itself at the end."""
    from selenium.webdriver.common.keys import Keys

    browser.open(page_of(logs / "dining_philosophers.jsonl", PLAYER))
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
