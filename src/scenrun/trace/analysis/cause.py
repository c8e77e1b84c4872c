"""What let a thread go on: a line of another thread."""

from __future__ import annotations

from dataclasses import dataclass

from scenrun.trace.analysis.reading import Event


@dataclass(frozen=True, slots=True)
class Cause:
    """The line of a thread that let another one go on."""

    thread: str
    at_s: float
    seq: int
    line: int | None = None
    """Where in the file."""

    @classmethod
    def of(cls, event: Event) -> Cause:
        """The cause that a line is."""
        return cls(event["thread"], event["elapsed_s"], event["seq"], event.get("line"))
