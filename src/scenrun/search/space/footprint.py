"""Footprints: the parts of a state that a thread's next step may read or change; the step depends on no others."""

from __future__ import annotations

from msgspec import Struct

from scenrun.model.machine import Machine
from scenrun.model.state import Thread
from scenrun.program.control_flow import successors
from scenrun.program.ir import Instruction
from scenrun.program.primitives.registry import operation


class Touched(Struct, frozen=True):
    """The footprint of a step."""

    reads: frozenset[int]
    """Slots of the cells that the step reads; a superset of `writes`."""
    writes: frozenset[int]
    """Slots of the cells that the step may change."""
    starts: bool = False
    """Whether the step may start a thread."""
    judged: bool = False
    """Whether the step may break an `always`."""


class Touches:
    """Computes the footprints of a program's steps."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._atomic: dict[tuple[int, int], frozenset[int]] = {}
        self._observed = [self.slots_of(o.cells) for o in machine.program.expectations.always]

    def of(self, thread: Thread) -> Touched:
        """The footprint of a thread's next step."""
        reads = frozenset(thread.slots)
        instruction = self.machine.instruction_of(thread) if thread.pc >= 0 else None
        if instruction is not None and instruction.op == "atomic.begin":
            reads |= self.inside(thread.code, thread.pc)
        writes = reads if self._writes(thread, instruction) else frozenset()
        watched = [cells for cells in self._observed if cells & writes]
        starts = instruction is not None and instruction.code is not None
        return Touched(reads.union(*watched), writes, starts, bool(watched))

    def _writes(self, thread: Thread, instruction: Instruction | None) -> bool:
        """Whether a step may change the cells that it names."""
        if instruction is None or instruction.op in ("end", "atomic.begin"):
            return True
        known = self.machine.operation_of(thread)
        if known is None or operation(instruction.op) is None:
            return False
        return known.writes or instruction.op == "future.result"  # it records that the result was retrieved

    def inside(self, code: int, begin: int) -> frozenset[int]:
        """The slots that the `atomic` beginning at an instruction names."""
        if (code, begin) not in self._atomic:
            self._atomic[code, begin] = self.slots_of(self._cells_inside(code, begin))
        return self._atomic[code, begin]

    def _cells_inside(self, number: int, begin: int) -> frozenset[int]:
        code = self.machine.program.codes[number]
        seen, waiting, cells = {begin}, [begin], set()
        while waiting:
            pc = waiting.pop()
            i = code.instructions[pc]
            if i.target is not None:
                cells.add(i.target.cell)
            if i.op == "atomic.end":
                continue
            inside = [at for at in successors(code, pc) if pc == begin or i.option("atomic")]
            waiting += [at for at in inside if at not in seen]
            seen.update(inside)
        return frozenset(cells)

    def slots_of(self, cells: frozenset[int]) -> frozenset[int]:
        """Every slot of some cells and of the cells beside them, such as a task's pool."""
        slots = self.machine.slots
        found: set[int] = set()
        for cell in cells:
            where = slots.of_cell[cell]
            for slot in where if isinstance(where, list) else [where]:
                found.update(slots.named(slot))
        return frozenset(found)
