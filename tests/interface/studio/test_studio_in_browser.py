"""The studio as a person uses it: a text is typed, what it can do stands beside it, and is played, forked, run and saved."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Browser, chromium
from studios import Running, studio

EDITOR = Path(__file__).parents[3] / "src/scenrun/interface/studio/editor"
LOCKS = """scenario: ab
sync: {a: lock, b: lock}
threads:
  one: {do: [{with: [a, b], do: [{log: hi}]}]}
  two: {do: [{with: [b, a], do: [{log: hi}]}]}
"""
QUEUE = """scenario: q
sync: {items: {queue: {maxsize: 2}}}
threads:
  maker: {do: [{repeat: 30, do: [{sleep: 20ms}, {put: {queue: items, item: 1}}]}]}
  taker: {do: [{repeat: 30, do: [{get: {queue: items}}]}]}
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("folder")
    (folder / "ab.yaml").write_text(LOCKS, encoding="utf-8")
    with studio(folder) as one:
        yield one


def until(browser: Browser, holds: Callable[[], bool]) -> None:
    """Wait until the page shows something."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, browser.js("document.body.innerText")
        time.sleep(0.05)


def opened(browser: Browser, running: Running) -> None:
    browser.cdp("Emulation.setDeviceMetricsOverride", width=1400, height=1000, deviceScaleFactor=1, mobile=False)
    browser.driver.get(running.address)
    until(browser, lambda: "states" in browser.text("#verdict"))


def typed(browser: Browser, text: str) -> None:
    browser.js("(window.studio.editor.set(arguments[0]), 1)", text)


def hidden(browser: Browser, selector: str) -> bool:
    return bool(browser.js("document.querySelector(arguments[0]).hidden", selector))


def clicked(browser: Browser, selector: str) -> None:
    browser.js("(document.querySelector(arguments[0]).click(), 1)", selector)


def test_what_is_typed_is_judged_mended_played_forked_run_and_saved(browser: Browser, running: Running) -> None:
    opened(browser, running)
    assert "deadlock" in browser.text("#verdict")
    until(browser, lambda: not browser.js("document.querySelector('#player').hidden"))

    typed(browser, LOCKS.replace("log:", "logg:", 1))
    until(browser, lambda: "not a scenario yet" in browser.text("#verdict"))
    assert "did you mean `log`?" in browser.text("#problems")
    assert browser.js("document.querySelectorAll('.cm-lintRange-error').length") == 1
    typed(browser, LOCKS.replace("with: [b, a]", "with: [a, b]"))
    until(browser, lambda: "holds" in browser.text("#verdict"))
    assert browser.text("#problems") == ""

    typed(browser, LOCKS)
    until(browser, lambda: "deadlock" in browser.text("#verdict"))
    assert "was holds, now deadlock" in browser.text("#compared")
    clicked(browser, "#tab-play")
    for thread in ("main", "main", "one", "two"):
        until(browser, lambda thread=thread: thread in browser.text("#options"))
        before = browser.text("#taken")
        number = browser.js(
            "[...document.querySelectorAll('#options li')].findIndex((one) => one.textContent.startsWith(arguments[0]))",
            thread,
        )
        clicked(browser, f"#options li:nth-child({number + 1}) button")
        until(browser, lambda before=before: browser.text("#taken") != before)
    assert "one waits for b, which two holds" in browser.text("#over")
    clicked(browser, "#back")
    until(browser, lambda: "one holds a" in browser.text("#blocked"))

    clicked(browser, "#tab-run")
    clicked(browser, "#simulate")
    until(browser, lambda: "simulated: " in browser.text("#ran"))
    until(browser, lambda: "Download" in browser.text("#page-links"))
    browser.js(
        "(document.querySelector('#library').value = 'gallery/ab_ba_ordered', "
        "document.querySelector('#library').dispatchEvent(new Event('change')), 1)"
    )
    until(browser, lambda: "scenario: ab_ba_ordered" in browser.js("window.studio.editor.text()"))
    browser.js("(document.querySelector('#name').value = 'mine.yaml', 1)")
    clicked(browser, "#save")
    until(browser, lambda: browser.text("#save") == "Saved")
    assert "mine.yaml" in browser.text("#files")
    assert [one for one in browser.complaints() if "ERR_" in one or "Refused" in one or "Uncaught" in one] == []


def test_a_counterexample_is_played_another_way_kept_compared_and_opened_again(
    browser: Browser, running: Running
) -> None:
    opened(browser, running)
    until(browser, lambda: "deadlock" in browser.text("#verdict") and not hidden(browser, "#play-it"))
    clicked(browser, "#play-it")
    until(browser, lambda: "a circle" in browser.text("#over"))
    clicked(browser, "#pin")
    assert "Both are the same so far." in browser.text("#beside")
    clicked(browser, "#schedule-save")
    until(browser, lambda: "scenrun replay" in browser.text("#schedule-said"))
    browser.js("(document.activeElement.blur(), 1)")
    for key, steps in (("b", 3), ("b", 2), ("2", 3), ("b", 2), ("f", 3)):
        browser.keys(key)
        until(browser, lambda steps=steps: browser.js("document.querySelectorAll('#taken li').length") == steps)
    assert "They part at step 3." in browser.text("#beside")
    clicked(browser, "#finish")
    until(browser, lambda: "Yes: deadlock" in browser.text("#finished"))
    name = browser.js("[...document.querySelectorAll('#schedules option')].at(-1).value")
    browser.js(
        "(document.querySelector('#schedules').value = arguments[0], document.querySelector('#schedules').dispatchEvent(new Event('change')), 1)",
        name,
    )
    until(browser, lambda: browser.js("document.querySelectorAll('#taken li').length") == 4)
    typed(browser, LOCKS + "# other words\n")
    until(browser, lambda: "of an earlier text" in browser.text("#beside"))


def test_what_was_chosen_by_key_keeps_the_focus(browser: Browser, running: Running) -> None:
    """Enter on an option leaves the focus on one, so that the next can be taken at once."""
    opened(browser, running)
    clicked(browser, "#tab-play")
    until(browser, lambda: "start one" in browser.text("#options"))
    browser.js("(document.querySelector('#options .option').focus(), 1)")
    for steps in (1, 2):
        browser.keys("\ue007")  # Enter
        until(browser, lambda steps=steps: browser.js("document.querySelectorAll('#taken li').length") == steps)
        assert browser.js("document.activeElement.className") == "option"


def test_lanes_grow_and_a_value_is_swept(browser: Browser, running: Running) -> None:
    opened(browser, running)
    typed(browser, QUEUE.replace("repeat: 30", "repeat: 30000"))  # longer than a run may take
    until(browser, lambda: "sync.items.maxsize" in browser.js("document.querySelector('#sweep-path').textContent"))
    clicked(browser, "#tab-run")
    clicked(browser, "#threads")
    until(browser, lambda: "events in" in browser.text("#lanes-said"))
    assert hidden(browser, "#page")
    clicked(browser, "#run-stop")
    assert browser.text("#ran") == "stopped"
    typed(browser, QUEUE)
    until(browser, lambda: "holds" in browser.text("#verdict"))
    clicked(browser, "#threads")
    until(browser, lambda: "3 threads" in browser.js("document.querySelector('#lanes').getAttribute('aria-label')"))
    until(browser, lambda: not hidden(browser, "#page"))
    assert browser.js(
        "(() => { const c = document.querySelector('#lanes'); return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((one) => one > 0); })()"
    )

    clicked(browser, "#tab-sweep")
    browser.js(
        "(document.querySelector('#sweep-path').value = 'sync.items.maxsize', document.querySelector('#sweep-over').value = '1..3', 1)"
    )
    clicked(browser, "#sweep-start")
    until(browser, lambda: "Download" in browser.text("#sweep-links"))
    assert browser.js("document.querySelectorAll('#curve g').length") == 3
    browser.js("(document.querySelector('#sweep-at').focus(), 1)")
    browser.keys("\ue014")  # the right arrow
    assert "sync.items.maxsize = 2" in browser.text("#sweep-value")
    clicked(browser, "#sweep-run")
    until(browser, lambda: "simulated: " in browser.text("#ran"))
    assert "with sync.items.maxsize = 2" in browser.text("#with")
    assert [one for one in browser.complaints() if "Uncaught" in one or "Refused" in one] == []


def test_by_the_keyboard_alone_and_on_a_narrow_screen(browser: Browser, running: Running) -> None:
    """Tabs follow the arrows, and nothing is wider than the screen."""
    opened(browser, running)
    browser.js("(document.querySelector('#tab-search').focus(), 1)")
    browser.keys("\ue014")  # the right arrow
    assert browser.js("document.activeElement.id") == "tab-play"
    assert not browser.js("document.querySelector('#play').hidden")
    browser.cdp("Emulation.setDeviceMetricsOverride", width=420, height=900, deviceScaleFactor=1, mobile=False)
    browser.settle()
    assert browser.js("document.documentElement.scrollWidth") <= 420


def test_the_editor_is_built_from_its_packages(tmp_path: Path) -> None:
    """What is shipped is what the packages of the lock come to."""
    if shutil.which("npm") is None:
        pytest.skip("needs node, with which the editor is built")
    for name in ("package.json", "package-lock.json", "build.mjs", "editor.mjs"):
        shutil.copy(EDITOR / name, tmp_path)
    got = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    if got.returncode:
        pytest.skip("the packages of the editor cannot be had here")
    subprocess.run(["node", "build.mjs", "built.js"], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "built.js").read_bytes() == (EDITOR.parent / "assets/editor.js").read_bytes()
