"""Analyses of a code's control-flow graph: successors, the steps of a thread, and the effects reachable from a point."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from scenrun.program.ir import Code, Instruction, Program

ANYTHING = 1
"""The bit of an unknown effect: that of a call of the author's Python."""
_STARTS = ("thread.start", "task.start", "timer.start", "spawned.spawn", "spawned.spawn_later", "pool.submit")


def _on_one_stack(program: Program) -> dict[int, set[int]]:
    """For each code of a thread in which interrupts come, and of an interrupt, the others on the same stack."""
    found: dict[int, set[int]] = {}
    for interrupt in program.interrupts:
        for code in {0} if interrupt.group == "main" else {g.code for g in program.groups if g.name == interrupt.group}:
            found.setdefault(code, set()).add(interrupt.code)
            found.setdefault(interrupt.code, set()).add(code)
    return found


class Footprints:
    """The effects on shared objects that are reachable from each instruction, as the bits of an integer.

    Each pair of a cell (an array as a whole) and an operation has a bit.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._bits: dict[tuple[int, str], int] = {}
        self._with = _on_one_stack(program)
        """The codes that a thread may also be in: those of its interrupts, and what an interrupt comes into."""

    def bit(self, cell: int, operation: str) -> int:
        """The bit of an operation on a cell; 0 where no instruction has this effect."""
        self._totals  # noqa: B018  # every effect has its bit once the codes have been read
        return self._bits.get((cell, operation), 0)

    def left(self, code: int, pc: int) -> int:
        """The effects that a thread at `pc` of `code` may still have, with those of the threads that it may start."""
        reach = self._reach(self._program.codes[code])[pc]
        for other in self._with.get(code, ()):
            reach |= self._totals[other]
        return reach

    @cached_property
    def _totals(self) -> list[int]:
        """For each code, all its effects with those of the codes that it may start."""
        # Codes may start one another in cycles, so the totals are a least fixed point.
        totals = [0] * len(self._program.codes)
        direct = [[self._own(i) for i in code.instructions] for code in self._program.codes]
        while True:
            before = list(totals)
            for code, effects in zip(self._program.codes, direct, strict=True):
                total = 0
                for instruction, effect in zip(code.instructions, effects, strict=True):
                    total |= effect | self._started(instruction, totals)
                for other in self._with.get(code.number, ()):
                    total |= totals[other]
                totals[code.number] = total
            if totals == before:
                return totals

    @staticmethod
    def _started(instruction: Instruction, totals: list[int]) -> int:
        started = instruction.code if instruction.op in _STARTS else None
        return totals[started] if started is not None else 0

    def _own(self, instruction: Instruction) -> int:
        kind, _, operation = instruction.op.partition(".")
        if kind == "call":
            return ANYTHING
        effect = 0
        if instruction.target is not None and operation:
            effect |= self._new_bit(instruction.target.cell, operation)
        if instruction.op == "condition.wait" and instruction.lock is not None:
            effect |= self._new_bit(instruction.lock.cell, "release")
        if instruction.op in ("future.cancel", "future.withdraw", "pool.shutdown"):
            effect |= self._new_bit(-1, "cancel")
        return effect

    def _new_bit(self, cell: int, operation: str) -> int:
        return self._bits.setdefault((cell, operation), 2 << len(self._bits))

    def _reach(self, code: Code) -> list[int]:
        if code.number not in self._reached:
            self._reached[code.number] = self._solve(code)
        return self._reached[code.number]

    @cached_property
    def _reached(self) -> dict[int, list[int]]:
        return {}

    def _solve(self, code: Code) -> list[int]:
        """The effects reachable from each instruction: a backward fixed point over the control-flow graph."""
        totals = self._totals
        effects = [self._own(i) | self._started(i, totals) for i in code.instructions]
        following = [successors(code, pc) for pc in range(len(code.instructions))]
        changed = True
        while changed:
            changed = False
            for pc in range(len(effects) - 1, -1, -1):
                reached = effects[pc]
                for after in following[pc]:
                    reached |= effects[after]
                if reached != effects[pc]:
                    effects[pc], changed = reached, True
        return effects


def steps_of(code: Code, folded: frozenset[str] = frozenset()) -> frozenset[int]:
    """The instructions before which other threads may run: those that other threads could notice, and those that take time.

    All other instructions, and ops in `folded`, are local to the thread and belong to the step before them. A loop without
    such a step would never let other threads run, so its back jump is a step, too. Instructions inside `atomic` are part
    of the step that begins it.
    """
    found = {pc for pc, i in enumerate(code.instructions) if is_noticed(i) and i.op not in folded}
    loops = {pc for pc, i in enumerate(code.instructions) if _turns(i, pc) and _comes_back(code, pc, found)}
    return frozenset(found | loops)


def is_noticed(i: Instruction) -> bool:
    """Whether other threads could notice an instruction, or it takes time."""
    if i.op == "end":  # also where a `return` inside `atomic` leads to it: the atomic region has ended by then
        return True
    if i.option("atomic") or i.op == "atomic.end":
        return False
    return "." in i.op or i.op in ("log", "sleep", "work", "call", "choose")


def _turns(i: Instruction, pc: int) -> bool:
    return i.op == "jump" and i.to is not None and i.to <= pc and not i.option("atomic")


def _comes_back(code: Code, jump: int, steps: set[int]) -> bool:
    """Whether the thread may reach this jump again without a step in between."""
    seen, waiting = set(), [code.instructions[jump].to]
    while waiting:
        pc = waiting.pop()
        if pc == jump:
            return True
        if pc is None or pc in seen or pc in steps or code.instructions[pc].op == "atomic.begin":
            continue
        seen.add(pc)
        waiting += successors(code, pc)
    return False


def comes_back(code: Code, pc: int, stops: Callable[[Instruction], bool] = lambda i: False) -> bool:
    """Whether an instruction is on a cycle of the control-flow graph, without any that `stops`."""
    seen: set[int] = set()
    waiting = successors(code, pc)
    while waiting:
        at = waiting.pop()
        if at == pc:
            return True
        if at not in seen and not stops(code.instructions[at]):
            seen.add(at)
            waiting += successors(code, at)
    return False


def successors(code: Code, pc: int, *, faults: bool = True) -> list[int]:
    """The successors of the instruction at `pc` in the control-flow graph; with `faults`, its handler is one of them."""
    instruction = code.instructions[pc]
    out = [] if instruction.op in ("jump", "raise", "end") else [pc + 1]
    if instruction.to is not None:
        out.append(instruction.to)
    if faults and instruction.handler is not None:
        out.append(instruction.handler)
    return out
