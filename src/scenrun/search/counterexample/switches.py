"""Says of each switch of threads in a path why it is there: the thread before has ended or is blocked, or accesses conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State, Thread
from scenrun.program.primitives.registry import waiting
from scenrun.search.counterexample.waits import where_at
from scenrun.search.properties.lock_holders import Holders

_PAST = {
    "acquire": "acquired", "release": "released", "set": "set", "clear": "cleared", "wait": "waited for",
    "notify": "notified", "notify_all": "notified", "enter": "entered", "leave": "left",
}  # fmt: skip
"""What a step does to its object, in words; any other access of a variable writes it, and any other one uses its object."""
MOST_STEPS = 1_000
"""The longest path of which the switches are explained."""
_TO_THREADS = ("thread", "task", "timer", "spawned", "future")


class Switch(Struct, frozen=True):
    """Why another thread goes on with a step."""

    kind: str
    """`ended`, `blocked`, `conflict`, or `free` where the thread before it could go on and no conflict is known."""
    text: str

    def as_dict(self) -> dict[str, str]:
        """The fields for JSON."""
        return {"reason": self.kind, "text": self.text}


class Access(NamedTuple):
    """An access of a step, or of the step that a thread has come to at the end of the path."""

    step: int
    """The position of the step, from 0; that of the end of the path where it is not made."""
    thread: int
    cell: int
    writes: bool
    past: str
    """What it does to the object, as a participle: `read`."""


class Block(NamedTuple):
    """The steps from `begin` to before `end`, all of one thread."""

    begin: int
    end: int
    thread: int


def blocks_of(threads: Sequence[int]) -> list[Block]:
    """The blocks of a path, given the thread of each step."""
    if not threads:
        return []
    starts = [at for at, thread in enumerate(threads) if not at or thread != threads[at - 1]]
    return [Block(begin, end, threads[begin]) for begin, end in zip(starts, [*starts[1:], len(threads)], strict=True)]


def switches_of(machine: Machine, states: Sequence[State], transitions: Sequence[Transition]) -> dict[int, Switch]:
    """Why each switch of a path is there, by the position of the first step after it, from 0. states: also the last one."""
    if len(transitions) > MOST_STEPS:
        return {}
    blocks = blocks_of([transition.thread for transition in transitions])
    accesses = [*_accesses(machine, states, transitions)]
    holders, followed = Holders(machine), 0
    out: dict[int, Switch] = {}
    for before, block in pairwise(blocks):
        for at in range(followed, block.begin):
            holders.follow(states[at], transitions[at], states[at + 1])
        followed = block.begin
        stopped = _stopped(machine, states[block.begin], before.thread, holders)
        out[block.begin] = stopped or _conflict(machine, states[-1], accesses, before.thread, block)
    return out


def conflict_between(
    accesses: Sequence[Access],
    one: int,
    block: Block,
    names: Sequence[str],
    label: Callable[[int], str],
    *,
    with_others: bool = True,
) -> Switch | None:
    """The conflict for which another thread goes on: with what `one`, the thread before, did or does later.

    names: of the threads, by number; label: the name of an object, empty where it has none; with_others: whether a conflict with
    what any other thread does later explains it as well.
    """
    inside = [access for access in accesses if block.begin <= access.step < block.end]
    before = [access for access in accesses if access.step < block.begin and access.thread == one]
    after = [access for access in accesses if access.step >= block.end and access.thread != block.thread]
    own = [access for access in after if access.thread == one]
    others = [access for access in after if access.thread != one and with_others]
    for some, words in (
        (before[::-1], "`{0}` is {1}, then {2}"),
        *((s, "`{0}` is {2} before it is {1}") for s in (own, others)),
    ):
        told = _told(some, inside, names, label, words)
        if told is not None:
            return Switch("conflict", told)
    return None


def _told(
    others: Sequence[Access], inside: Sequence[Access], names: Sequence[str], label: Callable[[int], str], words: str
) -> str | None:
    """The first conflict of two lists of accesses in words."""
    for other in others:
        for access in inside:
            if access.cell == other.cell and (access.writes or other.writes) and (name := label(access.cell)):
                each = [f"{one.past} by {names[one.thread]}" for one in (other, access)]
                return words.format(name, *each)
    return None


def _stopped(machine: Machine, state: State, number: int, holders: Holders) -> Switch | None:
    """Why a thread cannot go on in a state; None where it can."""
    thread = state.threads[number]
    if thread.pc == ENDED:
        return Switch("ended", f"{thread.who.name} has ended")
    if any(not way.expires for way, _ in machine.following_of(state, number)):
        return None
    stuck = where_at(machine, state, number, holders)
    why = waiting(stuck.operation, str(stuck.object)) if stuck.operation else "waits for its time-out"
    held = (
        f", held by {', '.join(stuck.held_by)}"
        if stuck.held_by and (stuck.operation or "").endswith(".acquire")
        else ""
    )
    return Switch("blocked", f"{thread.who.name} {why}{held}")


def _conflict(machine: Machine, end: State, accesses: Sequence[Access], before: int, block: Block) -> Switch:
    names = [thread.who.name for thread in end.threads]
    found = conflict_between(accesses, before, block, names, lambda cell: _label(machine, cell))
    return found or Switch("free", f"{names[before]} could go on")


def _label(machine: Machine, cell: int) -> str:
    """The name of an object whose accesses can conflict; empty for threads, which only start and end."""
    if cell >= len(machine.slots.kinds) or machine.slots.kinds[cell] in _TO_THREADS:
        return ""
    return machine.slots.label(cell)


def _accesses(machine: Machine, states: Sequence[State], transitions: Sequence[Transition]) -> Iterator[Access]:
    """The accesses of all steps, and of those that threads have come to at the end."""
    for at, transition in enumerate(transitions):
        yield from _of_step(machine, states[at], transition.thread, at, states[at + 1])
    for number, thread in enumerate(states[-1].threads):
        if thread.pc >= 0:
            yield from _of_step(machine, states[-1], number, len(transitions), None)


def _of_step(machine: Machine, state: State, number: int, at: int, after: State | None) -> Iterator[Access]:
    thread = state.threads[number]
    changed = {
        slot
        for slot, value in enumerate(state.cells)
        if after is not None and after.cells[slot] is not value and after.cells[slot] != value
    }
    for slot in sorted({*thread.slots, *changed}):
        kind = machine.slots.kinds[slot] if slot < len(machine.slots.kinds) else ""
        past, writes = _action(machine, thread, kind, slot, is_changed=slot in changed)
        yield Access(at, number, slot, writes, past if after is not None else "wanted")


def _action(machine: Machine, thread: Thread, kind: str, slot: int, *, is_changed: bool) -> tuple[str, bool]:
    """What a thread's next step does to an object, in words, and whether that may change it."""
    instruction, node = machine.instruction_of(thread), machine.node_of(thread)
    op = "" if instruction is None else instruction.op.partition(".")[2]
    is_variable = kind == "variable"
    if slot not in thread.slots:  # one of the steps of an `atomic`
        return ("written" if is_variable else "used"), True
    if node is not None and node.answer is not None:
        return "looked at", False
    if is_variable:
        return ("read", False) if op == "read" else ("written", True)
    if op == "acquire" and not is_changed:
        return "asked for", True
    return _PAST.get(op, "used"), True
