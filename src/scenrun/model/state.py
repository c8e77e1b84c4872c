"""The immutable data types of a state: threads, handles, and keys by which states are compared."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

from scenrun.errors import Fault
from scenrun.program.ir import Instruction
from scenrun.program.values import key

BEGINNING, ENDED, LEAVING = -1, -2, -3
"""Values of a thread's `pc` before its first instruction, after its last, and before it ends with an unhandled fault."""


class _Unset:
    """The type of the value of an unset register."""

    def __repr__(self) -> str:
        return "unset"


UNSET = _Unset()


class Handle(Struct, frozen=True):
    """A thread or future as a value of the scenario: the slots of its cell and of its pool's."""

    slots: tuple[int, ...]
    name: str

    @property
    def kind(self) -> str:
        """`future` where there is a pool's slot, otherwise `spawned`, a thread."""
        return "future" if len(self.slots) > 1 else "spawned"

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


class Who(Struct, frozen=True):
    """The identity of a thread: what never changes of it."""

    name: str
    group: str
    index: int
    code: int
    daemon: bool = False
    endless: bool = False
    slots: tuple[int, ...] = ()
    """The slots of its own cell, which other threads join, and for a task of its pool's; main has none."""
    kind: str | None = None
    """The kind of its own cell: thread, task, timer, spawned or future."""


class Thread(NamedTuple):
    """The state of one thread: its instruction, registers, and the operation that it is at."""

    who: Who
    pc: int
    """The instruction of its next step; the own instructions before it have been executed already."""
    registers: tuple[Any, ...]
    draws: int = 0
    """The number of its random draws so far."""
    phase: int = 0
    """The next phase of its operation, from 0."""
    slots: tuple[int, ...] = ()
    """The slots of the cells that its next step uses."""
    arguments: tuple[Any, ...] = ()
    memo: Any = None
    """What the previous phase of the operation left for the next one."""
    fault: Fault | None = None
    """The fault that is being handled; for a thread that has ended, the one that ended it."""
    fault_at: Instruction | None = None
    remaining: int | None = None
    """In virtual time: the time until its time-out, in nanoseconds; None without one."""
    coming: tuple[int, ...] = ()
    """How often each of the interrupts of its group may still come."""
    handler: int | None = None
    """The code of the interrupt that it runs; None where it runs its own code."""
    below: Thread | None = None
    """What the interrupt that it runs has come into: where the thread goes on afterwards."""

    @property
    def code(self) -> int:
        """The code that it runs."""
        return self.who.code if self.handler is None else self.handler


class State(NamedTuple):
    """A state of the model: the values of all cells, and all threads that have been started."""

    cells: tuple[Any, ...]
    threads: tuple[Thread, ...]
    broken: tuple[int, ...] = ()
    """The `always` expectations, by number, that did not hold in some state so far."""


class StateKeys:
    """Hashable stand-ins of states, as `key` makes them; those of threads and cells that states share are made once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}
        """By the identity of a thread or of a cell's value: it, so that the identity is not used again, and its stand-in."""

    def of(self, state: State) -> Any:
        """The stand-in of a state."""
        cells, threads = tuple(map(self._of, state.cells)), tuple(map(self._of, state.threads))
        return (cells, threads, *map(key, state[2:]))

    def _of(self, part: Any) -> Any:
        known = self._known.get(id(part))
        if known is None:
            known = self._known[id(part)] = part, key(part)
        return known[1]
