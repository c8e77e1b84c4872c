"""A page of a run, seen in a real browser: what is drawn where, what is legible, and that it keeps to itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from pages import box_of, filter_by, log_with, page_of, page_of_bytes, spans

from scenrun.api import simulate

SCENARIOS = Path(__file__).parents[2] / "scenarios"
WIDE_PIXELS = 1.0
HOSTILE = (
    "</script><script>window.stolen = 1</script>", "<!-- <script>", "<img src=x onerror='window.stolen = 1'>", "\"quotes' & <b>",
    "emoji 👩‍💻 🧵", "שלום عالم", "\u202egnp.exe\u202c", "bell \x07 null \x00 escape \x1b[31m", "two\nlines\tand a tab", "x" * 10_000,
)  # fmt: skip


@pytest.mark.parametrize("axis", ["time", "event"])
@pytest.mark.parametrize("name", ["dining_philosophers", "semaphore_pool", "locked_update"])
def test_bars_are_where_the_log_says(browser: Browser, log_folder: Path, name: str, axis: str) -> None:
    """Every span that is a pixel wide has one box, from its begin to its end on the axis, in its thread's lane."""
    browser.open(page_of(log_folder / f"{name}.jsonl"))
    browser.js("window.scenrun.setAxis(arguments[0])", axis)
    browser.settle()
    boxes = [box for box in browser.js("window.scenrun.bars()") if box["lane"] == "thread"]
    view = browser.js("window.scenrun.view()")
    canvas = browser.js("document.querySelector('#canvas').getBoundingClientRect().toJSON()")
    scale = (canvas["right"] - canvas["left"] - 150) / (view["to"] - view["from"])
    left = canvas["left"] + 150
    expected = []
    for span in spans(log_folder / f"{name}.jsonl"):
        begin, end = (span.begin_s * 1e9, span.end_s * 1e9) if axis == "time" else (span.begin_seq, span.end_seq)
        if (end - begin) * scale > WIDE_PIXELS + 0.01:
            expected.append(
                (
                    span.thread,
                    span.what,
                    span.object or "",
                    round(left + (begin - view["from"]) * scale),
                    round((end - begin) * scale),
                )
            )
    found = [(b["thread"], b["what"], b["object"], round(b["x"]), round(b["width"])) for b in boxes]
    assert close(found, expected)


def close(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> bool:
    """Whether two lists say the same, to a pixel."""
    one, other = sorted(found), sorted(expected)
    assert [f[:3] for f in one] == [e[:3] for e in other]
    assert all(abs(f[3] - e[3]) <= 1 and abs(f[4] - e[4]) <= 1 for f, e in zip(one, other, strict=True))
    return True


def test_a_bar_is_painted_where_its_box_is(browser: Browser, log_folder: Path) -> None:
    """In the middle of a box the canvas has other colours than the ground; before the lock is taken it has none."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"))
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


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_are_legible(browser: Browser, log_folder: Path, dark: bool) -> None:
    """The page follows what the reader prefers, the toggle changes it, and every text has a contrast of 4.5 or more."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"), dark=dark)
    assert browser.js("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert contrasts(browser) == []
    browser.keys("d")
    assert browser.js("document.documentElement.dataset.theme") == ("light" if dark else "dark")
    assert contrasts(browser) == []


def contrasts(browser: Browser) -> list[str]:
    """The pairs of a text's colour and a ground that are too close."""
    pairs = [(text, ground) for text in ("ink", "muted", "accent", "bad") for ground in ("ground", "panel", "mark")]
    pairs += [("good", "good-ground"), ("bad", "bad-ground"), ("waiting-ink", "ground"), ("waiting-ink", "changed")]
    pairs += [(f"yaml-{kind}", ground) for kind in ("key", "verb", "string", "value") for ground in ("panel", "mark")]
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


def test_a_page_complains_of_nothing_and_asks_nobody(browser: Browser, log_folder: Path) -> None:
    """Nothing stands on the console, nothing but the page itself is asked for, and its policy forbids the rest."""
    browser.open(page_of(log_folder / "semaphore_pool.jsonl"))
    box = box_of(browser, what="waiting")
    browser.point(box["x"] + 3, box["y"] + 3, click=True)
    browser.keys("e", "+", "0", "d", "?")
    assert browser.complaints() == []
    assert [url for url in browser.asked_for() if not url.startswith("data:,")] == [
        browser.driver.current_url.partition("#")[0]
    ]
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


def test_what_is_too_narrow_is_counted(browser: Browser, log_folder: Path) -> None:
    """Bars below a pixel are drawn as shares of their time, and the page says how many; nearer, each is drawn."""
    browser.open(page_of(log_folder / "queue_pipeline.jsonl"))
    browser.settle()
    waits = sum(span.what == "waiting" for span in spans(log_folder / "queue_pipeline.jsonl"))
    told = browser.text("#status")
    assert f"{browser.js('window.scenrun.drawn().shared'):,} bars narrower than a pixel" in told
    assert browser.js("window.scenrun.drawn().shared") >= waits - 5
    browser.js("window.scenrun.setView(0, 1e6)")
    browser.settle()
    assert browser.js("window.scenrun.drawn().shared") == 0
    assert sum(box["what"] == "waiting" for box in browser.js("window.scenrun.bars()")) > 20
    assert browser.js("window.scenrun.drawn().arrows") > 20


def test_a_page_beyond_its_bounds_says_what_it_left_out(browser: Browser, log_folder: Path) -> None:
    """The first and the last lines are in the table, the timeline is whole with merged bars, and notes say so."""
    path = log_folder / "queue_pipeline.jsonl"
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
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    alive = {line.get("worker", line["thread"]) for line in lines if line["event"] == "thread.started"}
    assert {lane["name"] for lane in browser.js("window.scenrun.lanes()") if lane["kind"] == "thread"} == alive
    assert browser.text("#verdict").split(",")[0] == result.verdict
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [400, 900, 1400])
def test_a_page_fits_its_window(browser: Browser, log_folder: Path, width: int) -> None:
    """Nothing stands out of a narrow window to the side."""
    browser.open(page_of(log_folder / "dining_philosophers.jsonl"), width=width)
    assert browser.js("document.documentElement.scrollWidth") <= width


