"""What runs in one execution of code, and the ways in which that cannot go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Body(NamedTuple):
    """What the threads of one execution do, made of fresh modules."""

    setup: Callable[[], Any]
    """Makes what the threads share; called before there are threads."""
    threads: Sequence[tuple[str, Callable[[Any], object]]]
    """Each thread by name; called with what the setup returned."""
    check: Callable[[Any], object] | None = None
    """Called after all threads have ended; must not return False or raise."""
    announce_ends: bool = True
    """Whether the end of each of these threads is a step."""


class Marked(Exception):
    """There are more steps than a search of all schedules began with: it must begin anew."""


class Different(LookupError):
    """The code does something else each time: the same steps have led to something else before."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(f"the code does something else each time it is run with the same steps: at step {at}, {why}")
