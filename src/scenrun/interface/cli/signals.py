"""SIGINT and SIGTERM: the first one ends a command well, with what it has until then; a second one ends the process at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any


class Signals:
    """The signal that has come while a command runs in this context; leaving it restores the previous handlers.

    leave: called with the exit status when a second one comes; `os._exit` waits for no thread, `sys.exit` ends what the
    command has begun.
    """

    def __init__(self, leave: Callable[[int], object] = os._exit) -> None:
        self.number: int | None = None
        self.names: list[str] = []
        """The name of the signal, once it has come: a simulation looks into this list wherever its threads loop."""
        self._leave = leave
        self._before: dict[int, Any] = {}

    @property
    def name(self) -> str | None:
        """The name of the signal, or None if none has come."""
        return self.names[0] if self.names else None

    @property
    def status(self) -> int | None:
        """The exit status that the signal asks for."""
        return None if self.number is None else 128 + self.number

    def _note(self, number: int, _: Any) -> None:
        if self.number is not None:
            self._leave(128 + number)
        self.number = number
        self.names.append(signal.Signals(number).name)

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
