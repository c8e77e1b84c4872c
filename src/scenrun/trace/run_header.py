"""What the first line of a log says of a program, whichever executor runs it."""

from __future__ import annotations

from typing import Any

from scenrun.program.ir import Cell, Program
from scenrun.version import __version__


def program_fields(program: Program, seed: int, way: str) -> dict[str, Any]:
    """The scenario, its text, and the way of running it."""
    return {
        "scenario": program.name,
        **({"description": program.description} if program.description else {}),
        "text": program.source.text,
        "digest": program.digest,
        **({"overrides": program.overrides} if program.overrides else {}),
        "seed": seed,
        "way": way,
        "scenrun": __version__,
    }


def shared_fields(program: Program, level: str) -> dict[str, Any]:
    """What its threads share, and which groups of them there are."""
    return {
        "log_level": level,
        "objects": objects_of(program),
        "threads": threads_of(program),
        "state": {cell.name: cell.options["initial"] for cell in program.cells if cell.kind == "variable"},
    }


def objects_of(program: Program) -> list[dict[str, Any]]:
    """The synchronisation objects, with their options."""
    own = ("variable", "thread", "task")
    return [
        {
            "name": cell.name,
            "kind": cell.kind,
            **({"count": cell.count} if cell.count is not None else {}),
            **{key: value for key, value in cell.options.items() if value is not None},
            **_shared_lock(program, cell),
            "line": cell.line,
        }
        for cell in program.cells
        if cell.kind not in own
    ] + [
        {"name": made.name, "kind": "python", "python": made.python, "args": made.args, "line": made.line}
        for made in program.objects
    ]


def _shared_lock(program: Program, cell: Cell) -> dict[str, str]:
    """Which lock a condition has that has none of its own."""
    if cell.number not in program.lock_of:
        return {}
    lock = program.cells[program.lock_of[cell.number]].name
    return {} if lock == f"{cell.name}.lock" else {"lock": lock}


def threads_of(program: Program) -> list[dict[str, Any]]:
    """The thread groups."""
    return [
        {"group": g.name, "count": g.count or 1, "daemon": g.daemon, "endless": g.endless, "line": g.line}
        for g in program.groups
    ]
