"""Names transitions by thread, operation and place in the file, and resolves such names along a path of the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from scenrun.model.interruptions import INTERRUPT
from scenrun.model.machine import Machine, Transition
from scenrun.model.own_instructions import NonTerminatingStep
from scenrun.model.state import BEGINNING, ENDED, LEAVING, State, Thread
from scenrun.program.ir import Instruction
from scenrun.program.primitives.thread import TIMERS

COMES = "interrupt"
"""The operation of a move with which an interrupt comes; its step is the interrupt's place in the file."""


class Move(NamedTuple):
    """One transition of a path, by names that survive edits of comments and layout."""

    thread: str
    op: str
    """Such as `queue.get`; `begin` for the start of a task or timer, `end` for the last step, `leave` for an unhandled fault."""
    step: str = ""
    """The step in the file, such as `threads.consumer.do[0]`; empty where there is none."""
    phase: int = 0
    """The number of the operation's atomic action, from 0: a condition's wait has several."""
    expires: bool = False
    """Whether the thread's time-out fires."""
    alternative: int = 0
    """The alternative that is taken, from 0."""
    function: str = ""
    """For a step of the user's own code: the function, such as `counters:Counter.add`, and the text of the line."""
    source: str = ""
    inner: bool = False
    """Whether the step is in other code that this line calls, which may be different in another version of Python."""

    def __str__(self) -> str:
        where = f" at {self.step}" if self.step else f" at `{self.source}`" if self.source else ""
        more = f", action {self.phase + 1}" if self.phase else ""
        return f"{self.thread}: {self.op}{where}{more}{', its time is up' if self.expires else ''}"


class Diverged(Exception):
    """A move of a path, counted from 0, is not enabled in the program; the message says why."""

    def __init__(self, number: int, message: str) -> None:
        self.number = number
        self.message = message
        super().__init__(message)


class ResolvedMove(Struct, frozen=True):
    """A move with the transition of the model that it names."""

    move: Move
    transition: Transition
    pc: int
    """The instruction that it executes; `BEGINNING` or `LEAVING` where it is none."""
    is_void: bool
    """Whether nothing is executed in it: the start of a task that was cancelled while it waited in line."""


class Path(Struct, frozen=True):
    """Moves that are enabled one after another, and the state that they lead to."""

    made: tuple[ResolvedMove, ...]
    state: State

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves by name."""
        return tuple(made.move for made in self.made)


def moves_of(machine: Machine, transitions: Iterable[Transition]) -> tuple[Move, ...]:
    """The names of transitions taken from the initial state; raises Diverged at the first one that is not enabled."""
    state, out = machine.initial(), []
    for number, transition in enumerate(transitions):
        out.append(move_of(machine, state, transition))
        after = machine.step(state, transition)
        if after is None:
            raise Diverged(number, f"choice {number + 1:,} is not enabled: {out[-1]}")
        state = after
    return tuple(out)


def choices_of(machine: Machine, moves: Iterable[Move]) -> list[Transition]:
    """The transitions that moves name; raises Diverged at the first one that is not enabled."""
    return [made.transition for made in path_of(machine, moves).made]


def path_of(machine: Machine, moves: Iterable[Move]) -> Path:
    """Take moves one after another from the initial state; raises Diverged at the first one that is not enabled."""
    state, out = machine.initial(), []
    for number, move in enumerate(moves):
        if machine.is_over(state):
            raise Diverged(number, f"move {number + 1:,} ({move}): everyone who must end has ended by then")
        at = _number_of(state, move.thread)
        transition = Transition(-1 if at is None else at, move.expires, _alternative(machine, state, at, move))
        after = None
        if at is not None and _fits(machine, state, transition, move):
            after = _stepped(machine, state, transition, number)
        if after is None or at is None:
            raise Diverged(number, f"move {number + 1:,} ({move}): {_why_not(machine, state, at, move)}")
        before = state.threads[at]
        out.append(ResolvedMove(move, transition, before.pc, _is_void(before, after.threads[at])))
        state = after
    return Path(tuple(out), state)


def move_of(machine: Machine, state: State, transition: Transition) -> Move:
    """The name of a transition in a state."""
    thread = state.threads[transition.thread]
    if (comes := machine.interrupt_of(thread, transition.alternative)) is not None:
        return Move(thread.who.name, COMES, machine.program.path_of(comes))
    instruction = machine.instruction_of(thread)
    step = instruction.step if instruction is not None else ""
    return Move(
        thread.who.name, _op(thread, instruction), step, thread.phase, transition.expires, transition.alternative
    )


def _op(thread: Thread, instruction: Instruction | None) -> str:
    if thread.pc in (BEGINNING, LEAVING):
        return "begin" if thread.pc == BEGINNING else "leave"
    return instruction.op if instruction is not None else "nothing"


def _number_of(state: State, name: str) -> int | None:
    return next((number for number, thread in enumerate(state.threads) if thread.who.name == name), None)


def _alternative(machine: Machine, state: State, at: int | None, move: Move) -> int:
    """The alternative of a move's transition: that of an interrupt, where one comes with it."""
    if move.op != COMES or at is None:
        return move.alternative
    known = machine.program.interrupts_of(state.threads[at].who.group)
    paths = [machine.program.path_of(one) for one in known]
    return INTERRUPT - paths.index(move.step) if move.step in paths else move.alternative


