"""The text of `scenrun explain`: a compiled program's objects, threads, and lowered steps with their lines."""

from __future__ import annotations

import re

from scenrun.program.ir import CellRef, Code, Instruction, Program

_REGISTER = re.compile(r"__(\d+_)?")


def explain(program: Program) -> str:
    """A compiled program as text."""
    lines = [f"scenario {program.name}  (digest {program.digest})", ""]
    lines += ["objects", *(_objects(program) or ["  none"]), "", "threads"]
    lines.append("  main: code 0")
    for group in program.groups:
        count = "any number" if group.name in program.any_number else group.count or 1
        words = [f"{count} x code {group.code}"]
        words += ["daemon"] * group.daemon + ["endless"] * group.endless
        if group.pool is not None:
            words.append(f"tasks of {program.cells[group.pool].name}")
        lines.append(f"  {group.name}: {', '.join(words)}  (line {group.line})")
    for one in program.interrupts:
        often = "once" if one.times == 1 else f"{one.times} times"
        lines.append(f"  {one.target}: code {one.code}, comes in {one.group} at most {often}  (line {one.line})")
    for code in program.codes:
        lines += ["", *_code(program, code)]
    return "\n".join(lines)


def _objects(program: Program) -> list[str]:
    out = []
    for cell in program.cells:
        if cell.kind in ("thread", "task"):
            continue
        options = ", ".join(f"{k} {v!r}" for k, v in cell.options.items() if v is not None)
        array = f" x {cell.count}" if cell.count is not None else ""
        out.append(f"  {cell.name}: {cell.kind}{array}" + (f" ({options})" if options else ""))
    return out


def _code(program: Program, code: Code) -> list[str]:
    lines = [f"code {code.number}: {code.name}" + (f"({', '.join(code.parameters)})" if code.parameters else "")]
    step = ""
    width = len(str(len(code.instructions)))
    for pc, instruction in enumerate(code.instructions):
        if instruction.step != step:
            step = instruction.step
            where = f"line {instruction.line}: " if instruction.line else ""
            lines.append(f"  {where}{step}")
        lines.append(f"    {pc:>{width}}  {_instruction(program, instruction)}")
    return lines


def _instruction(program: Program, i: Instruction) -> str:
    arguments = ", ".join(_REGISTER.sub("", a) for a in i.arguments if a not in ("None",) or i.op in ("let", "end"))
    into = f"{_REGISTER.sub('', i.into)} = " if i.into else ""
    text = f"{into}{i.op}"
    if i.op == "let":
        return f"{into}{arguments}"
    if i.op == "forget":
        return f"forget {_REGISTER.sub('', str(i.into))}"
    if i.target is not None:
        text += f" {_target(program, i.target)}"
    if arguments:
        text += f" ({arguments})"
    if i.op == "branch":
        text = f"unless {arguments}: go to {i.to}"
    elif i.op == "jump":
        text = f"go to {i.to}"
    if i.lock is not None:
        text += f" under {_target(program, i.lock)}"
    if i.code is not None:
        text += f" running code {i.code}"
    if i.handler is not None:
        text += f"   [a fault leads to {i.handler}]"
    return text


def _target(program: Program, target: CellRef) -> str:
    name = program.cells[target.cell].name
    return name if target.index is None else f"{name}[{_REGISTER.sub('', target.index)}]"
