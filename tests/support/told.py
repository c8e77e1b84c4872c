"""The model as a debug log tells of it: with messages as steps, real draws, and what a step gave beside the state after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scenrun.model.machine import Machine, Transition
from scenrun.model.prepared_code import Failing
from scenrun.model.state import BEGINNING, ENDED, State, Thread, Who
from scenrun.program.ir import Instruction, Program
from scenrun.program.primitives.kinds import Outcome
from scenrun.program.primitives.registry import operation
from scenrun.program.sets import Set
from scenrun.trace.recorder import add_shown, event_of

Line = dict[str, Any]
SILENT = ("jump", "branch", "choose", "atomic.begin")
"""Steps without a line of their own."""


class Told(Machine):
    """The model with messages as steps, in which a `choose` draws as the real threads do."""

    def __init__(self, program: Program, seed: int) -> None:
        super().__init__(program, seed, folded=frozenset())
        self.inside: list[tuple[Instruction, Any]] = []
        """The operations of the latest step that was an `atomic`, with what each gave."""
        self.in_vain: list[Instruction] = []
        """The operations that the latest step led to and whose arguments failed: announced, and never done."""
        self.first_in_vain: dict[str, list[Instruction]] = {}
        """For each thread, those at its very beginning."""
        self._begins = False

    def given(self, state: State, transition: Transition) -> tuple[Outcome, State | None]:
        """What a transition gives, and the state after it."""
        thread = state.threads[transition.thread]
        if thread.pc == ENDED:
            return None, None
        self.inside, self.in_vain = [], []
        outcome = self._outcome(state, transition, thread)
        return outcome, None if outcome is None else self._after(state, transition, thread, outcome)

    def transitions(self, state: State, number: int) -> Iterator[Transition]:
        """The transitions of a thread that may be enabled; those in which its time is up come last."""
        thread = state.threads[number]
        for alternative in range(self.alternatives(thread)):
            if thread.pc < 0 or self._node(thread).instruction.op != "choose" or alternative == self._drawn(thread):
                yield Transition(number, False, alternative)
        yield Transition(number, True)

    def _drawn(self, thread: Thread) -> int:
        return int(self._environment(thread).random.bits() * thread.arguments[0] >> 64)

    def _named(self, thread: Thread, node: Any, *more: Any) -> Any:
        try:
            return super()._named(thread, node, *more)
        except Failing:
            if has_about(node.instruction):
                (self.first_in_vain[thread.who.name] if self._begins else self.in_vain).append(node.instruction)
            raise

    def _begun(self, who: Who, given: tuple[Any, ...]) -> Thread:
        self.first_in_vain.pop(who.name, None)
        return super()._begun(who, given)

    def _ran(self, thread: Thread, pc: int, *more: Any, **options: Any) -> Thread:
        self._begins = (thread.pc, pc) == (BEGINNING, 0) or (pc == 0 and thread.who.name not in self.first_in_vain)
        if self._begins:
            self.first_in_vain[thread.who.name] = []
        return super()._ran(thread, pc, *more, **options)

    def _at_once(self, node: Any, registers: list[Any], environment: Any, cells: list[Any]) -> None:
        super()._at_once(node, registers, environment, cells)
        instruction = node.instruction
        self.inside.append((instruction, registers[node.into] if node.into is not None else None))


def is_about(line: Line, instruction: Instruction) -> bool:
    """Whether a line announces an instruction."""
    told = (line["event"], line.get("step"), line.get("line"))
    return told == (event_of(instruction.op, "about"), instruction.step, instruction.line)


def is_question(instruction: Instruction) -> bool:
    return "." in instruction.op and operation(instruction.op) is None and not instruction.op.startswith("atomic.")


def has_about(instruction: Instruction) -> bool:
    known = operation(instruction.op)
    return instruction.op in ("sleep", "work", "call") or (known is not None and known.about is not None)


def has_done(instruction: Instruction) -> bool:
    known = operation(instruction.op)
    if known is None:
        return instruction.op in ("sleep", "work", "call", "log") or is_question(instruction)
    return known.done is not None


def shown(instruction: Instruction, arguments: Sequence[Any]) -> Line:
    """The fields in which the `done` line of an operation shows its arguments."""
    fields: Line = {}
    if (known := operation(instruction.op)) is not None and known.shows:
        named = dict(zip(known.parameters, arguments, strict=True))
        add_shown(fields, known.shows, [named[name] for name in known.shows])
    return fields


def plain(value: Any) -> Any:
    """A value with threads and futures under their names: the model and the real run have handles of their own."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | Set):
        return [plain(item) for item in value]
    return str(value) if value.__class__.__name__ == "Handle" else value
