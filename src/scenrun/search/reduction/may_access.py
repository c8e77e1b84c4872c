"""Static analysis of the accesses that a thread may still make from each instruction on, for partial-order reduction.

Which of an array's objects an instruction refers to is found by constant propagation, for each thread by itself: a
philosopher's two forks are known although the code says `forks[index]`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scenrun.errors import Fault
from scenrun.model.machine import Machine
from scenrun.model.prepared_code import Environment, Failing, Node, Ready, evaluated
from scenrun.model.state import BEGINNING, LEAVING, UNSET, Thread, Who
from scenrun.program.control_flow import successors
from scenrun.program.exceptions import FROM_EXPRESSIONS
from scenrun.program.ir import CellRef, Instruction
from scenrun.program.primitives.kinds import Kind, Operation
from scenrun.program.primitives.registry import KINDS, operation
from scenrun.program.values import key
from scenrun.search.space.footprint import Touches

_UNKNOWN: Any = object()
"""A register that may have more than one value."""


class Effects(Struct, frozen=True):
    """The reads and writes of a step or of many, as bits: one for each declared cell, and some for other shared things."""

    reads: int = 0
    writes: int = 0

    def __or__(self, other: Effects) -> Effects:
        return Effects(self.reads | other.reads, self.writes | other.writes)

    def conflicts(self, other: Effects) -> bool:
        """Whether the two may be dependent: one writes what the other reads or writes."""
        return bool(self.writes & (other.reads | other.writes) or self.reads & other.writes)


NONE = Effects()


class Guard(Struct, eq=False):
    """An instruction ahead of a thread whose operation waits, as long as its guard is false, until some cells change."""

    pc: int
    slots: tuple[int, ...]
    node: Node
    arguments: tuple[Any, ...]

    def stands(self, cells: Sequence[Any], me: int) -> bool:
        """Whether the guard is closed: the operation is not enabled with these cells for the thread numbered `me`."""
        operation = self.node.operation
        assert operation is not None
        values = tuple([cells[slot] for slot in self.slots])
        try:
            return operation.phases[0].act(values, me, self.arguments, None) is None
        except (Fault, *FROM_EXPRESSIONS):
            return False


class Ahead(Struct, eq=False):
    """The analysis of one thread: effects, successors and guards, each by instruction."""

    effects: list[Effects]
    following: list[list[int]]
    guards: dict[int, Guard]


class MayAccess:
    """The accesses that a thread at one instruction may make: in its next step, and before it passes given guards."""

    def __init__(self, thread: Thread, following: Effects, own: Effects, ahead: Ahead) -> None:
        self.thread = thread
        self.next = following
        self._own = own
        self._ahead = ahead
        self._known: dict[frozenset[int], Effects] = {}
        reached = self._reached(frozenset())
        self.guards = [guard for pc, guard in sorted(ahead.guards.items()) if pc in reached]

    def left(self, standing: frozenset[int]) -> Effects:
        """All effects that the thread, and threads that it starts, may still have without passing the guards at `standing`."""
        if standing not in self._known:
            found = self._own | self.next
            if self.thread.pc >= 0:  # its next step may start a thread
                found |= self._ahead.effects[self.thread.pc]
            for pc in self._reached(standing):
                found |= self._ahead.effects[pc]
            self._known[standing] = found
        return self._known[standing]

    def _reached(self, standing: frozenset[int]) -> set[int]:
        """The instructions that the thread may still execute after its next step, up to the guards at `standing`."""
        pc = self.thread.pc
        if pc == BEGINNING:
            waiting = [0]
        else:
            waiting = list(self._ahead.following[pc]) if pc >= 0 else []
        seen: set[int] = set()
        while waiting:
            at = waiting.pop()
            if at in seen or at in standing:
                continue
            seen.add(at)
            waiting += self._ahead.following[at]
        return seen


class MayAccesses:
    """Computes the effects of threads: of their next step, and of all that may follow."""

    def __init__(self, machine: Machine, touches: Touches) -> None:
        self.machine = machine
        self.touches = touches
        count = len(machine.slots.cells)
        self._made, self._starting, self._life = 1 << count, 1 << count + 1, 1 << count + 2
        """The bits of what is no declared cell: all objects made at run time; the list of threads; whether daemons may go on."""
        always = machine.program.expectations.always
        joined = [slot for slot, kind in enumerate(machine.slots.kinds) if _is_joined(KINDS[kind])]
        self.ends = {slot: 1 << count + 3 + len(always) + at for at, slot in enumerate(joined)}
        """By thread's own cell, the bit of its end. What touches the cell touches it, but for a join that is still ahead: it is
        not enabled before the end, and an end need not be ordered with what cannot come before it."""
        self.width = count + 3 + len(always) + len(joined)
        """The number of bits."""
        self._observed = [(self.bits(touches.slots_of(o.cells)), 1 << count + 3 + n) for n, o in enumerate(always)]
        self._has_daemons = machine.program.has_daemons
        self._ahead_of: dict[tuple[str, int], Ahead] = {}
        self._coarse = self._totals()

    # --- a thread

    def of(self, thread: Thread) -> MayAccess:
        """The accesses that a thread may make."""
        who = thread.who if thread.handler is None else replace(thread.who, code=thread.code)
        place = (who.name, who.code)
        if place not in self._ahead_of:
            self._ahead_of[place] = self._ahead(self.machine.codes[who.code], who)
        own = self._complete(self._end(who), who.daemon)
        return MayAccess(thread, self._next(thread), own, self._ahead_of[place])

    def _next(self, thread: Thread) -> Effects:
        """The effects of a thread's next step."""
        node = self.machine.node_of(thread)
        if thread.pc == LEAVING or (node is not None and node.instruction.op == "end"):
            return self._complete(self._end(thread.who), thread.who.daemon)
        touched = self.touches.of(thread)
        found = Effects(self.bits(touched.reads), self.bits(touched.writes))
        found |= self._ending(thread.who) if node is None else self._beside(node)
        return self._complete(found, thread.who.daemon)

    def _end(self, who: Who) -> Effects:
        """The effects of a thread's last step."""
        own = who.slots[:1]
        is_joined = who.kind is not None and own[0] in self.ends
        bits = self.ends[own[0]] if is_joined else self.bits(frozenset(self.machine.slots_of_end(who)))
        return Effects(bits, bits) | self._ending(who)

    def _complete(self, effects: Effects, daemon: bool) -> Effects:
        """The effects with the reads of each `always` whose cells change, and for a daemon with the read of what may end it."""
        reads, writes = effects.reads, effects.writes
        for cells, bit in self._observed:
            if writes & cells:
                reads, writes = reads | cells, writes | bit
        if daemon:
            reads |= self._life
        return Effects(reads, writes)

    def _ending(self, who: Who) -> Effects:
        return Effects(0, self._life) if self._has_daemons and not who.daemon else NONE

    def bits(self, slots: Iterable[int]) -> int:
        """The bits of some cells and, where they are threads, of their ends."""
        bits, count = 0, len(self.machine.slots.cells)
        for slot in slots:
            bits |= 1 << slot | self.ends.get(slot, 0) if slot < count else self._made
        return bits

    def _beside(self, node: Node) -> Effects:
        """The effects of an instruction on what is no declared object."""
        i = node.instruction
        if i.code is not None:
            return Effects(0, self._starting | (self._made if node.operation and node.operation.makes else 0))
        return Effects(self._made, self._made) if node.is_held else NONE

    # --- codes

    def _totals(self) -> list[Effects]:
        """For each code all its effects, in any thread, with those of the threads that it may start; a least fixpoint."""
        program = self.machine.program
        totals = [NONE] * len(program.codes)
        while True:
            before = list(totals)
            self._coarse = totals
            for code in program.codes:
                ready = self.machine.codes[code.number]
                for node in ready.nodes:
                    totals[code.number] |= self._effects(node, None, None)
            if totals == before:
                return totals

    def _ahead(self, ready: Ready, who: Who) -> Ahead:
        """The effects of each instruction of a thread, and its guards."""
        known = self._constants(ready, who)
        nodes = ready.nodes
        effects = [self._complete(self._effects(node, known[pc], who), who.daemon) for pc, node in enumerate(nodes)]
        guards = {
            pc: guard for pc, node in enumerate(nodes) if (guard := self._wall(pc, node, known[pc], who)) is not None
        }
        return Ahead(effects, [successors(ready.code, pc) for pc in range(len(nodes))], guards)

    def _wall(self, pc: int, node: Node, registers: list[Any] | None, who: Who) -> Guard | None:
        """The guard of an instruction that waits on a known object without a time-out; None for any other instruction."""
        i, known = node.instruction, node.operation
        if known is None or not known.freed_by or registers is None or i.target is None:
            return None
        slots = self._one(i.target, node.index, registers, who)
        slots_of_code = self.machine.codes[who.code].slots
        pairs = zip(i.arguments, node.arguments, strict=True)
        arguments = tuple(self._value(text, evaluate, registers, slots_of_code, who) for text, evaluate in pairs)
        timeout = known.timeout_at
        if slots is None or (timeout is not None and arguments[timeout] is not None):
            return None
        # Whether a put is enabled does not depend on its item, which therefore may be unknown.
        if any(value is _UNKNOWN and name != "item" for name, value in zip(known.parameters, arguments, strict=True)):
            return None
        return Guard(pc, slots, node, arguments)

    def _one(self, ref: CellRef, index: Any, registers: list[Any], who: Who) -> tuple[int, ...] | None:
        """The slots of the object that a reference denotes; None where it is not known."""
        where = self.machine.slots.of_cell[ref.cell]
        if isinstance(where, int):
            return self.machine.slots.named(where)
        at = self._value(ref.index or "", index, registers, self.machine.codes[who.code].slots, who)
        if not isinstance(at, int) or not -len(where) <= at < len(where):
            return None
        return self.machine.slots.named(where[at])

    def _effects(self, node: Node, registers: list[Any] | None, who: Who | None) -> Effects:
        """The effects of one instruction, with those of a thread that it starts; without `registers`, in any thread."""
        i = node.instruction
        found = self._beside(node)
        if i.target is not None:
            slots = self._meant(i.target, node.index, registers, who)
            if i.lock is not None:
                slots |= self._meant(i.lock, node.lock_index, registers, who)
            bits = self.bits(slots)
            known = operation(i.op)
            changes = known is not None and (known.writes or i.op == "future.result")
            if known is not None and self._awaits_end(known, i):
                bits &= (1 << len(self.machine.slots.cells)) - 1
            found |= Effects(bits, bits if changes else 0)
        if i.code is not None:
            found |= self._coarse[i.code] | Effects(0, self._life if self._has_daemons else 0)
        return found

    def _awaits_end(self, known: Operation, i: Instruction) -> bool:
        """Whether an instruction is a join without a time-out of threads that only their last step ends."""
        assert i.target is not None
        where = self.machine.slots.of_cell[i.target.cell]
        return (
            known.freed_by == ("end",)
            and not known.writes
            and known.timeout_at is not None
            and i.arguments[known.timeout_at] == "None"
            and all(slot in self.ends for slot in (where if isinstance(where, list) else [where]))
        )

    def _meant(self, ref: CellRef, index: Any, registers: list[Any] | None, who: Who | None) -> frozenset[int]:
        """The slots that a reference may denote."""
        if registers is not None and who is not None and (one := self._one(ref, index, registers, who)) is not None:
            return frozenset(one)
        return self.touches.slots_of(frozenset([ref.cell]))

    # --- constants

    def _constants(self, ready: Ready, who: Who) -> list[list[Any] | None]:
        """For each instruction, the constant value of each register before it, or _UNKNOWN; None where it is unreachable."""
        before: list[list[Any] | None] = [None] * len(ready.nodes)
        first = [UNSET] * ready.size
        for at, _ in ready.parameters:
            first[at] = _UNKNOWN
        before[0] = first
        waiting = [0]
        while waiting:
            pc = waiting.pop()
            node, registers = ready.nodes[pc], before[pc]
            assert registers is not None
            after = self._transfer(node, registers, ready.slots, who)
            for following in successors(ready.code, pc):
                # A handler may be entered before the instruction has stored its result, so both states are merged.
                merged = _merged(before[following], after, registers if node.instruction.handler else None)
                if merged is not None:
                    before[following] = merged
                    waiting.append(following)
        return before

    def _transfer(self, node: Node, registers: list[Any], slots: dict[str, int], who: Who) -> list[Any]:
        i = node.instruction
        if i.op == "forget":
            return _with(registers, node.into, UNSET)
        if node.into is None:
            return registers
        value = _UNKNOWN
        if i.op == "let":
            value = self._value(i.arguments[0], node.arguments[0], registers, slots, who)
        return _with(registers, node.into, value)

    def _value(self, text: str, evaluate: Any, registers: list[Any], slots: dict[str, int], who: Who) -> Any:
        """The constant value of an expression; _UNKNOWN where it is not constant."""
        names = {node.id for node in ast.walk(ast.parse(text or "None", mode="eval")) if isinstance(node, ast.Name)}
        if "random" in names or "__remaining" in names:
            return _UNKNOWN
        if any(registers[slots[name]] is _UNKNOWN or registers[slots[name]] is UNSET for name in names & slots.keys()):
            return _UNKNOWN
        try:
            return evaluated(evaluate, registers, Environment(self.machine.seed, who.name, who.index))
        except Failing:
            return _UNKNOWN


def _is_joined(kind: Kind) -> bool:
    """Whether objects of a kind are threads whose joins go on at their last step alone; a task's do also when it is cancelled."""
    return kind.end is not None and kind.beside is None


def _with(registers: list[Any], at: int | None, value: Any) -> list[Any]:
    out = list(registers)
    out[at or 0] = value
    return out


def _merged(known: list[Any] | None, *more: list[Any] | None) -> list[Any] | None:
    """The join of the register states at an instruction, with _UNKNOWN where they differ; None if it equals `known`."""
    out = known
    for registers in more:
        if registers is None:
            continue
        out = (
            list(registers)
            if out is None
            else [a if _same(a, b) else _UNKNOWN for a, b in zip(out, registers, strict=True)]
        )
    if out is None or (known is not None and all(a is b or _same(a, b) for a, b in zip(known, out, strict=True))):
        return None
    return out


def _same(one: Any, other: Any) -> bool:
    return one is other or (one is not _UNKNOWN and other is not _UNKNOWN and key(one) == key(other))