def _fits(machine: Machine, state: State, transition: Transition, move: Move) -> bool:
    return state.threads[transition.thread].pc != ENDED and move_of(machine, state, transition) == move


def _stepped(machine: Machine, state: State, transition: Transition, number: int) -> State | None:
    """The state after a transition that a search could take: a time-out fires only for a blocked thread."""
    if machine.reads_clock(state.threads[transition.thread]):
        return machine.step(state, transition)
    try:
        return next(
            (after for found, after in machine.following_of(state, transition.thread) if found == transition), None
        )
    except NonTerminatingStep as error:
        raise Diverged(number, f"move {number + 1:,}: {error}") from None


def _is_void(before: Thread, after: Thread) -> bool:
    return before.pc == BEGINNING and after.pc == ENDED and before.who.kind not in TIMERS


def _why_not(machine: Machine, state: State, at: int | None, move: Move) -> str:
    """Why a move is not enabled, as the end of a sentence."""
    if at is None:
        return f"{move.thread} has not been started then"
    thread = state.threads[at]
    if thread.pc == ENDED:
        return f"{move.thread} has ended by then"
    instruction = machine.instruction_of(thread)
    now = move_of(machine, state, Transition(at, move.expires, _alternative(machine, state, at, move)))
    if now != move:
        return f"{move.thread} is about to do {now.op}{_place(instruction, now)} instead"
    if machine.step(state, Transition(at)) is not None:
        if move.expires:
            return f"its time cannot be up, as it need not wait{_place(instruction, now)}"
        return f"there is no alternative {move.alternative}{_place(instruction, now)}"
    if move.expires:
        return f"it waits without a time-out{_place(instruction, now)}"
    return f"it cannot move, as it has to wait{_for(machine, thread)}{_place(instruction, now)}"


def _for(machine: Machine, thread: Thread) -> str:
    label = machine.slots.label(thread.slots[0]) if thread.slots else ""
    return f" for {label}" if label else ""


def _place(instruction: Instruction | None, move: Move) -> str:
    if instruction is None:
        return ""
    return f" at {instruction.step or 'its end'} (line {instruction.line})" if instruction.line else f" at {move.step}"


def cycled(moves: Sequence[Move], cycle_from: int | None, turns: int = 3) -> tuple[Move, ...]:
    """The moves, with the cycle repeated `turns` times in all."""
    if cycle_from is None:
        return tuple(moves)
    return (*moves[:cycle_from], *(tuple(moves[cycle_from:]) * turns))
