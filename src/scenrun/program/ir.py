"""The intermediate representation: immutable classes for a program, its cells, codes, instructions and expectations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from scenrun.errors import Problem, Source, UsageError
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.registry import is_attribute


class Cell(Struct, frozen=True):
    """A shared object, or an array of them, declared by `sync`, `state`, `threads` or a section."""

    number: int
    name: str
    kind: str
    count: int | None = None
    """The array's length, or None for a single object."""
    options: dict[str, Any] = field(default_factory=dict)
    line: int = 0

    def label(self, index: int | None) -> str:
        """The name of the object, or of one element of the array, such as `forks[0]`."""
        return self.name if self.count is None or index is None else f"{self.name}[{index}]"


class CellRef(Struct, frozen=True):
    """The object operand of an instruction: a cell, and for an array the expression of the index."""

    cell: int
    index: str | None = None


class Instruction(Struct, frozen=True):
    """One instruction: an atomic operation on a shared object, or a local instruction of the thread.

    Ops with a dot operate on shared objects (`lock.acquire`, `variable.read`) and are described in `primitives/`.
    Local instructions: `let` (into = expression), `forget` (into becomes unbound), `jump`, `branch` (falls through if the
    expression holds, else goes to `to`), `take` (into = the fault that led here), `raise`, `end`, `log`, `sleep`, `work`,
    `choose`, `deadline`, `call`, `atomic.begin` and `atomic.end`.
    """

    op: str
    target: CellRef | None = None
    lock: CellRef | None = None
    """The lock of a condition, for operations on a condition."""
    arguments: tuple[str, ...] = ()
    """Python expressions over this code's registers, in the order of the operation's parameters."""
    into: str | None = None
    to: int | None = None
    """The instruction that a `jump`, or a `branch` whose expression does not hold, goes to."""
    handler: int | None = None
    """The instruction that a fault goes to; None: the fault is uncaught and ends the thread."""
    code: int | None = None
    """The code that a started thread, task or timer runs."""
    options: tuple[tuple[str, Any], ...] = ()
    line: int = 0
    step: str = ""
    """The step in the file, such as `behaviours.update.do[2]`."""
    asks: str = ""
    """For the branch of an `if` or a `while`: the condition in the words of the file, which counterexamples show."""

    def option(self, name: str, default: Any = None) -> Any:
        """An option of this instruction: a constant by name."""
        return dict(self.options).get(name, default)


class Code(Struct, frozen=True):
    """The instructions of main, or of the threads that run the same steps."""

    number: int
    name: str
    instructions: tuple[Instruction, ...]
    parameters: tuple[str, ...] = ()
    """The registers that the starting thread fills in."""
    locals: tuple[tuple[str, str], ...] = ()
    """Pairs of a register and the file's name for it."""


class Group(Struct, frozen=True):
    """A group of threads, or of tasks of a pool, that the file declares."""

    name: str
    cell: int
    code: int
    count: int | None
    """The number of replicas; None for a single thread, whose name has no index."""
    daemon: bool
    pool: int | None
    endless: bool
    line: int

    def member(self, index: int) -> str:
        """The name of the replica `index`."""
        return self.name if self.count is None else f"{self.name}[{index}]"


class Interrupt(Struct, frozen=True):
    """Code that comes at any moment between two steps of a thread, on the thread's own stack, at most so many times."""

    code: int
    group: str
    """The group of threads that it comes in, each for itself; `main` for main."""
    target: str
    times: int
    line: int


class Probe(Struct, frozen=True):
    """One read of an observation: the value of a variable, or a question about an object, into a register."""

    register: str
    op: str
    target: CellRef


class Observation(Struct, frozen=True):
    """An expression over the shared state, such as an expectation: its probes, and Python over their registers."""

    source: str
    text: str
    probes: tuple[Probe, ...]
    line: int | None
    """Its line in the scenario's file."""
    elsewhere: str = ""
    """Its place in another file, a teacher's: `FILE:LINE`."""
    is_reached: bool = False
    """Whether it is to hold at some moment: what is watched is that it does not."""

    @property
    def cells(self) -> frozenset[int]:
        """The cells that its probes read."""
        return frozenset(probe.target.cell for probe in self.probes)

    def of_parts(self, cells: Sequence[Cell]) -> Observation:
        """An observation with the same probes, whose value maps the file's text of each probe to what it read."""
        parts = ", ".join(f"{_called(probe, cells)}: {probe.register}" for probe in self.probes)
        return replace(self, source=f"{{{parts}}}", is_reached=False)


class Liveness(Struct, frozen=True):
    """What comes to hold: `then`, at the moment at which `when` holds or later; where there is no `when`, at some moment."""

    then: Observation
    when: Observation | None = None

    @property
    def what(self) -> str:
        """The key of `expect` that it stands under."""
        return "eventually" if self.when is None else "leads_to"

    @property
    def text(self) -> str:
        """It in the file's words: `eventually done`, `asked leads to answered`."""
        return f"eventually {self.then.text}" if self.when is None else f"{self.when.text} leads to {self.then.text}"

    @property
    def parts(self) -> tuple[Observation, ...]:
        """Its expressions."""
        return (self.then,) if self.when is None else (self.when, self.then)


def _called(probe: Probe, cells: Sequence[Cell]) -> str:
    """An expression for the file's text of a probe; an expression, as the index may be known only when it is evaluated."""
    name, index = cells[probe.target.cell].name, probe.target.index
    kind, _, asked = probe.op.partition(".")
    if probe.op == "variable.read":
        return repr(name)
    if kind == "section":
        return repr(f"inside('{name}')")
    question = f".{asked}" if is_attribute(probe.op) else f".{asked}()"
    return repr(name + question) if index is None else f"{name + '['!r} + str({index}) + {']' + question!r}"


