"""Timelines, and logs that they are drawn from."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from terminal import SCENARIOS

Event = dict[str, Any]
FILES = sorted(SCENARIOS.glob("*.yaml"))


def crowd(threads: int, blocked: str = "w[777]") -> list[Event]:
    """Many threads that end, and one that waits for ever."""
    events = [line("run.started", 0.0, 0, None, scenario="crowd", log_level="debug", objects=[])]
    for at in range(threads):
        name = f"w[{at}]"
        events.append(line("thread.started", at / 1e3, len(events), name))
        events.append(
            line(
                "lock.acquiring" if name == blocked else "thread.ended",
                (at + 1) / 1e3,
                len(events),
                name,
                object="guard",
            )
        )
    return [*events, line("thread.cut_off", threads / 1e3, len(events), blocked)]


def line(name: str, at: float, seq: int, thread: str | None = "t", **more: Any) -> Event:
    """A line of a log."""
    who = {} if thread is None else {"thread": thread, "group": thread, "index": 0}
    return {"timestamp": "", "level": "info", "event": name, "run": "r", "seq": seq, "elapsed_s": at, **who, **more}


def scenrun(*arguments: str, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scenrun", *arguments],
        input=given, capture_output=True, text=True, encoding="utf-8", timeout=120, env={**os.environ, **environment},
    )  # fmt: skip
