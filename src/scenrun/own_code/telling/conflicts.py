"""Says of the switches of threads in an execution of code why they are there: accesses that conflict, and threads that end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from scenrun.own_code.running.steps import Moved
from scenrun.search.counterexample.switches import MOST_STEPS, Access, Switch, blocks_of, conflict_between

_KINDS = ("read", "write")


def switches_in(moved: Sequence[Moved], names: Sequence[str]) -> dict[int, Switch]:
    """Why each switch is there of which that is known, by the position of the first step after it. names: of the threads."""
    if len(moved) > MOST_STEPS:
        return {}
    labels = _labels(moved)
    accesses = [access for at, one in enumerate(moved) for access in _accesses(one, at)]
    out = {}
    for before, block in pairwise(blocks_of([one.thread for one in moved])):
        if moved[block.begin - 1].step.kind == "end":
            out[block.begin] = Switch("ended", f"{names[before.thread]} has ended")
            continue
        found = conflict_between(
            accesses, before.thread, block, names, lambda cell: labels.get(cell, ""), with_others=False
        )
        if found is not None:
            out[block.begin] = found
    return out


def _labels(moved: Sequence[Moved]) -> dict[int, str]:
    """The names of attributes and variables, by the number of what is touched; what has no name has none here."""
    out: dict[int, str] = {}
    for one in moved:
        name = one.step.text.removeprefix(f"{one.step.kind} ")
        if one.step.kind in _KINDS and name.isidentifier():
            out.setdefault(one.step.cell, name)
    return out


def _accesses(one: Moved, at: int) -> list[Access]:
    """What a step reads and writes."""
    touched = ((one.step.cell, one.step.writes), *one.step.more)
    return [Access(at, one.thread, cell, writes, "written" if writes else "read") for cell, writes in touched]
