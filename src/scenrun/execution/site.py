"""The position of a thread in a program."""

from __future__ import annotations

from msgspec import Struct

from scenrun.program.ir import Instruction


class Site(Struct, frozen=True):
    """One instruction of one code, as the log and the detector see it."""

    code: int
    pc: int
    instruction: Instruction

    @property
    def op(self) -> str:
        """The instruction's operation."""
        return self.instruction.op

    @property
    def line(self) -> int:
        """The line in the scenario's file."""
        return self.instruction.line
