"""The cause of a thread's progress: the log line of the thread that released or started it."""

from __future__ import annotations

from dataclasses import dataclass

from scenrun.trace.analysis.reading import Event


@dataclass(frozen=True, slots=True)
class Cause:
    """A log line of one thread that let another thread go on."""

    thread: str
    at_s: float
    seq: int
    line: int | None = None
    """The line in the scenario file."""

    @classmethod
    def of(cls, event: Event) -> Cause:
        """The cause that an event is."""
        return cls(event["thread"], event["elapsed_s"], event["seq"], event.get("line"))
