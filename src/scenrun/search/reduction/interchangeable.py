"""Which groups have interchangeable replicas, and their local states without the identity by which they differ.

Replicas are interchangeable if nothing relevant depends on their index or name, none of them draws at random, and only main's
plain start and join loops over the whole group refer to them.
"""

from __future__ import annotations

from typing import NamedTuple

from scenrun.model.machine import Machine
from scenrun.model.state import Thread, Who
from scenrun.program.ir import Group, Instruction, Program

_NOBODY = Who("", "", 0, 0)


class Interchangeable(NamedTuple):
    """A group of interchangeable threads."""

    group: Group
    slots: tuple[int, ...]
    """The replicas' own cells, by index."""


def interchangeable(machine: Machine) -> list[Interchangeable]:
    """The groups of a program with at least two replicas, which are interchangeable."""
    found = []
    for group in machine.program.groups:
        where = machine.slots.of_cell[group.cell]
        if isinstance(where, list) and _is_alike(machine, group):
            found.append(Interchangeable(group, tuple(where)))
    return found


def without_identity(thread: Thread) -> Thread:
    """A replica's local state without its identity."""
    own = thread.who.slots[0]
    return thread._replace(who=_NOBODY, slots=tuple(-1 if slot == own else slot for slot in thread.slots))


def with_identity(local: Thread, who: Who) -> Thread:
    """A local state with the identity of a replica."""
    return local._replace(who=who, slots=tuple(who.slots[0] if slot < 0 else slot for slot in local.slots))


def _is_alike(machine: Machine, group: Group) -> bool:
    """Whether the replicas of a group are alike."""
    relevance = machine.relevance
    if (group.count or 1) < 2 or group.pool is not None or relevance is None:
        return False
    if relevance.of("own", group.code) or relevance.of("draws", group.code):
        return False
    expect = machine.program.expectations
    if any(group.cell in o.cells for o in (*expect.always, *expect.final, *expect.observe)):
        return False
    return all(_is_of_all(machine.program, group, code, i) for code, i in _naming(machine.program, group))


def _naming(program: Program, group: Group) -> list[tuple[int, Instruction]]:
    """The instructions that refer to a group, each with the number of its code."""
    return [(c.number, i) for c in program.codes for i in c.instructions if i.target and i.target.cell == group.cell]


def _is_of_all(program: Program, group: Group, number: int, i: Instruction) -> bool:
    """Whether an instruction is main's start or join in a plain loop over the whole group.

    The loop is known by its shape. An author's own loop has another one, as a sum that an author writes is bounded; were it taken
    for the whole group, a proof for any number of replicas would be one for so many alone.
    """
    if number != 0 or i.op not in ("thread.start", "thread.join") or i.target is None:
        return False
    if i.op == "thread.join" and i.arguments != ("None",):
        return False
    code = program.codes[0].instructions
    at = code.index(i)
    register = i.target.index
    if register is None or at < 2 or at + 2 >= len(code):
        return False
    first, test, add, back = code[at - 2], code[at - 1], code[at + 1], code[at + 2]
    return (
        (first.op, first.into, first.arguments) == ("let", register, ("0",))
        and (test.op, test.arguments, test.to) == ("branch", (f"{register} < {group.count}",), at + 3)
        and (add.op, add.into, add.arguments) == ("let", register, (f"{register} + 1",))
        and (back.op, back.to) == ("jump", at - 1)
    )