class Expectations(Struct, frozen=True):
    """The compiled `expect` section of a scenario."""

    final: tuple[Observation, ...] = ()
    always: tuple[Observation, ...] = ()
    observe: tuple[Observation, ...] = ()
    reach: tuple[Observation, ...] = ()
    liveness: tuple[Liveness, ...] = ()
    allowed: tuple[tuple[Any, ...], ...] | None = None
    required: tuple[tuple[Any, ...], ...] | None = None
    forbidden: tuple[tuple[Any, ...], ...] | None = None
    race_never: bool = False
    linearizable: tuple[Linearizable, ...] = ()
    verdicts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def verdict(self, way: str) -> tuple[str, ...]:
        """The expected verdicts of `run`, `simulate`, `explore` or `virtual`, whichever `way` is.

        A search in virtual time is to find what any search is, unless the file says otherwise.
        """
        otherwise = self.verdict("explore") if way == "virtual" else ("holds",)
        return self.verdicts.get(way, otherwise)


class Linearizable(Struct, frozen=True):
    """An object of the author's whose calls are explained by an order, one after another."""

    object: str
    spec: str | None = None
    """The class that says what is right; None: the object's own."""
    line: int | None = None


class PythonObject(Struct, frozen=True):
    """A Python object of the author that the threads share, created anew for each run."""

    name: str
    python: str
    """The callable that creates it: `package.module:Class`, or a function."""
    args: dict[str, Any]
    line: int


class Program(Struct, frozen=True, dict=True):
    """A compiled scenario; `codes[0]` is the code of the main thread."""

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
    log_is_flat: bool
    """Whether the author's fields stand beside the line's own."""
    costs: dict[str, int]
    lock_of: dict[int, int] = field(default_factory=dict)
    """The cell of a condition's lock, by the condition's cell."""
    overrides: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    objects: tuple[PythonObject, ...] = ()
    any_number: tuple[str, ...] = ()
    """The groups with `count: any`, which are compiled with one replica."""
    interrupts: tuple[Interrupt, ...] = ()
    """The code that comes at any moment."""
    warnings: tuple[Problem, ...] = ()
    """What may be a mistake of its file, such as an object that nobody uses."""

    @cached_property
    def digest(self) -> str:
        """A hash of the compiled program, the same for files that differ only in comments and layout."""
        parts = [repr((c.name, c.kind, c.count, sorted(c.options.items(), key=str))) for c in self.cells]
        parts += [repr((made.name, made.python, made.args)) for made in self.objects]
        parts += [repr((one.code, one.group, one.times)) for one in self.interrupts]
        for code in self.codes:
            parts.append(code.name)
            parts += [
                repr((i.op, i.target, i.lock, i.arguments, i.into, i.to, i.handler, i.code, i.options, i.step))
                for i in code.instructions
            ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def interrupts_of(self, group: str) -> tuple[Interrupt, ...]:
        """What may come in the threads of a group."""
        return tuple(one for one in self.interrupts if one.group == group)

    def interrupt_at(self, path: str) -> Interrupt:
        """The interrupt at a place in the file."""
        return next(one for one in self.interrupts if self.path_of(one) == path)

    def path_of(self, interrupt: Interrupt) -> str:
        """The place of an interrupt in the file: `interrupts[0]`."""
        return f"interrupts[{self.interrupts.index(interrupt)}]"

    @property
    def log_options(self) -> dict[str, Any]:
        """What the author has added to the lines that steps log, as options of their recorder."""
        return {"fields": self.log_fields, "flat": self.log_is_flat}

    @cached_property
    def has_daemons(self) -> bool:
        """Whether a group or a spawned thread is a daemon."""
        spawns = (i.option("daemon") for code in self.codes for i in code.instructions)
        return any(group.daemon for group in self.groups) or any(spawns)

    @cached_property
    def reads_clock(self) -> int | None:
        """The line of a step that reads the clock; None where no step does, and 0 where the line is not known."""
        reading = (i.line for code in self.codes for i in code.instructions if i.op == READ)
        return next(reading, None)

    def refuse_clock(self, what: str) -> None:
        """Raise UsageError where a step reads the clock, for `what`, which leaves time free."""
        if self.reads_clock is not None:
            raise UsageError(
                f"line {self.reads_clock} reads the clock with `now()`, which has no value where time is free, as in {what}"
            )

    @cached_property
    def queues_shut_down(self) -> dict[int, int]:
        """The line of the first step that shuts it down, for each cell of a queue that some step shuts down."""
        found: dict[int, int] = {}
        for i in (i for code in self.codes for i in code.instructions if i.op == "queue.shutdown"):
            if i.target is not None:
                found.setdefault(i.target.cell, i.line)
        return found

    @cached_property
    def pools_shut_at_exit(self) -> frozenset[int]:
        """The cells of pools that threads other than main may submit to, which refuse tasks once main has ended."""
        handed = (
            i.target.cell if i.op == "pool.submit" else self.group_of_cell(i.target.cell).pool
            for code in self.codes[1:]
            for i in code.instructions
            if i.target is not None and i.op in ("pool.submit", "task.start")
        )
        return frozenset(cell for cell in handed if cell is not None)

    def group_of_cell(self, cell: int) -> Group:
        """The group whose cell has this number."""
        return next(group for group in self.groups if group.cell == cell)
