"""What a state of the model is made of; all of it is immutable, so a state can be kept and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from scenrun.errors import Fault
from scenrun.program.ir import Instruction

BEGINNING, ENDED, LEAVING = -1, -2, -3
"""Where a thread is before its first instruction, after its last, and when a fault is about to leave it."""


class _Unset:
    """A register without a value."""

    def __repr__(self) -> str:
        return "unset"


UNSET = _Unset()


@dataclass(frozen=True, slots=True)
class Handle:
    """A thread or future as a value of the scenario: the slots of its cell and of its pool's."""

    slots: tuple[int, ...]
    name: str

    @property
    def kind(self) -> str:
        """`future`, or `spawned` for a thread."""
        return "future" if len(self.slots) > 1 else "spawned"

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Who:
    """What never changes of a thread."""

    name: str
    group: str
    index: int
    code: int
    daemon: bool = False
    endless: bool = False
    slots: tuple[int, ...] = ()
    """Its own cell, which others join, and for a task that of its pool; main has none."""
    kind: str | None = None
    """The kind of its own cell: thread, task, timer, spawned or future."""


class Thread(NamedTuple):
    """One thread: where it is, and what it has in its registers."""

    who: Who
    pc: int
    """The instruction that it does next; those of its own have been done already."""
    registers: tuple[Any, ...]
    draws: int = 0
    """How often it has drawn at random."""
    phase: int = 0
    slots: tuple[int, ...] = ()
    """The cells of the operation that it does next."""
    arguments: tuple[Any, ...] = ()
    memo: Any = None
    """What the operation's phase before left for the next one."""
    fault: Fault | None = None
    """The fault that is being handled; of a thread that has ended, the one that left it."""
    fault_at: Instruction | None = None
    remaining: int | None = None
    """Where the clock's order is kept: how long until its time is up, in nanoseconds."""


class State(NamedTuple):
    """Everything at one moment."""

    cells: tuple[Any, ...]
    threads: tuple[Thread, ...]
    broken: tuple[int, ...] = ()
    """The `always` expectations, by number, that did not hold in some state so far."""
