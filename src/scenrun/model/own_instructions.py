"""Executes a thread's own instructions up to its next step, of which it names the cells and evaluates the arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenrun.errors import Fault
from scenrun.model.cone_of_influence import abstracted
from scenrun.model.prepared_code import Environment, Failing, Node, Ready, evaluated
from scenrun.model.slots import Slots
from scenrun.model.state import LEAVING, UNSET, Handle, Thread, Who
from scenrun.program.ir import Instruction, Program
from scenrun.program.primitives.future import NO_THREAD
from scenrun.program.primitives.kinds import Operation

PATIENCE = 100_000
"""The most own instructions in one step; more are taken for a loop inside `atomic` that does not terminate."""


class NonTerminatingStep(Exception):
    """A step of a thread does not terminate."""


class OwnInstructions:
    """The codes of a program, executed by one thread from a step to its next; a machine adds the steps."""

    def __init__(self, program: Program, codes: list[Ready], seed: int, timed: bool) -> None:
        self.program = program
        self.codes = codes
        self.seed = seed
        self.timed = timed
        self.slots = Slots(program)
        self._environments: dict[str, Environment] = {}
        shut = program.pools_shut_at_exit
        self._shut_at_exit = tuple(slot for slot, (cell, _) in enumerate(self.slots.cells) if cell.number in shut)

    def slots_of_end(self, who: Who) -> tuple[int, ...]:
        """The cells that a thread's last step changes: its own; for main, the pools that are shut at its end."""
        return who.slots if who.kind is not None else self._shut_at_exit

    def _environment(self, thread: Thread) -> Environment:
        name = thread.who.name
        if name not in self._environments:
            self._environments[name] = Environment(self.seed, name, thread.who.index, self.timed)
        found = self._environments[name]
        found.random.count = thread.draws
        return found

    def _ran(self, thread: Thread, pc: int, registers: list[Any], cells: list[Any], *, inside: bool = False) -> Thread:
        """The thread at its next step, after its own instructions from `pc` on; `inside` an `atomic`, all belong to the step."""
        environment, nodes, fault = self._environment(thread), self.codes[thread.code].nodes, thread.fault
        for _ in range(PATIENCE):
            node = nodes[pc]
            try:
                if node.is_step and not inside:
                    return self._arrived(thread, pc, registers, environment, fault)
                inside = inside and node.instruction.op != "atomic.end"
                pc = self._own(node, pc, registers, environment, fault, cells)
            except Failing as failing:
                fault = failing.fault
                if node.instruction.handler is None:
                    return self._leaving(thread, environment.random.count, fault, node.instruction)
                pc = node.instruction.handler
        raise NonTerminatingStep(
            f"{thread.who.name} is in a loop that does not end, at line {nodes[pc].instruction.line}"
        )

    def _leaving(self, thread: Thread, draws: int, fault: Fault, at: Instruction) -> Thread:
        """A thread that is about to end with a fault that it does not handle."""
        slots = self.slots_of_end(thread.who)
        return Thread(thread.who, LEAVING, (), draws, slots=slots, fault=fault, fault_at=at, coming=thread.coming)

    def _arrived(
        self, thread: Thread, pc: int, registers: list[Any], environment: Environment, fault: Fault | None
    ) -> Thread:
        """A thread at a step, reduced to the registers, fault and draws that are live: states that differ in others are equal."""
        who = thread.who
        node = self.codes[thread.code].nodes[pc]
        if thread.below is not None and node.instruction.op == "end":
            return thread.below
        slots, arguments = self._named(thread, node, registers, environment)
        draws = environment.random.count if node.keeps_draws else 0
        if node.dead:
            registers = [UNSET if at in node.dead else value for at, value in enumerate(registers)]
        kept = fault if node.keeps_fault else None
        left = self._time_left(node.operation, arguments)
        return Thread(
            who, pc, tuple(registers), draws, 0, slots, arguments, None, kept, None, left,
            thread.coming, thread.handler, thread.below,
        )  # fmt: skip

    def _named(
        self, thread: Thread, node: Node, registers: list[Any], environment: Environment
    ) -> tuple[tuple[int, ...], tuple[Any, ...]]:
        """The cells and arguments of a step. No other thread can change them, so they are evaluated when the thread arrives."""
        instruction = node.instruction
        if instruction.op == "end":
            return self.slots_of_end(thread.who), (evaluated(node.arguments[0], registers, environment),)
        slots: tuple[int, ...] = ()
        if instruction.target is not None:
            slots = self.slots.named(self._slot(instruction.target.cell, node.index, registers, environment))
        if instruction.lock is not None:
            slots = (*slots, self._slot(instruction.lock.cell, node.lock_index, registers, environment))
        arguments = tuple(evaluated(argument, registers, environment) for argument in node.arguments)
        if node.is_held:
            slots = self._held(node, arguments[0])
        return slots, arguments

    @classmethod
    def _held_several(cls, node: Node, handles: Sequence[Any]) -> tuple[int, ...]:
        """The cells of several futures, each with that of its pool."""
        return tuple(slot for handle in handles for slot in cls._one_held(node, handle))

    def _slot(self, cell: int, index: Any, registers: list[Any], environment: Environment) -> int:
        where = self.slots.of_cell[cell]
        if isinstance(where, int):
            return where
        return int(evaluated(lambda R, E: where[index(R, E)], registers, environment))  # noqa: N803

    def _held(self, node: Node, handle: Any) -> tuple[int, ...]:
        """The cells of a thread or future whose handle is in a local, or of all futures in a list."""
        several = node.operation is not None and node.operation.is_of_several
        return self._held_several(node, handle) if several else self._one_held(node, handle)

    @staticmethod
    def _one_held(node: Node, handle: Any) -> tuple[int, ...]:
        """The cells of one handle; raises Failing where it is no such handle."""
        kind = node.kind
        assert kind is not None
        asks_whether_alive = node.instruction.op.endswith("is_alive")
        if not isinstance(handle, Handle) or (handle.kind != kind.name and not asks_whether_alive):
            raise Failing(Fault("TypeError", NO_THREAD if asks_whether_alive else kind.mistaken))
        return handle.slots

    def _own(
        self, node: Node, pc: int, registers: list[Any], environment: Environment, fault: Fault | None, cells: list[Any]
    ) -> int:
        """Execute one instruction that is no step of its own; returns the place of the next one."""
        instruction = node.instruction
        match instruction.op:
            case "let":
                value = evaluated(node.arguments[0], registers, environment)
                registers[node.into or 0] = abstracted(value, node.level)
            case "forget":
                registers[node.into or 0] = UNSET
            case "jump":
                return int(instruction.to or 0)
            case "branch":
                if not evaluated(node.arguments[0], registers, environment):
                    return int(instruction.to or 0)
            case "take":
                registers[node.into or 0] = abstracted(fault, node.level)
            case "raise":
                raise Failing(evaluated(node.arguments[0], registers, environment))
            case "deadline":
                length = evaluated(node.arguments[0], registers, environment)
                registers[node.into or 0] = max(0, length) if self.timed else 0
            case "log" | "sleep" | "work":
                for argument in node.arguments:
                    evaluated(argument, registers, environment)
            case "atomic.end":
                pass
            case _:
                self._at_once(node, registers, environment, cells)
        return pc + 1

    def _at_once(self, node: Node, registers: list[Any], environment: Environment, cells: list[Any]) -> None:
        """Execute an operation inside `atomic`, as part of the current step."""
        slots, arguments = self._named(Thread(Who("", "", 0, 0), 0, ()), node, registers, environment)
        assert node.operation is not None
        act, before = node.operation.phases[0].act, tuple(cells[slot] for slot in slots)
        outcome = evaluated(lambda R, E: act(before, 0, arguments, None), registers, environment)  # noqa: N803
        for slot, value in zip(slots, outcome.values, strict=True):
            cells[slot] = value
        if node.into is not None:
            registers[node.into] = abstracted(outcome.result, node.level)

    def _time_left(self, operation: Operation | None, arguments: tuple[Any, ...]) -> int | None:
        """The time-out of an operation in nanoseconds; None where time is free or the wait is unlimited."""
        if not self.timed or operation is None or operation.timeout_at is None:
            return None
        timeout = arguments[operation.timeout_at]
        return None if timeout is None else max(0, int(timeout))
