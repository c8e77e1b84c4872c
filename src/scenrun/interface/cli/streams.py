"""The standard streams: what is said on stderr, what is told on stdout, and what becomes of streams that are closed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Literal

from scenrun.errors import OutputError
from scenrun.printable import harmless, harmless_json


def tell(text: str, *, newline: bool = True, form: Literal["text", "json", "drawn"] = "text") -> None:
    """Text for stdout; whoever reads it may have closed it, and a disk may be full.

    No text of a file reaches a terminal raw. form: `json` stays the same JSON; what is `drawn` has colours of our own, and
    is of parts that were cleaned one by one.
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
    """A line for a person, on stderr; a closed stderr is no reason to fail."""

    with suppress(OSError, ValueError):
        print(harmless(text), file=sys.stderr, flush=True)


def open_what_is_closed() -> None:
    """A standard stream that the caller has closed is empty, or takes everything and keeps nothing.

    Otherwise the next file that is opened would get its number, and what is meant for the stream.
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
    """Nothing may be left for the interpreter to write to a pipe that was closed."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
