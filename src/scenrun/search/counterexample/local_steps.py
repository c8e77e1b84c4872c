"""Records the local actions within one step of the model, which other threads cannot notice: messages logged, exceptions raised
and handled, questions answered, and locals set. Counterexamples show them beside the step."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from msgspec import Struct

from scenrun.errors import Fault
from scenrun.model.machine import Machine, Transition
from scenrun.model.prepared_code import Environment, Failing, Node, evaluated
from scenrun.model.state import State, Thread, Who
from scenrun.program.primitives.kinds import Failed

_HANDLER = re.compile(r"__is_a\(\w+, '(.*)'\)")
"""The condition by which a handler selects its exceptions."""
LONGEST = 44
"""The most characters that are shown of a condition."""
MOST = 50
"""The most local actions kept for one step: a long `atomic` would fill a page."""


class OwnStep(Struct, frozen=True):
    """One local action."""

    thread: str
    """The thread that does it: the one that moves, or one that it starts."""
    kind: str
    """`raised`, `handled`, `logged`, `asked` or `local`."""
    text: str
    """The exception, the name under which it is handled, the message, the condition of an `if` or `while`, or the local."""
    value: Any = None
    """The local's value; whether the condition holds."""
    line: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields for JSON; unknown ones are left out."""
        out = {"thread": self.thread, "kind": self.kind, "text": self.text, "line": self.line}
        out = {name: value for name, value in out.items() if value is not None}
        return {**out, "value": self.value} if self.kind in ("local", "asked") else out

    def __str__(self) -> str:
        match self.kind:
            case "raised":
                return f"! {self.text}"
            case "handled":
                return f"except {self.text}"
            case "logged":
                return f"log: {self.text}"
            case "asked":
                text = self.text if len(self.text) <= LONGEST else f"{self.text[: LONGEST - 1]}…"
                return f"{text} -> {self.value!r}"
            case _:
                return f"{self.text} = {self.value!r}"


class LocalStepRecorder(Machine):
    """A machine that records the local actions of its latest step, by the thread that moves and by a thread that it starts."""

    own: list[OwnStep]
    """The local actions of the latest step, at most `MOST`."""
    _who: Who

    @classmethod
    def over(cls, machine: Machine) -> LocalStepRecorder:
        """A recording machine that shares all data of another one."""
        made = cls.__new__(cls)
        made.__dict__.update(machine.__dict__)
        made.own = []
        made._who = Who("main", "main", 0, 0)
        return made

    def step(self, state: State, transition: Transition) -> State | None:
        """The state after a transition; None where it is not enabled. Starts a new record."""
        self.own = []
        self._who = state.threads[transition.thread].who
        return super().step(state, transition)

    def _note(self, kind: str, text: str, line: int, value: Any = None) -> None:
        if len(self.own) < MOST:
            self.own.append(OwnStep(self._who.name, kind, text, value, line or None))

    def _ran(self, thread: Thread, pc: int, registers: list[Any], cells: list[Any], *, inside: bool = False) -> Thread:
        before, self._who = self._who, thread.who
        try:
            return super()._ran(thread, pc, registers, cells, inside=inside)
        finally:
            self._who = before

    def _done(
        self, thread: Thread, result: Any, slots: tuple[int, ...], cells: list[Any], threads: list[Thread]
    ) -> Thread:
        node = self.node_of(thread)
        name = self._local(node)
        if node is not None and name is not None and not (node.operation and node.operation.makes):
            self._note("local", name, node.instruction.line, result)
        return super()._done(thread, result, slots, cells, threads)

    def _own(
        self, node: Node, pc: int, registers: list[Any], environment: Environment, fault: Fault | None, cells: list[Any]
    ) -> int:
        i = node.instruction
        if i.op == "log" or i.asks:
            self._note_value(node, registers, environment)
        try:
            to = super()._own(node, pc, registers, environment, fault, cells)
        except Failing as failing:
            self._failed_here(node, failing.fault, of_itself=True)
            raise
        if i.op == "let" and (name := self._local(node)) is not None:
            self._note("local", name, i.line, registers[node.into or 0])
        elif i.op == "branch" and to == pc + 1 and (handled := _HANDLER.match(i.arguments[0])):
            self._note("handled", handled[1], i.line)
        return to

    def _note_value(self, node: Node, registers: list[Any], environment: Environment) -> None:
        """Record a message or a condition. The step itself evaluates it once more, so the number of draws is restored."""
        draws, i = environment.random.count, node.instruction
        with contextlib.suppress(Failing):  # the step itself raises it again
            value = evaluated(node.arguments[0], registers, environment)
            if i.asks:
                self._note("asked", i.asks, i.line, bool(value))
            else:
                self._note("logged", str(value), i.line)
        environment.random.count = draws

    def _named(
        self, thread: Thread, node: Node, registers: list[Any], environment: Environment
    ) -> tuple[tuple[int, ...], tuple[Any, ...]]:
        try:
            return super()._named(thread, node, registers, environment)
        except Failing as failing:
            self._failed_here(node, failing.fault)
            raise

    def _failed(self, thread: Thread, failed: Failed, slots: tuple[int, ...], cells: list[Any]) -> Thread:
        self._failed_here(self._node(thread), failed.fault(*(self.slots.label(slot) for slot in slots)))
        return super()._failed(thread, failed, slots, cells)

    def _failed_here(self, node: Node, fault: Fault, *, of_itself: bool = False) -> None:
        """Record an exception; one of an operation that ends its thread is shown by the step itself.

        of_itself: whether what the thread does by itself has raised it, after the step's operation.
        """
        if node.instruction.handler is None and not of_itself:
            return
        on_its_way = [one.text for one in self.own if one.kind == "raised"]
        if node.instruction.op != "raise" or str(fault) not in on_its_way[-1:]:
            self._note("raised", str(fault), node.instruction.line)

    def _local(self, node: Node | None) -> str | None:
        """The name in the file of the local that an instruction sets, or None."""
        if node is None or node.instruction.into is None:
            return None
        return dict(self.codes[self._who.code].code.locals).get(node.instruction.into)
