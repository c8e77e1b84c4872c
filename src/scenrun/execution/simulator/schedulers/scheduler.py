"""The interface of a scheduling policy: it holds the ready threads and chooses the one that moves."""

from __future__ import annotations

from typing import Any, Protocol


class Scheduler(Protocol):
    """Decides every choice between threads of a simulation. It knows only the ready threads, not those that wait."""

    name: str
    slice_ns: int
    """Virtual time for which a thread may go on before others get their turn, in nanoseconds; below 0: for one step."""

    wakes_all: bool
    """Whether, if only one of several waiting threads can go on, all are made ready to choose from; if not, only the first is."""

    def add(self, thread: Any) -> None:
        """Adds a ready thread."""

    def take(self) -> Any:
        """Removes and returns the thread that moves next; raises IndexError if none is ready."""

    def __len__(self) -> int:
        """The number of ready threads."""