COLOURED = """scenario: made  # a remark
state: {work: 1, name: "a: b # c", text: 'it''s'}
threads:
  worker:
    count: 2
    do:
      - work: 1.5ms
      - if: work > 10 and name == 'x'
        then: [{log: {message: "said"}}, {put: {queue: q, item: -3}}]
      - call: |
          work: no verb
      - break
      - sleep: {uniform: [1ms, 2ms]}
"""
KINDS = {
    "key": "scenario state work name text threads worker count do then message queue item uniform",
    "verb": "work if log put call break sleep",
    "value": "1 2 1.5ms 10 -3 1ms 2ms",
}


def test_the_text_of_the_scenario_has_colours(browser: Browser) -> None:
    """Keys, verbs where a step begins, texts, numbers and remarks are told apart, and no character is lost."""
    browser.open(page_of_bytes(log_with([], text=COLOURED)))
    found = browser.js(
        "[...document.querySelectorAll('#text [class^=yaml-]')].map((e) => [e.className.slice(5), e.textContent])"
    )
    for kind, words in KINDS.items():
        assert {text for one, text in found if one == kind} == set(words.split()), kind
    assert {text for one, text in found if one == "string"} == {
        '"a: b # c"',
        "'it''s'",
        "'x'",
        '"said"',
        "          work: no verb",
    }
    assert [text for one, text in found if one == "remark"] == ["# a remark"]
    assert ("verb", "work") in [tuple(one) for one in found]
    lines = browser.js("[...document.querySelectorAll('.code bdi')].map((e) => e.textContent)")
    assert lines == COLOURED.removesuffix("\n").split("\n")
    colours = {
        browser.js("getComputedStyle(document.querySelector('.yaml-' + arguments[0])).color", kind)
        for kind in (*KINDS, "string", "remark")
    }
    assert len(colours) == 5


def test_a_wrapped_line_goes_on_below_its_own_text(browser: Browser) -> None:
    """Where the window is narrow, its further lines begin behind its spaces and dashes."""
    words = " ".join(["word"] * 40)
    browser.open(page_of_bytes(log_with([], text=f"scenario: made\nmain:\n    - log: {words}\n")), width=420)
    lefts = browser.js("""(() => { const line = document.querySelector('#line-3 bdi'); const range = document.createRange();
      range.selectNodeContents(line); const boxes = [...range.getClientRects()].filter((b) => b.width > 12);
      const first = document.querySelector('#line-3 .yaml-verb').getBoundingClientRect();
      return [first.left, ...boxes.filter((b) => b.top > first.bottom - 2).map((b) => b.left)]; })()""")
    assert len(lefts) > 3, lefts
    assert all(left == pytest.approx(lefts[0], abs=1.5) for left in lefts)


def test_columns_that_say_nothing_are_left_out(browser: Browser, log_folder: Path) -> None:
    """Of figures those that are all 0 or empty, of the lines of the log those that no line has; others stay."""
    browser.open(page_of(log_folder / "semaphore_pool.jsonl"))
    tables = browser.js(
        """[...document.querySelectorAll('#summary table')].map((t) => [...t.rows].map((r) => [...r.cells].map((c) => c.querySelector('canvas') ? 'bar' : c.textContent)))"""
    )
    assert len(tables) >= 3
    for head, *lines in tables:
        for column in range(1, len(head)):
            assert {line[column] for line in lines} - {"", "0", "0 s", "0 %", "false"}, head[column]
    heads = "[...document.querySelectorAll('#lines [role=columnheader]')].map((e) => e.textContent)"
    assert {"object", "line"} <= set(browser.js(heads))
    browser.open(page_of_bytes(log_with([{"event": "message", "message": "said", "thread": "main"}])))
    assert {"thread", "says"} <= set(browser.js(heads))
    assert not {"object", "line"} & set(browser.js(heads))
    assert len(browser.js("[...document.querySelector('.grid-row').children].map((c) => c.textContent)")) == 5


def test_the_text_shows_how_much_of_the_log_is_about_a_line(browser: Browser, tmp_path: Path) -> None:
    """Darkest where most is done, marked where no thread came, also where the table of lines leaves these out."""
    scenario = {
        "scenario": "heat",
        "state": {"v": 0},
        "threads": {
            "a": {"do": [{"repeat": 9, "do": [{"set": {"v": "v + 1"}}]}, {"if": "v == 2", "then": [{"log": "never"}]}]}
        },
    }
    path = tmp_path / "heat.jsonl"
    simulate(scenario, level="debug", log=path)
    browser.open(page_of(path, most_lines=4))
    shown = browser.js(
        "[...document.querySelectorAll('.code')].map((one) => [one.lastChild.textContent.trim(), one.title, "
        "one.firstChild.className, Number(one.firstChild.style.getPropertyValue('--heat'))])"
    )
    by_text = {text: (title, kind, heat) for text, title, kind, heat in shown}
    assert by_text["v: v + 1"] == ("", "heat", 0)
    assert by_text["- set:"][:2] == ("18 lines of the log", "heat")
    assert by_text["- set:"][2] == 1
    assert 0 < by_text["a:"][2] < 1
    assert by_text["- log: never"] == ("no thread came here in this run", "heat missed", 0)
    assert "1 line not reached" in browser.js("document.querySelector('#source-hint').textContent")
