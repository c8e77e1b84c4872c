"""What a primitive's file says of it: its operations, who frees whom, what can be asked, and the events of the log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a step can do to an object."""

    name: str
    parameters: tuple[str, ...] = ()
    """Its arguments, in order."""
    freed_by: tuple[str, ...] = ()
    """The operations on the same object that may let a thread go on which waits in this one; none: it never waits."""
    writes: bool = True
    """False where it only looks at the object."""
    about: str | None = None
    """The event that says it is about to be done; None where it is over at once."""
    done: str | None = None
    """The event that says it has been done."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object that threads share."""

    name: str
    operations: tuple[Operation, ...]
    questions: tuple[str, ...] = ()
    """What an expression may ask, under the names that Python's object has."""
    attributes: tuple[str, ...] = ()
    """The questions that are attributes in Python, asked without a call."""
    noun: str = ""
    """The first word of its events, where that is not its name."""

    def operation(self, name: str) -> Operation | None:
        """The operation of that name, or None where this kind has none."""
        return next((o for o in self.operations if o.name == name), None)
