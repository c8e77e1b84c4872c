"""Live-variable analysis of a code: dead registers are dropped from states, so that states which differ only there merge."""

from __future__ import annotations

import ast

from scenrun.program.control_flow import successors
from scenrun.program.ir import Code, Instruction

FAULT, DRAWS = "(fault)", "(draws)"
"""Pseudo-registers: the fault that a thread handles, and its number of draws."""


def live_after(code: Code, drawing: frozenset[int]) -> list[frozenset[str]]:
    """For each instruction, the registers that may be read once its own arguments have been evaluated.

    drawing: the instructions whose draws matter.
    """
    before: list[frozenset[str]] = [frozenset()] * len(code.instructions)
    uses = [_uses(i, pc in drawing) for pc, i in enumerate(code.instructions)]
    changed = True
    while changed:
        changed = False
        for pc in range(len(before) - 1, -1, -1):
            found = uses[pc] | _after(code, pc, before)
            if found != before[pc]:
                before[pc], changed = found, True
    return [_after(code, pc, before) for pc in range(len(before))]


def _after(code: Code, pc: int, before: list[frozenset[str]]) -> frozenset[str]:
    instruction = code.instructions[pc]
    out: frozenset[str] = frozenset()
    # on a fault, `into` is not written: only the normal successors get its new value
    for following in successors(code, pc, faults=False):
        out |= before[following] - {instruction.into}
    if instruction.handler is not None:
        out |= before[instruction.handler] - {FAULT}
    return out


def _uses(i: Instruction, draws: bool) -> frozenset[str]:
    texts = [*i.arguments, *(ref.index for ref in (i.target, i.lock) if ref is not None and ref.index is not None)]
    found = {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    if i.op == "take":
        found.add(FAULT)
    if draws:
        found.add(DRAWS)
    return frozenset(found)
