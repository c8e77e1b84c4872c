"""A real terminal of so many columns, and what it shows."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import termios
import unicodedata
from fcntl import ioctl
from pathlib import Path

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def seen_columns(text: str) -> int:
    """The columns that a terminal needs, counted another way: wide characters two, marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.category(c) in ("Mn", "Me") or "\u1160" <= c <= "\u11ff" for c in text)
    both = sum(unicodedata.east_asian_width(c) in "WF" and unicodedata.category(c) in ("Mn", "Me") for c in text)
    return len(text) + wide - marks - both


def on_terminal(*arguments: str, width: int = 80, **environment: str) -> str:
    """What a command shows on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    known = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    started = subprocess.Popen(
        [sys.executable, "-m", "scenrun", *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**known, **environment}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    out = b""
    while data := _read(ours):
        out += data
    started.wait()
    os.close(ours)
    return out.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
