"""Groups with `count: any`: only a search can do with every number of replicas at once."""

from __future__ import annotations

from scenrun.errors import UsageError
from scenrun.program.ir import Program


def refuse_any_number(program: Program) -> None:
    """Raises UsageError where a group has any number of replicas: threads that run are a certain number."""
    if program.any_number:
        name = program.any_number[0]
        given = " ".join(f"--set threads.{one}.count=3" for one in program.any_number)
        raise UsageError(
            f"`{name}` has `count: any`, which `scenrun explore` proves for every number; to run it, say how many: {given}"
        )
