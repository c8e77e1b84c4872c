"""A job as the server hands it on, and how it tells what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

Tell = Callable[[dict[str, Any]], None]
"""Takes one message: its `kind`, and what it says."""


class Wanted(TypedDict, total=False):
    """A job. Whatever comes from a page has been checked by the server."""

    do: str
    text: str
    """The scenario."""
    file: str
    """The scenario's path, which a schedule names."""
    allow_python: bool
    """Whether the scenario may use the author's Python."""
    overrides: dict[str, Any]
    """Values by dotted path."""
    taken: list[int]
    """The numbers of the options that were taken in a play, from 0."""
    schedule: str
    """A schedule that was kept, as JSON."""
    path: str
    """What a sweep varies."""
    over: str
    """The values that it takes: `1..8`, or a list `1, 2, 5`."""
    how: str
    """How a sweep runs its cells: `simulate`, `run` or `explore`."""
    scratch: str
    """The folder for what is made on the way; whoever began the job removes it."""
    log: str
    """The file that a run writes its log to, and what watches it reads."""
