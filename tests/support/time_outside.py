"""Programs whose setup and check wait until some time has come, by each thing that lets time pass."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any


def setup() -> dict[str, Any]:
    """Waits before there are threads."""
    waits()
    return {}


def does(shared: dict[str, Any]) -> None:
    shared["done"] = True


def waits() -> None:
    """Each of these ends in Python, after its time."""
    began = time.monotonic()
    while time.monotonic() < began + 0.3:
        time.sleep(0.1)
    changed = threading.Condition()
    with changed:
        assert not changed.wait_for(lambda: False, timeout=0.1)
    held = threading.Lock()
    held.acquire()
    assert not held.acquire(timeout=0.1)
    assert not threading.Event().wait(0.1)
    for line in (queue.Queue[int](), queue.SimpleQueue[int]()):
        try:
            line.get(timeout=0.1)
        except queue.Empty:
            continue
        raise AssertionError("an item of an empty queue")


def check(shared: dict[str, Any]) -> None:
    """Waits after them."""
    waits()
