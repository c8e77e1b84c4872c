"""What a step does to shared variables, and a machine that tells: the terms in which races are found and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scenrun.model.codes import Environment, Node
from scenrun.model.machine import Machine, Transition
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
    """For a write into a list or mapping: into which part of it; None where it is, or may be, the whole."""

    def conflicts(self, other: Touch) -> bool:
        """Whether the order of the two matters: a write into one item leaves the others as they are."""
        if self.slot != other.slot or not (self.writes or other.writes):
            return False
        return not (self._is_of_its_own(self.item, other.item) and self.writes and other.writes)

    @staticmethod
    def _is_of_its_own(item: int | str | None, other: int | str | None) -> bool:
        if isinstance(item, int) and isinstance(other, int):
            return item != other and (item < 0) == (other < 0)  # one from the end may be one from the beginning
        return isinstance(item, str) and isinstance(other, str) and item != other


@dataclass(frozen=True, slots=True)
class Access:
    """One side of a race."""

    thread: str
    line: int
    step: str
    writes: bool
    locks: tuple[str, ...] = ()
    """What the thread holds at that moment, by name."""

    @property
    def place(self) -> tuple[str, int, bool]:
        """What it is, whichever thread does it."""
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
    """Two accesses to one variable by two threads, at least one of them a write, that nothing orders."""

    variable: str
    first: Access
    second: Access
    state: int | None = field(default=None, compare=False)
    """In a state search: a packed state in which both can come next, the first that was seen."""
    at: int | None = field(default=None, compare=False)
    """In an execution: the number of the choice, counted from 0, with which the second access is made."""

    @property
    def pair(self) -> tuple[Any, ...]:
        """What is reported once: the variable and the two places, whichever threads come to them."""
        return (self.variable, *sorted((self.first.place, self.second.place)))

    def sentence(self) -> str:
        """For a person."""
        both = f"{self.first.sentence()} and {self.second.sentence()}"
        return f"Data race on {self.variable}: {both}, and nothing orders the two."

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"variable": self.variable, "first": self.first.as_dict(), "second": self.second.as_dict()}


def accessed(thread: Thread, touch: Touch, locks: Sequence[str] = ()) -> Access:
    """An access, once it is to be reported."""
    return Access(thread.who.name, touch.line, touch.step, touch.writes, tuple(locks))


class Watching(Machine):
    """A machine that keeps what its last step gave, and which variables that step read and wrote."""

    outcome: Outcome
    touched: list[Touch]
    _is_inside: bool

    @classmethod
    def over(cls, machine: Machine) -> Watching:
        """The same machine, watching."""
        made = cls.__new__(cls)
        made.__dict__.update(machine.__dict__)
        made.outcome, made.touched, made._is_inside = None, [], False
        return made

    def step(self, state: State, choice: Transition) -> State | None:
        """The state after a transition; None where it is not enabled."""
        self.touched = list(touches_of(self, state.threads[choice.thread]))
        return super().step(state, choice)

    def _outcome(self, state: State, choice: Transition, thread: Thread) -> Outcome:
        self.outcome = super()._outcome(state, choice, thread)
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
    """The accesses of a thread's next step, as far as they are outside `atomic`."""
    node = machine.node_of(thread)
    if node is None or not node.instruction.op.startswith("variable."):
        return ()
    return tuple([_touch(slot, node.instruction, thread.arguments) for slot in thread.slots])


def begins_atomic(machine: Machine, thread: Thread) -> bool:
    """Whether a thread's next step is a whole `atomic`."""
    node = machine.node_of(thread)
    return node is not None and node.instruction.op == "atomic.begin"


def _touch(slot: int, instruction: Instruction, arguments: tuple[Any, ...]) -> Touch:
    known = operation(instruction.op)
    assert known is not None
    path = dict(zip(known.parameters, arguments, strict=True)).get("path")
    item = path[0] if path and isinstance(path[0], int | str) else None
    return Touch(slot, known.writes, instruction.line, instruction.step, item)


def locks_of(holders: Holders, thread: str) -> tuple[str, ...]:
    """What a thread holds, by name; a permit of a semaphore that began without any is a message, and not held."""
    slots = holders.machine.slots
    messages = {
        slots.label(slot)
        for slot, (cell, _) in enumerate(slots.cells)
        if "semaphore" in cell.kind and not cell.options["value"]
    }
    return tuple(name for name in holders.held(thread) if name not in messages)
