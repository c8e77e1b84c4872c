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
