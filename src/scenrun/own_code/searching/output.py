"""What the code that is searched prints: each of thousands of schedules would print it again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


class Nowhere(io.TextIOBase):
    """A file in which nothing is kept."""

    encoding = "utf-8"

    def writable(self) -> bool:
        """Anything may be written."""
        return True

    def write(self, text: str) -> int:
        """Take a text, and forget it."""
        return len(text)


@contextmanager
def silent() -> Iterator[None]:
    """Runs the body while what is printed goes nowhere."""
    with redirect_stdout(Nowhere()), redirect_stderr(Nowhere()):
        yield
