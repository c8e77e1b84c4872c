"""What a run found: the kinds of finding, the threads that it is about, and the verdict that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Stuck:
    """A thread and what it waits for."""

    thread: str
    state: str
    """`blocked`, `sleeping`, `working`, `waiting` (with a deadline) or `running`."""
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

    def __str__(self) -> str:
        if self.operation is None:
            return f"{self.thread}: {self.state}" + (f" (line {self.line})" if self.line else "")
        text = f"{self.thread}: {self.state} in {self.operation}"
        if self.object:
            text += f" of {self.object}"
        if self.held_by:
            text += f", which is held by {', '.join(self.held_by)}" if "acquire" in self.operation else f" ({', '.join(self.held_by)})"
        if self.since_s is not None:
            text += f", since {self.since_s:.3f} s"
        return text + (f" (line {self.line})" if self.line else "")


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


@dataclass(frozen=True, slots=True)
class Checked:
    """An expectation with what was found: `holds`, `violated`, `not_reached` or `not_checked`."""

    what: str
    expression: str
    found: str
    value: Any = None
    line: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the log."""
        out = {"what": self.what, "expression": self.expression, "found": self.found, "line": self.line}
        return {**out, **({"value": self.value} if self.value is not None else {})}
