"""The fields of `run.started`, the first line of a log, alike for every executor."""

from __future__ import annotations

from typing import Any

from scenrun.program.ir import Cell, Program
from scenrun.program.primitives.registry import told_kind
from scenrun.program.reached import logged_steps
from scenrun.version import __version__


def program_fields(program: Program, seed: int, way: str) -> dict[str, Any]:
    """The scenario's name, text, digest and overrides, the seed, and the way of running it."""
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
    """The log level, the objects, the thread groups, and the initial values of the shared variables.

    A log with the operations also says which steps of the file it would have lines of.
    """
    return {
        "log_level": level,
        **({"steps": [[*step] for step in sorted(logged_steps(program))]} if level == "debug" else {}),
        "objects": objects_of(program),
        "threads": threads_of(program),
        "state": {cell.name: cell.options["initial"] for cell in program.cells if cell.kind == "variable"},
    }


def objects_of(program: Program) -> list[dict[str, Any]]:
    """The synchronisation objects and Python objects of a program, with their options."""
    own = ("variable", "thread", "task")
    return [
        {
            "name": cell.name,
            "kind": told_kind(cell.kind),
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
    """The `lock` option of a condition that uses a declared lock; nothing for a condition with a lock of its own."""
    if cell.number not in program.lock_of:
        return {}
    lock = program.cells[program.lock_of[cell.number]].name
    return {} if lock == f"{cell.name}.lock" else {"lock": lock}


def threads_of(program: Program) -> list[dict[str, Any]]:
    """The thread groups of a program, with their counts and lines."""
    return [
        {"group": g.name, "count": g.count or 1, "daemon": g.daemon, "endless": g.endless, "line": g.line}
        for g in program.groups
    ]
