"""Records what the steps of a path say of time: how long threads sleep and work between their steps, and their deadlines."""

from __future__ import annotations

import re
from typing import Any

from scenrun.errors import Fault
from scenrun.model.cone_of_influence import ConeOfInfluence
from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.prepared_code import Environment, Node, evaluated, prepare
from scenrun.model.state import State, Thread

LASTING = ("sleep", "work")
_REMAINING = re.compile(r"__remaining\((\w+)\)")


class Timekeeper(Machine):
    """A machine in free time that records how long its latest step's threads then sleep and work, and the deadlines they set."""

    lasted: dict[str, int]
    """For each thread that went on in the latest step: how long it sleeps and works until its next step, in nanoseconds."""
    deadlines: dict[str, dict[str, int]]
    """For each of them the deadlines that it set, by register: how long after the step, in nanoseconds."""
    _name: str

    @classmethod
    def over(cls, machine: Machine) -> Timekeeper:
        """A recording machine that shares all data of another one."""
        made = cls.__new__(cls)
        made.__dict__.update(machine.__dict__)
        made.lasted, made.deadlines, made._name = {}, {}, ""
        return made

    @classmethod
    def forgetful(cls, machine: Machine) -> Timekeeper:
        """A recording machine whose states are equal where those of a search in virtual time are."""
        made = cls.over(Machine(machine.program, machine.seed, folded=FREE))
        made.relevance = ConeOfInfluence(machine.program, True)
        made.codes = [prepare(code, FREE, made.relevance) for code in machine.program.codes]
        made._uncounted = made._queues_without_count()
        return made

    def step(self, state: State, transition: Transition) -> State | None:
        """The state after a transition; None where it is not enabled. Starts a new record."""
        self.lasted, self.deadlines = {}, {}
        return super().step(state, transition)

    def _ran(self, thread: Thread, pc: int, registers: list[Any], cells: list[Any], *, inside: bool = False) -> Thread:
        before, self._name = self._name, thread.who.name
        self.lasted.setdefault(self._name, 0)
        try:
            return super()._ran(thread, pc, registers, cells, inside=inside)
        finally:
            self._name = before

    def _own(
        self, node: Node, pc: int, registers: list[Any], environment: Environment, fault: Fault | None, cells: list[Any]
    ) -> int:
        i = node.instruction
        if i.op in (*LASTING, "deadline"):
            draws = environment.random.count
            length = max(0, int(evaluated(node.arguments[0], registers, environment)))
            environment.random.count = draws
            if i.op == "deadline":
                self.deadlines.setdefault(self._name, {})[i.into or ""] = self.lasted[self._name] + length
            else:
                self.lasted[self._name] += length
        return super()._own(node, pc, registers, environment, fault, cells)


def deadline_asked(node: Node | None) -> str | None:
    """The register of the deadline that an instruction's time-out or branch asks for; None where it asks for none."""
    if node is None:
        return None
    return next((found[1] for text in node.instruction.arguments if (found := _REMAINING.search(text))), None)
