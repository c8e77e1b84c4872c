"""Maps the declared objects of a program to slots, their indices in a state's cells; each element of an array has its own."""

from __future__ import annotations

from typing import Any

from scenrun.model.state import Who
from scenrun.program.ir import Cell, Program
from scenrun.program.primitives.registry import KINDS


class Slots:
    """The slots of the objects that exist in the initial state."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.of_cell: list[int | list[int]] = []
        """For each cell its slot, or for an array the slots of its elements."""
        self.cells: list[tuple[Cell, int]] = []
        """For each slot, its cell and its index in the array."""
        for cell in program.cells:
            first = len(self.cells)
            self.cells += [(cell, index) for index in range(cell.count or 1)]
            self.of_cell.append(first if cell.count is None else list(range(first, len(self.cells))))
        self.initial: tuple[Any, ...] = tuple(KINDS[cell.kind].initial(cell.options) for cell, _ in self.cells)
        self.clock = next((slot for slot, (cell, _) in enumerate(self.cells) if cell.kind == "clock"), None)
        """The slot of the clock, where a step reads it."""
        self.kinds = tuple(cell.kind for cell, _ in self.cells)
        self.who = {slot: who for slot in range(len(self.cells)) if (who := self._who(slot)) is not None}
        """For the slot of a thread, task or timer, the identity of that thread."""

    def label(self, slot: int) -> str:
        """The name of the object in a slot; empty for one that was made at run time."""
        if slot >= len(self.cells):
            return ""
        cell, index = self.cells[slot]
        return cell.label(index)

    def named(self, slot: int) -> tuple[int, ...]:
        """The slots that an operation on an object uses: its own, and for a task also its pool's."""
        return self.who[slot].slots if slot in self.who else (slot,)

    def _who(self, slot: int) -> Who | None:
        cell, index = self.cells[slot]
        if cell.kind == "timer":
            return Who(cell.label(index), cell.name, index, self._code_of_timer(cell), slots=(slot,), kind="timer")
        if cell.kind not in ("thread", "task"):
            return None
        group = self._program.group_of_cell(cell.number)
        pool = () if group.pool is None else (self._single(group.pool),)
        return Who(
            group.member(index), group.name, index, group.code, group.daemon, group.endless, (slot, *pool), cell.kind
        )

    def _single(self, cell: int) -> int:
        slot = self.of_cell[cell]
        assert isinstance(slot, int)
        return slot

    def _code_of_timer(self, cell: Cell) -> int:
        instructions = (i for code in self._program.codes for i in code.instructions)
        return next(
            (i.code or 0 for i in instructions if i.op == "timer.start" and i.target and i.target.cell == cell.number),
            0,
        )
