"""What a scheduler is: it keeps the threads that could move, and says which one does."""

from __future__ import annotations

from typing import Any, Protocol


class Scheduler(Protocol):
    """Decides every choice of a simulation. Whoever waits is not known to it."""

    name: str
    slice_ns: int
    """How long a thread may go on in virtual time before others get their turn; below 0: for one step."""

    wakes_all: bool
    """Whether all who could have what one of them gets are to be chosen from; if not, the one who came first is."""

    def add(self, thread: Any) -> None:
        """This thread could move."""

    def take(self) -> Any:
        """The thread that moves next, which is forgotten; IndexError if there is none."""

    def __len__(self) -> int:
        """How many could move."""
