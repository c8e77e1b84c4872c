"""The studio as a person meets it, in headless Chromium: the first paint, from a key to the verdict, and lanes that grow.

Needs `pip install 'scenrun[studio,test]'` and Debian's packages chromium and chromium-driver.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))

from browser import Browser, chromium
from measuring import Goal, Table, at_least, at_most, main
from studios import studio

SHIPPED = Path(__file__).parents[1] / "scenarios"
TO_VERDICT = """
const [text, done] = arguments;
const shown = document.querySelector("#verdict");
shown.textContent = "";
const began = performance.now();
const look = new MutationObserver(() => {
  const chip = shown.querySelector(".chip");
  if (chip && chip.textContent !== "searching") {
    look.disconnect();
    requestAnimationFrame(() => { // the frame that shows it is painted before a message that is sent in it comes
      const painted = new MessageChannel();
      painted.port1.onmessage = () => done([performance.now() - began, chip.textContent]);
      painted.port2.postMessage(0);
    });
  }
});
look.observe(shown, { childList: true, subtree: true });
window.studio.editor.set(text);
"""
"""From a change of the text, with the pause after it, until the verdict has been painted."""
LANES = """
const done = arguments[0];
const found = { frames: 0, ran: 0, whole: 0 };
const words = () => document.querySelector("#lanes-said").textContent;
const said = () => Number((words().match(/^[\\d,]+/) || ["0"])[0].replaceAll(",", ""));
let events = 0;
const frame = (t) => {
  found.frames += 1;
  if (said() !== events) { events = said(); found.whole = t; found.events = events; }
  if (!found.ran && document.querySelector("#ran").textContent.startsWith("run on threads")) found.ran = t;
  if (document.querySelector("#page").hidden) requestAnimationFrame(frame);
  else done({ ...found, seconds: (t - began) / 1000, elapsed: Number(words().match(/in ([\\d.]+) s/)[1]) });
};
const began = performance.now();
document.querySelector("#tab-run").click();
document.querySelector("#threads").click();
requestAnimationFrame(frame);
"""
"""A run on threads: its events, when it was said to have ended, and when its lanes last had more events."""


def opened(browser: Browser, address: str) -> None:
    """The studio's page, with the first verdict."""
    browser.driver.get(address)
    end = time.monotonic() + 60
    while "states" not in browser.text("#verdict"):
        assert time.monotonic() < end, browser.js("document.body.innerText")
        time.sleep(0.05)


def first_paint(browser: Browser, address: str, times: int) -> list[float]:
    """Milliseconds from asking for the page until something is on the screen."""
    found = []
    for _ in range(times):
        opened(browser, address)
        found.append(float(browser.js("performance.getEntriesByName('first-contentful-paint')[0].startTime")))
    return found


def to_verdict(browser: Browser, path: Path) -> float:
    """Milliseconds from a key to the verdict of a file."""
    ms, _ = browser.driver.execute_async_script(TO_VERDICT, path.read_text(encoding="utf-8"))
    return float(ms)


def lanes(browser: Browser, seconds: int) -> dict[str, Any]:
    """A run with as many events as two threads make."""
    text = (SHIPPED / "queue_pipeline.yaml").read_text(encoding="utf-8").replace("stop: 100ms", f"stop: {seconds}s")
    browser.driver.execute_async_script(TO_VERDICT, text)
    return dict(browser.driver.execute_async_script(LANES))


def measure(quick: bool) -> Table:
    """All three, of every shipped scenario and of the gallery, or with `quick` of some."""
    own = sorted(SHIPPED.glob("*.yaml"))[:: 4 if quick else 1]
    gallery = sorted((SHIPPED / "gallery").glob("*.yaml"))[:: 20 if quick else 1]
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as profile,
        studio(Path(folder)) as running,
        chromium(Path(profile)) as browser,
    ):
        browser.driver.set_script_timeout(180)
        painted = first_paint(browser, running.address, 3)
        took = {path: to_verdict(browser, path) for path in (*own, *gallery)}
        grown = lanes(browser, 1 if quick else 4)
    slow = [f"{path.stem} {took[path]:.0f} ms" for path in (*own, *gallery) if took[path] >= 500]
    ninety_five = quantiles((took[path] for path in gallery), n=20)[-1]
    rate, behind = grown["events"] / grown["elapsed"], max(0.0, grown["whole"] - grown["ran"]) / 1000
    rows = [
        ("first paint", f"{median(painted):.0f} ms", f"{max(painted):.0f} ms"),
        ("from a key to the verdict, scenarios/", *_spread([took[path] for path in own])),
        ("from a key to the verdict, gallery", *_spread([took[path] for path in gallery])),
        ("lanes: events/s", f"{rate:,.0f}", ""),
        ("lanes: behind the run at its end", f"{behind:.2f} s", ""),
        ("lanes: frames/s", f"{grown['frames'] / grown['seconds']:.0f}", ""),
    ]
    goals = [
        at_most("first paint", max(painted), 1000, "ms"),
        at_most("from a key to the verdict, every file in scenarios/", max(took[path] for path in own), 500, "ms"),
        at_most("from a key to the verdict, 95 % of the gallery", ninety_five, 500, "ms"),
        at_least("lanes: events/s, in thousands", rate / 1000, 50),
        at_most("lanes: behind the run at its end", behind, 0.5, "s"),
    ]
    goals += [Goal("beyond 500 ms", ", ".join(slow) or "none", not slow)] if not quick else []
    return Table("The studio, in headless Chromium", ("", "median", "most"), rows, goals)


def _spread(found: list[float]) -> tuple[str, str]:
    return f"{median(found):.0f} ms", f"{max(found):.0f} ms"


if __name__ == "__main__":
    main(measure)
