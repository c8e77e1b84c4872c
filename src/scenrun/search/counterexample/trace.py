"""Describes each step of a path: its thread, operation, line and value; and the threads that wait at the end of the path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scenrun.errors import Fault
from scenrun.model.machine import Machine, Transition
from scenrun.model.moves import Move, move_of
from scenrun.model.state import ENDED, LEAVING, State, Thread
from scenrun.program.findings import Stuck
from scenrun.program.primitives.calls import COMPARED, RAISED
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.registry import KINDS
from scenrun.search.counterexample.local_steps import LocalStepRecorder, OwnStep
from scenrun.search.counterexample.switches import Switch, switches_of
from scenrun.search.counterexample.waits import is_cancelled_timer, where_at
from scenrun.search.properties.lock_holders import Holders

LONGEST = 60
"""The most characters of a value."""
_NO_RESULT = ("lock.acquire", "rlock.acquire", "semaphore.acquire", "bounded_semaphore.acquire")
_CHANGES = {
    "read": "{name} is {shown}",
    "write": "{name} = {shown}",
    "assign": "{name} = {shown}",
    "append": "append {shown} to {name}",
    "extend": "append {shown} to {name}",
    "pop": "pop {name} -> {shown}",
    "remove": "pop {name} -> {shown}",
}
"""The descriptions of steps on a variable, by operation."""


class TraceStep(Struct, frozen=True):
    """One step of a counterexample."""

    number: int
    thread: str
    text: str
    """The action in a few words."""
    object: str | None
    value: Any
    """The value that it read, wrote or got; None where there is none to show."""
    line: int | None
    step: str
    """The step in the file, such as `threads.consumer.do[0]`; empty where there is none."""
    move: Move
    broke: tuple[str, ...] = ()
    """The `always` expectations that it breaks."""
    fault: str | None = None
    """The unhandled fault that it raised, which ends its thread."""
    own: tuple[OwnStep, ...] = ()
    """The local actions within it: messages, exceptions and their handlers, conditions, locals."""
    switched: Switch | None = None
    """Where another thread made the step before: why this one goes on."""

    def as_dict(self) -> dict[str, Any]:
        """The fields for JSON; unknown ones are left out."""
        pairs: dict[str, Any] = {
            "number": self.number, "thread": self.thread, "text": self.text, "object": self.object, "line": self.line,
            "step": self.step or None, "op": self.move.op, "phase": self.move.phase or None,
            "expires": self.move.expires or None, "alternative": self.move.alternative or None,
            "value": self.value, "broke": list(self.broke) or None, "fault": self.fault,
            "own": [one.as_dict() for one in self.own] or None,
            "switched": None if self.switched is None else self.switched.as_dict(),
        }  # fmt: skip
        return {name: value for name, value in pairs.items() if value is not None}


class Trace(Struct, frozen=True):
    """The described steps of a path, and the threads at its end."""

    steps: tuple[TraceStep, ...]
    waiting: tuple[Stuck, ...]
    """The threads that have not ended, and what they wait for."""
    state: State
    threads: tuple[str, ...]
    """The names of all threads, in the order of starting."""


def trace_of(machine: Machine, transitions: Sequence[Transition]) -> Trace:
    """Describe a path from the initial state; every transition must be enabled in turn."""
    machine = LocalStepRecorder.over(machine)
    states, holders, steps = [machine.initial()], Holders(machine), []
    for number, transition in enumerate(transitions, 1):
        state = states[-1]
        after = machine.step(state, transition)
        assert after is not None
        steps.append(step_between(machine, number, state, transition, after, tuple(machine.own)))
        holders.follow(state, transition, after)
        states.append(after)
    for at, switch in switches_of(machine, states, transitions).items():
        steps[at] = replace(steps[at], switched=switch)
    state = states[-1]
    live = [n for n, thread in enumerate(state.threads) if thread.pc != ENDED and not is_cancelled_timer(state, thread)]
    waiting = [where_at(machine, state, n, holders) for n in live]
    return Trace(tuple(steps), tuple(waiting), state, tuple(thread.who.name for thread in state.threads))


def step_between(
    machine: Machine, number: int, before: State, transition: Transition, after: State, own: tuple[OwnStep, ...] = ()
) -> TraceStep:
    """Describe one step between two states. number: its position, from 1; own: the local actions within it."""
    thread, now = before.threads[transition.thread], after.threads[transition.thread]
    move = move_of(machine, before, transition)
    instruction = machine.instruction_of(thread)
    is_end = instruction is not None and instruction.op == "end"
    name = machine.slots.label(thread.slots[0]) if thread.slots and thread.pc >= 0 and not is_end else None
    always = machine.program.expectations.always
    broke = tuple(always[n].text for n in after.broken if n not in before.broken and not always[n].is_reached)
    fault = str(now.fault) if now.pc == LEAVING and now.fault is not None else None
    if now.pc == LEAVING and thread.pc == LEAVING:
        fault = None
    value, has_value = _value(machine, before, transition, after)
    if move.op == "choose":
        value, has_value = None, False
    comes = machine.interrupt_of(thread, transition.alternative)
    if comes is not None:
        told = f"is interrupted: {comes.target}"
        return TraceStep(number, thread.who.name, told, None, None, comes.line or None, move.step, move, broke)
    text = _text(move, _with_path(machine, thread, name or None), value, has_value)
    if move.op.startswith("calls."):
        text = _call(thread.arguments)
    if move.op == "choose":
        text = f"takes alternative {move.alternative + 1} of {thread.arguments[0]}"
    return TraceStep(
        number, thread.who.name, text, name or None, value,
        instruction.line or None if instruction is not None else None, move.step, move, broke, fault, own,
    )  # fmt: skip


def _with_path(machine: Machine, thread: Thread, name: str | None) -> str | None:
    """The part of a variable that a step uses, such as `m['k']`."""
    node = machine.node_of(thread)
    if node is None or node.operation is None or "path" not in node.operation.parameters:
        return name
    path = thread.arguments[node.operation.parameters.index("path")]
    return f"{name}{''.join(f'[{part!r}]' for part in path)}"


def _value(machine: Machine, before: State, transition: Transition, after: State) -> tuple[Any, bool]:
    """The value that a step read, wrote or got, and whether there is one to show."""
    thread, now = before.threads[transition.thread], after.threads[transition.thread]
    node = machine.node_of(thread)
    if node is None:
        return None, False
    i = node.instruction
    if i.op in ("variable.write", "queue.put", "simple_queue.put"):
        return thread.arguments[0], True
    if i.op.startswith("own_future.set_"):
        given = thread.arguments[0]
        return (str(given), True) if isinstance(given, Fault) else (given, given is not None)
    if i.op == "future.finish":
        return None, False
    if i.op in ("variable.append", "variable.assign", "variable.extend"):
        return thread.arguments[-1], True
    is_done = now.phase == 0 or now.pc != thread.pc
    if node.into is None or not is_done:
        return None, False
    value = machine.result_of(before, transition)
    if node.operation is not None and node.operation.tells_first and value is not None:
        value = value[0]
    if node.operation is not None and node.operation.makes:
        value = after.threads[-1].who.name
    if value is None or (i.op in _NO_RESULT and value is True):
        return None, i.op == "variable.read"
    return value, True


def _text(move: Move, name: str | None, value: Any, has_value: bool) -> str:
    """The action of a step in a few words."""
    kind, _, verb = move.op.partition(".")
    shown = _short(value) if has_value else ""
    late = " (its time is up)" if move.expires else ""
    if move.op in ("end", "leave", "begin"):
        return {"end": "ends", "leave": "ends with a fault", "begin": "begins"}[move.op] + late
    if kind == "variable":
        return (
            _CHANGES.get(verb, "{verb} {name} -> {shown}")
            .format(verb=verb, name=name, shown=shown)
            .removesuffix(" -> ")
        )
    if move.op == READ:
        return f"reads the clock: {shown} s"
    if move.op == "atomic.begin":
        return "atomic steps"
    if not verb:
        return {"jump": "goes round", "branch": "looks at the clock", "raise": "raises"}.get(move.op, move.op)
    phases = getattr(KINDS.get(kind) and KINDS[kind].operation(verb), "phases", ())
    phase = phases[move.phase].name if move.phase < len(phases) else ""
    more = f": {phase}" if phase else ""
    sign = " <- " if verb == "put" else " -> "
    return f"{verb} {name or ''}".rstrip() + more + (sign + shown if shown else "") + late


def _call(arguments: Sequence[Any]) -> str:
    """The beginning or the end of a call of a behaviour."""
    name, *rest = arguments
    if len(rest) == 1:
        given = ", ".join(_short(value) for value in rest[0] if value is not None and value is not True)
        return f"call {name}({given})"
    result, ended = rest
    return f"{name} {'raises' if ended == RAISED else f'-> {_short(result)}' if ended == COMPARED else 'returns'}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
