"""Pages of runs for a browser: from a log to a page, and what several tests look at on one."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from browser import Browser

from scenrun.report.page.page import collect_page, write_page
from scenrun.report.page.page_data import Collected
from scenrun.trace.analysis.reading import Reading, opened
from scenrun.trace.analysis.spans import Span, spans_of


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


def box_of(browser: Browser, **wanted: Any) -> dict[str, Any]:
    """The first box in view that is as wanted, scrolled into the window."""
    browser.js("document.querySelector('#lanes').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.settle()
    return next(b for b in browser.js("window.scenrun.bars()") if all(b[key] == value for key, value in wanted.items()))


def marked_lines(browser: Browser) -> list[int]:
    """The numbers of the scenario's lines that are marked."""
    return list(browser.js("[...document.querySelectorAll('.code.marked .number')].map((n) => Number(n.innerText))"))


def filter_by(browser: Browser, words: str) -> None:
    """Filter the table."""
    browser.js(
        "((words) => { const f = document.querySelector('#filter'); f.value = words; f.dispatchEvent(new Event('input')); })(...arguments)",
        words,
    )
    browser.driver.execute_async_script("setTimeout(arguments[0], 20)")
