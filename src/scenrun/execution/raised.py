"""Builds the fields of `fault.raised`, the log line of a step that ended with an exception, for both executors."""

from __future__ import annotations

from types import FrameType
from typing import Any

from scenrun.errors import Fault
from scenrun.execution.codegen import HANDLE, INDEX
from scenrun.execution.site import Site
from scenrun.program.ir import Instruction
from scenrun.program.primitives.registry import operation


def is_raised_anew(instruction: Instruction) -> bool:
    """Whether a fault is raised here first; a `raise` of a kept one only passes it on after a `with`, `finally` or `try`."""
    return instruction.op != "raise" or instruction.arguments[0].startswith("__fault(")


def fault_fields(site: Site, fault: Fault, frame: FrameType, objects: list[Any], waited_ns: int) -> dict[str, Any]:
    """Returns the fields of `fault.raised`. `frame` is that of the generated function, whose locals identify the object."""
    label = _label_of(site.instruction, frame, objects)
    known = operation(site.op)
    return {
        **({} if label is None else {"object": label}),
        "type": fault.type,
        "text": fault.text,
        **({"waited_s": waited_ns / 1e9} if known is not None and known.waits else {}),
    }


def _label_of(instruction: Instruction, frame: FrameType, objects: list[Any]) -> str | None:
    """Returns the name of the step's object; None if there is none or the fault came before it was determined."""
    target = instruction.target
    if target is None:
        known = operation(instruction.op)
        is_held = "." in instruction.op and (known is None or not known.makes)
        return getattr(frame.f_locals.get(HANDLE), "label", None) if is_held else None
    made = objects[target.cell]
    if not isinstance(made, list):
        return str(made.label)
    index = target.index if target.index is None or target.index.lstrip("-").isdigit() else frame.f_locals.get(INDEX)
    try:
        return str(made[int(index)].label)  # type: ignore[arg-type]
    except (IndexError, TypeError, ValueError):
        return None
