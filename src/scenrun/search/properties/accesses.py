"""Accesses of steps to shared variables, the races between them, and a machine that records the accesses of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scenrun.model.machine import Machine, Transition
from scenrun.model.prepared_code import Environment, Node
from scenrun.model.state import State, Thread
from scenrun.program.ir import Instruction
from scenrun.program.primitives.kinds import Outcome
from scenrun.program.primitives.registry import operation
from scenrun.search.properties.lock_holders import Holders


class Touch(NamedTuple):
    """One read or write of one variable."""

    slot: int
    writes: bool
    line: int
    step: str
    item: int | str | None = None
    """For a write into a list or mapping, the index or key written; None where it is, or may be, the whole."""

    @property
    def place(self) -> tuple[str, int, bool]:
        """The access without its variable."""
        return self.step, self.line, self.writes

    def conflicts(self, other: Touch) -> bool:
        """Whether the order of the two matters: same variable, at least one write, and not two writes into different items."""
        if self.slot != other.slot or not (self.writes or other.writes):
            return False
        return not (self._is_of_its_own(self.item, other.item) and self.writes and other.writes)

    @staticmethod
    def _is_of_its_own(item: int | str | None, other: int | str | None) -> bool:
        if isinstance(item, int) and isinstance(other, int):
            return item != other and (item < 0) == (other < 0)  # an index from the end may denote the same item
        return isinstance(item, str) and isinstance(other, str) and item != other


@dataclass(frozen=True, slots=True)
class Access:
    """One side of a race."""

    thread: str
    line: int
    step: str
    writes: bool
    locks: tuple[str, ...] = ()
    """The names of the locks that the thread holds at the access."""

    @property
    def place(self) -> tuple[str, int, bool]:
        """The access without its thread."""
        return self.step, self.line, self.writes

    def sentence(self) -> str:
        """Such as `t writes it at line 5 (holding a)`."""
        held = f"holding {', '.join(self.locks)}" if self.locks else "holding no lock"
        return f"{self.thread} {'writes' if self.writes else 'reads'} it at line {self.line} ({held})"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "thread": self.thread, "line": self.line, "step": self.step,
            "writes": self.writes, "locks": list(self.locks),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Race:
    """Two unordered accesses to one variable by two threads, at least one of them a write."""

    variable: str
    first: Access
    second: Access
    state: int | None = field(default=None, compare=False)
    """In a state search: the first visited packed state in which both accesses can come next."""
    at: int | None = field(default=None, compare=False)
    """In an execution: the number, from 0, of the transition that makes the second access."""

    @property
    def pair(self) -> tuple[Any, ...]:
        """The identity under which a race is reported once: the variable and both accesses without their threads."""
        return (self.variable, *sorted((self.first.place, self.second.place)))

    def sentence(self) -> str:
        """The race as a sentence."""
        both = f"{self.first.sentence()} and {self.second.sentence()}"
        return f"Data race on {self.variable}: {both}, and nothing orders the two."

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"variable": self.variable, "first": self.first.as_dict(), "second": self.second.as_dict()}


def accessed(thread: Thread, touch: Touch, locks: Sequence[str] = ()) -> Access:
    """A touch as an access of a thread, for a report."""
    return Access(thread.who.name, touch.line, touch.step, touch.writes, tuple(locks))


class Watching(Machine):
    """A machine that records its last step's outcome and accesses to variables."""

    outcome: Outcome
    touched: list[Touch]
    _is_inside: bool

    @classmethod
    def over(cls, machine: Machine) -> Watching:
        """A recording copy of a machine."""
        made = cls.__new__(cls)
        made.__dict__.update(machine.__dict__)
        made.outcome, made.touched, made._is_inside = None, [], False
        return made

    def step(self, state: State, transition: Transition) -> State | None:
        """The state after a transition; None where it is not enabled."""
        self.touched = list(touches_of(self, state.threads[transition.thread]))
        return super().step(state, transition)

    def _outcome(self, state: State, transition: Transition, thread: Thread) -> Outcome:
        self.outcome = super()._outcome(state, transition, thread)
        return self.outcome

    def _at_once(self, node: Node, registers: list[Any], environment: Environment, cells: list[Any]) -> None:
        self._is_inside = True
        try:
            super()._at_once(node, registers, environment, cells)
        finally:
            self._is_inside = False

    def _named(
        self, thread: Thread, node: Node, registers: list[Any], environment: Environment
    ) -> tuple[tuple[int, ...], tuple[Any, ...]]:
        slots, arguments = super()._named(thread, node, registers, environment)
        if self._is_inside:
            self.touched += [_touch(slot, node.instruction, arguments) for slot in slots]
        return slots, arguments


def touches_of(machine: Machine, thread: Thread) -> tuple[Touch, ...]:
    """The accesses of a thread's next step, without those inside an `atomic`."""
    node = machine.node_of(thread)
    if node is None or not node.instruction.op.startswith("variable."):
        return ()
    return tuple([_touch(slot, node.instruction, thread.arguments) for slot in thread.slots])


def begins_atomic(machine: Machine, thread: Thread) -> bool:
    """Whether a thread's next step is an `atomic`, which is executed as one step."""
    node = machine.node_of(thread)
    return node is not None and node.instruction.op == "atomic.begin"


def _touch(slot: int, instruction: Instruction, arguments: tuple[Any, ...]) -> Touch:
    known = operation(instruction.op)
    assert known is not None
    path = dict(zip(known.parameters, arguments, strict=True)).get("path")
    item = path[0] if path and isinstance(path[0], int | str) else None
    return Touch(slot, known.writes, instruction.line, instruction.step, item)


def locks_of(holders: Holders, thread: str) -> tuple[str, ...]:
    """The names of the locks that a thread holds, without semaphores that start at 0, whose permits are signals."""
    slots = holders.machine.slots
    messages = {
        slots.label(slot)
        for slot, (cell, _) in enumerate(slots.cells)
        if "semaphore" in cell.kind and not cell.options["value"]
    }
    return tuple(name for name in holders.held(thread) if name not in messages)
