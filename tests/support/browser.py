"""A headless Chromium for tests of pages: what was asked for, what it complained of, what a key or a pointer does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1400,1000",
)  # fmt: skip


class Browser:
    """One window; each page is opened anew, from its file."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self._folder = folder
        self._pages = 0

    def open(self, page: bytes | Path, *, width: int = 1400, dark: bool = False) -> None:
        """Open a page and forget what was asked for and complained of before."""
        if isinstance(page, bytes):
            self._pages += 1
            path = self._folder / f"page{self._pages}.html"
            path.write_bytes(page)
        else:
            path = page
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        preferred = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": n, "value": v} for n, v in preferred.items()])
        self.driver.get("about:blank")
        self.complaints()
        self.asked_for()
        self.driver.get(path.as_uri())

    def cdp(self, command: str, **arguments: Any) -> Any:
        """A command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def js(self, code: str, *arguments: Any) -> Any:
        """The value of an expression of the page."""
        return self.driver.execute_script(f"return {code}", *arguments)

    def settle(self) -> None:
        """Wait until the page has drawn what it was asked to."""
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))")  # fmt: skip

    def complaints(self) -> list[str]:
        """What stood on the console since it was last asked."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def asked_for(self) -> list[str]:
        """What the page asked for since it was last asked: itself first."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver, duration=0).send_keys(*keys).perform()
        self.settle()

    def point(self, x: float, y: float, *, click: bool = False) -> None:
        """Move the pointer to a place of the window, and click there."""
        self._mouse("mouseMoved", x, y)
        if click:
            self._mouse("mousePressed", x, y, button="left", clickCount=1)
            self._mouse("mouseReleased", x, y, button="left", clickCount=1)
        self.settle()

    def drag(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Hold the pointer down at one place and let go at another."""
        self._mouse("mousePressed", x, y, button="left", clickCount=1)
        self._mouse("mouseMoved", (x + to_x) / 2, (y + to_y) / 2, button="left", buttons=1)
        self._mouse("mouseMoved", to_x, to_y, button="left", buttons=1)
        self._mouse("mouseReleased", to_x, to_y, button="left", clickCount=1)
        self.settle()

    def wheel(self, x: float, y: float, by: float) -> None:
        """Turn the wheel."""
        self._mouse("mouseWheel", x, y, deltaX=0, deltaY=by)
        self.settle()

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def text(self, selector: str) -> str:
        """The text of an element as it is shown."""
        return str(self.js("(document.querySelector(arguments[0])?.innerText ?? '')", selector))


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser that ends with the block; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium, of the extra [test]")
    from selenium.webdriver.chrome.service import Service

    binary, server = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or server is None:
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(server))
    try:
        yield Browser(driver, folder)
    finally:
        driver.quit()
