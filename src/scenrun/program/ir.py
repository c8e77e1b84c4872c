"""The compiled form of a scenario: flat instructions, each with its place in the file; nothing here is ever changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from scenrun.errors import Source
from scenrun.program.primitives.registry import is_attribute


@dataclass(frozen=True, slots=True)
class Cell:
    """A shared object, or an array of them: what `sync`, `state`, `threads` and sections declare."""

    number: int
    name: str
    kind: str
    count: int | None = None
    """The array's length, or None for a single object."""
    options: dict[str, Any] = field(default_factory=dict)
    line: int = 0

    def label(self, index: int | None) -> str:
        """The name of the object, or of one of the array."""
        return self.name if self.count is None or index is None else f"{self.name}[{index}]"


@dataclass(frozen=True, slots=True)
class CellRef:
    """The object that an instruction acts on: a cell, and for an array the expression of the index."""

    cell: int
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One atomic action, or one move of the thread's own.

    Ops with a dot act on shared objects (`lock.acquire`, `variable.read`) and are described in `primitives/`.
    The thread's own: `let` (into = expression), `forget` (into has no value any more), `jump`, `branch` (on to the next
    if the expression holds, else `to`), `take` (into = the fault that led here), `raise`, `end`, `log`, `sleep`, `work`,
    `choose`, `deadline`, `call`, `atomic.begin` and `atomic.end`.
    """

    op: str
    target: CellRef | None = None
    lock: CellRef | None = None
    """For a condition's operations: its lock."""
    arguments: tuple[str, ...] = ()
    """Python expressions over this code's registers, in the order of the operation's parameters."""
    into: str | None = None
    to: int | None = None
    """Where a `jump` or a failed `branch` leads."""
    handler: int | None = None
    """Where a fault leads; None: it leaves the thread."""
    code: int | None = None
    """The code that a started thread, task or timer runs."""
    options: tuple[tuple[str, Any], ...] = ()
    line: int = 0
    step: str = ""
    """The step in the file, such as `behaviours.update.do[2]`."""

    def option(self, name: str, default: Any = None) -> Any:
        """A constant of this instruction."""
        return dict(self.options).get(name, default)


@dataclass(frozen=True, slots=True)
class Code:
    """The instructions of one kind of thread."""

    number: int
    name: str
    instructions: tuple[Instruction, ...]
    parameters: tuple[str, ...] = ()
    """Registers that whoever starts it fills in."""
    locals: tuple[tuple[str, str], ...] = ()
    """Registers and the names that the file has for them."""


@dataclass(frozen=True, slots=True)
class Group:
    """Threads, or tasks of a pool, that are declared in the file."""

    name: str
    cell: int
    code: int
    count: int | None
    """The number of replicas, or None for a single thread, which is called by its name."""
    daemon: bool
    pool: int | None
    endless: bool
    line: int

    def member(self, index: int) -> str:
        """The name of one of its threads."""
        return self.name if self.count is None else f"{self.name}[{index}]"


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at the shared state: a variable's value or the answer to a question."""

    register: str
    op: str
    target: CellRef


@dataclass(frozen=True, slots=True)
class Observation:
    """An expression over the shared state as a whole, such as an expectation."""

    source: str
    text: str
    probes: tuple[Probe, ...]
    line: int | None
    """Where it stands in the scenario's file."""
    elsewhere: str = ""
    """Where it stands in another file, a teacher's: `FILE:LINE`."""

    @property
    def cells(self) -> frozenset[int]:
        """The cells that it looks at."""
        return frozenset(probe.target.cell for probe in self.probes)

    def of_parts(self, cells: Sequence[Cell]) -> Observation:
        """The same look, which gives what it saw of each part instead: a mapping by what the file calls it."""
        parts = ", ".join(f"{_called(probe, cells)}: {probe.register}" for probe in self.probes)
        return replace(self, source=f"{{{parts}}}")


def _called(probe: Probe, cells: Sequence[Cell]) -> str:
    """What the file calls what a probe looks at, as an expression: an index may be known only when it looks."""
    name, index = cells[probe.target.cell].name, probe.target.index
    kind, _, asked = probe.op.partition(".")
    if probe.op == "variable.read":
        return repr(name)
    if kind == "section":
        return repr(f"inside('{name}')")
    question = f".{asked}" if is_attribute(probe.op) else f".{asked}()"
    return repr(name + question) if index is None else f"{name + '['!r} + str({index}) + {']' + question!r}"


@dataclass(frozen=True, slots=True)
class Expectations:
    """What must hold, ready to be looked at."""

    final: tuple[Observation, ...] = ()
    always: tuple[Observation, ...] = ()
    observe: tuple[Observation, ...] = ()
    allowed: tuple[tuple[Any, ...], ...] | None = None
    required: tuple[tuple[Any, ...], ...] | None = None
    forbidden: tuple[tuple[Any, ...], ...] | None = None
    race_never: bool = False
    verdicts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def verdict(self, way: str) -> tuple[str, ...]:
        """The verdicts that are as expected for `run`, `simulate` or `explore`."""
        return self.verdicts.get(way, ("holds",))


@dataclass(frozen=True, slots=True)
class PythonObject:
    """An object of the user's that threads share: made anew for each run."""

    name: str
    python: str
    """`package.module:Class`, or anything else that makes it when it is called."""
    args: dict[str, Any]
    line: int


@dataclass(frozen=True)
class Program:
    """A scenario, compiled. `codes[0]` is main's."""

    name: str
    source: Source
    seed: int
    cells: tuple[Cell, ...]
    codes: tuple[Code, ...]
    groups: tuple[Group, ...]
    expectations: Expectations
    time_limit_ns: int
    step_limit: int | None
    log_fields: dict[str, Any]
    costs: dict[str, int]
    lock_of: dict[int, int] = field(default_factory=dict)
    """The cell of each condition's lock."""
    overrides: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    objects: tuple[PythonObject, ...] = ()

    @cached_property
    def digest(self) -> str:
        """A fingerprint of the lowered program: the same for files that differ only in comments and layout."""
        parts = [repr((c.name, c.kind, c.count, sorted(c.options.items(), key=str))) for c in self.cells]
        parts += [repr((made.name, made.python, made.args)) for made in self.objects]
        for code in self.codes:
            parts.append(code.name)
            parts += [
                repr((i.op, i.target, i.lock, i.arguments, i.into, i.to, i.handler, i.code, i.options, i.step))
                for i in code.instructions
            ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def has_daemons(self) -> bool:
        """Whether there may be daemon threads."""
        spawns = (i.option("daemon") for code in self.codes for i in code.instructions)
        return any(group.daemon for group in self.groups) or any(spawns)

    @cached_property
    def pools_shut_at_exit(self) -> frozenset[int]:
        """The cells of pools to which others than main may hand tasks, also when main has ended: they are refused then."""
        handed = (
            i.target.cell if i.op == "pool.submit" else self.group_of_cell(i.target.cell).pool
            for code in self.codes[1:]
            for i in code.instructions
            if i.target is not None and i.op in ("pool.submit", "task.start")
        )
        return frozenset(cell for cell in handed if cell is not None)

    def group_of_cell(self, cell: int) -> Group:
        """The thread group that a cell stands for."""
        return next(group for group in self.groups if group.cell == cell)
