"""Records to which steps of the file threads come: those of their own instructions, and the one that each is at."""

from __future__ import annotations

from typing import Any

from scenrun.errors import Fault
from scenrun.model.machine import Machine
from scenrun.model.prepared_code import Environment, Node
from scenrun.model.state import Thread

Place = tuple[int, int]
"""The numbers of a code and of one of its instructions."""


class StepRecorder(Machine):
    """A machine that records the places to which its threads have come."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.came: set[Place] = set()
        """The places so far; whoever asks for a part of a walk empties it before."""
        self._code = 0
        super().__init__(*arguments, **options)

    def _ran(self, thread: Thread, pc: int, registers: list[Any], cells: list[Any], *, inside: bool = False) -> Thread:
        before, self._code = self._code, thread.code
        try:
            after = super()._ran(thread, pc, registers, cells, inside=inside)
        finally:
            self._code = before
        if after.pc >= 0:
            self.came.add((after.code, after.pc))
        return after

    def _own(
        self, node: Node, pc: int, registers: list[Any], environment: Environment, fault: Fault | None, cells: list[Any]
    ) -> int:
        self.came.add((self._code, pc))
        return super()._own(node, pc, registers, environment, fault, cells)
