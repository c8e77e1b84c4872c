"""The data of a run's findings: the finding itself, the threads stuck in it, and checked expectations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenrun.errors import Fault
from scenrun.program.primitives.registry import is_for_threads, told, waiting

REACH = "reach"
"""What `expect.reach` is called in findings, results and schedules."""
LINEARIZABLE = "linearizable"
"""What a finding is about where no order of calls explains what they came to; after a colon, of what they are."""
NOBODY = "nobody (it began locked)"
"""The owner that is shown of a lock that is locked from the beginning."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The state of a thread in a finding: the operation and object that it waits for, and the holders."""

    thread: str
    state: str
    """`blocked`, `sleeping`, `waiting` (with a deadline) or `running`."""
    operation: str | None = None
    object: str | None = None
    since_s: float | None = None
    """When it began to wait, in seconds since the start of the run."""
    held_by: tuple[str, ...] = ()
    line: int | None = None
    step: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields for the log, without those that are not known."""
        pairs = {name: getattr(self, name) for name in self.__slots__}
        pairs["held_by"] = list(self.held_by) or None
        pairs["operation"] = self.operation and told(self.operation)
        return {name: value for name, value in pairs.items() if value is not None}

    @property
    def waits_for_threads(self) -> bool:
        """Whether it waits for other threads to end, and so is seldom the cause of a deadlock."""
        return is_for_threads(self.operation or "")

    def __str__(self) -> str:
        when = f", since t = {self.since_s:.3f} s" if self.since_s is not None else ""
        where = f" (line {self.line})" if self.line else ""
        return f"{self.thread}: {self._doing()}{when}{where}"

    def _doing(self) -> str:
        """The state, operation, object and holders in words."""
        others = ", ".join(self.held_by)
        if self.operation is None:
            return self.state if self.object is None else f"{self.state}, about to {self.object}"
        if is_for_threads(self.operation):
            more = f" ({others})" if self.operation == "pool.shutdown" else ""
            return f"{self.state}, {waiting(self.operation, str(self.object)).replace('waits', 'waiting', 1)}{more}"
        if self.operation == "sleep":
            return self.state
        holder = f", held by {others}" if others else ""
        return f"{self.state} in {told(self.operation)} of {self.object}{holder}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a run; `kind` is one of the verdicts."""

    kind: str
    message: str
    thread: str | None = None
    line: int | None = None
    step: str | None = None
    threads: tuple[Stuck, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The fields for the log."""
        out: dict[str, Any] = {"kind": self.kind, "message": self.message}
        for name in ("thread", "line", "step"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        if self.threads:
            out["threads"] = [stuck.as_dict() for stuck in self.threads]
        return {**out, **self.details}


def kind_of_fault(type: str) -> str:
    """The kind of finding of an uncaught fault: `violated` for a failed `assert`, as it is a broken expectation."""
    return "violated" if type == "AssertionError" else "exception"


def fault_left(thread: str, fault: Fault, line: int, step: str, swallowed: bool) -> Finding:
    """The finding of an uncaught fault; `swallowed`: it ended a pool's task whose result was never fetched."""
    message = f"{thread} ended with {fault}"
    if swallowed:
        message += "; its pool swallowed this, as nobody asked for the result"
    details = {"type": fault.type, "text": fault.text, "swallowed": swallowed}
    return Finding(kind_of_fault(fault.type), message, thread, line, step, details=details)


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked expectation; `found` is `holds`, `violated`, `not_reached` or `not_checked`."""

    what: str
    expression: str
    found: str
    value: Any = None
    line: int | None = None
    elsewhere: str = ""
    """Its place, `FILE:LINE`, where that is in another file than the scenario's."""

    def as_dict(self) -> dict[str, Any]:
        """The fields for the log."""
        out = {"what": self.what, "expression": self.expression, "found": self.found, "line": self.line}
        if self.elsewhere:
            out["place"] = self.elsewhere
        return {**out, **({"value": self.value} if self.value is not None else {})}
