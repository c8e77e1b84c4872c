"""The standard streams: writes results to stdout and messages to stderr, and handles closed streams."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from scenrun.errors import OutputError
from scenrun.printable import harmless, harmless_json

PROGRESS_S, PROGRESS_ELSEWHERE_S = 0.2, 10.0
"""Seconds between two lines of progress of a search of code: on a terminal, and where stderr is none."""


def tell(text: str, *, newline: bool = True, form: Literal["text", "json", "drawn"] = "text") -> None:
    """Writes text to stdout. Raises BrokenPipeError if its reader has closed it, OutputError if it cannot be written.

    Text of files is cleaned of control characters. form: `json` stays the same JSON; `drawn` text has colours of scenrun's
    own, and consists of parts that are clean already.
    """

    if form != "drawn":
        text = (harmless_json if form == "json" else harmless)(text)
    try:
        sys.stdout.write(text + "\n" * newline)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write to stdout: {getattr(error, 'strerror', error)}", midway=True) from None


def say(text: str) -> None:
    """Prints a message on stderr; a closed stderr is ignored."""

    with suppress(OSError, ValueError):
        print(harmless(text), file=sys.stderr, flush=True)


class Progress:
    """A line on stderr that says how far a command is, if a person watches it."""

    def __init__(self, *, quiet: bool, every_s: float = 0.0, elsewhere_s: float | None = None) -> None:
        """every_s: the seconds between two lines. elsewhere_s: the same where stderr is no terminal; None: no lines there."""
        self._is_shown = sys.stderr.isatty() and not quiet
        self._is_written = elsewhere_s is not None and not (sys.stderr.isatty() or quiet)
        self._every_s = elsewhere_s if self._is_written and elsewhere_s is not None else every_s
        self._shown = time.monotonic()

    def show(self, line: Callable[[], str]) -> None:
        """Replaces the line, unless less than `every_s` seconds have passed since."""
        now = time.monotonic()
        if now - self._shown < self._every_s:
            return
        if self._is_written:
            self._shown = now
            say(line())
        if self._is_shown:
            self._shown = now
            width = shutil.get_terminal_size((80, 24)).columns - 1
            print(f"\r\x1b[K{line()[:width]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the line away."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def has_colour() -> bool:
    """Whether stdout is a terminal whose user has not asked for text without colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def open_what_is_closed() -> None:
    """Opens closed standard streams on the null device.

    Otherwise the next file that is opened would get the descriptor of the stream, and its output.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def close_stdout() -> None:
    """Flushes stdout; if its pipe is closed, redirects it, so that the interpreter's own flush at exit does not fail."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
