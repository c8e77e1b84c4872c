"""What a run found: the kinds of finding, the threads that it is about, and the verdict that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenrun.errors import Fault

NOBODY = "nobody (it began locked)"
"""The owner of a lock that nobody has taken."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A thread and what it waits for."""

    thread: str
    state: str
    """`blocked`, `sleeping`, `waiting` (with a deadline) or `running`."""
    operation: str | None = None
    object: str | None = None
    since_s: float | None = None
    """When it began to wait, in seconds of the run."""
    held_by: tuple[str, ...] = ()
    line: int | None = None
    step: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the log: only what is known."""
        pairs = {name: getattr(self, name) for name in self.__slots__}
        pairs["held_by"] = list(self.held_by) or None
        return {name: value for name, value in pairs.items() if value is not None}

    @property
    def waits_for_threads(self) -> bool:
        """Whether it waits for other threads to end, and so seldom is where the trouble lies."""
        return self.operation in _FOR_THREADS

    def __str__(self) -> str:
        when = f", since t = {self.since_s:.3f} s" if self.since_s is not None else ""
        where = f" (line {self.line})" if self.line else ""
        return f"{self.thread}: {self._doing()}{when}{where}"

    def _doing(self) -> str:
        """What it is doing, in words."""
        others = ", ".join(self.held_by)
        if self.operation is None:
            return self.state
        if self.operation in _FOR_THREADS:
            return f"{self.state}, {_FOR_THREADS[self.operation].format(object=self.object, others=others)}"
        if self.operation == "sleep":
            return self.state
        holder = f", held by {others}" if others else ""
        return f"{self.state} in {self.operation} of {self.object}{holder}"


_FOR_THREADS = {
    "thread.join": "waiting for {object} to end",
    "future.result": "waiting for the result of {object}",
    "pool.shutdown": "waiting for the tasks of {object} ({others})",
    "pool.worker": "waiting for a worker of {object}",
}
"""Waits for other threads, and how they are told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `kind` is a verdict's word."""

    kind: str
    message: str
    thread: str | None = None
    line: int | None = None
    step: str | None = None
    threads: tuple[Stuck, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For the log."""
        out: dict[str, Any] = {"kind": self.kind, "message": self.message}
        for name in ("thread", "line", "step"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        if self.threads:
            out["threads"] = [stuck.as_dict() for stuck in self.threads]
        return {**out, **self.details}


def kind_of_fault(type: str) -> str:
    """What a fault that leaves a thread is found as: a failed `assert` breaks what the author said must hold."""
    return "violated" if type == "AssertionError" else "exception"


def fault_left(thread: str, fault: Fault, line: int, step: str, swallowed: bool) -> Finding:
    """The finding of a fault that nobody caught; `swallowed` by a pool, as nobody asked for the result."""
    message = f"{thread} ended with {fault}"
    if swallowed:
        message += "; its pool swallowed this, as nobody asked for the result"
    details = {"type": fault.type, "text": fault.text, "swallowed": swallowed}
    return Finding(kind_of_fault(fault.type), message, thread, line, step, details=details)


@dataclass(frozen=True, slots=True)
class Checked:
    """An expectation with what was found: `holds`, `violated`, `not_reached` or `not_checked`."""

    what: str
    expression: str
    found: str
    value: Any = None
    line: int | None = None
    elsewhere: str = ""
    """Where it stands in another file than the scenario's: `FILE:LINE`."""

    def as_dict(self) -> dict[str, Any]:
        """For the log."""
        out = {"what": self.what, "expression": self.expression, "found": self.found, "line": self.line}
        if self.elsewhere:
            out["place"] = self.elsewhere
        return {**out, **({"value": self.value} if self.value is not None else {})}
