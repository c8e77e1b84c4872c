"""Generates a Python generator for each code, with the most frequent operations written out in place of a call, for speed.

`primitives/` defines the meaning of those operations, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenrun.execution.codegen import Compiled, leaders, object_of
from scenrun.execution.simulator.step_writer import Options, StepWriter
from scenrun.program.ir import Code, Instruction
from scenrun.trace.events import LEVELS


class Simulated(Compiled, frozen=True):
    """A code compiled to a generator function of a simulated thread."""

    steps_before: tuple[int, ...] = ()
    """For each instruction, the steps before it in its block that are not counted in `moves` yet."""


def compile_code(
    code: Code, namespace: dict[str, Any], options: Options, writer_of: Callable[..., SimulatedWriter] | None = None
) -> Simulated:
    """Compiles the generator function of a code. `namespace` holds the objects by cell and what the function may call."""
    writer = (writer_of or SimulatedWriter)(code, leaders(code), options)
    return Simulated(**writer.compiled(namespace), steps_before=tuple(writer.steps_before))


class SimulatedWriter(StepWriter):
    """Writes out the most frequent operations; all but those of variables also register the action that `_at_leisure` names."""

    def _variable_read(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = {object_of(i.target)}.value"]

    def _variable_write(self, pc: int, i: Instruction) -> list[str]:
        if self.level > LEVELS["debug"]:
            return [f"{object_of(i.target)}.value = {i.arguments[0]}"]
        return [f"__result = {i.arguments[0]}", f"{object_of(i.target)}.value = __result"]

    def _lock_acquire(self, pc: int, i: Instruction) -> list[str]:
        if i.target is None or i.target.index is not None:
            return self._general(pc, i)
        o, into = object_of(i.target), i.into or "__result"
        slow = self._general(pc, i)
        done = f"{o}.value = True; {o}.took(__me, __t); {into} = True"
        return [
            f"if not {o}.value:",
            f" {o}.value = True; {o}.taken += 1; {o}.since_ns = __t; {o}.owner = __me; __me.waited_ns = 0; {into} = True",
            "else:",
            *(f" {text}" for text in self._at_leisure(pc, i, f"{o}.value", slow, done)),
        ]

    def _at_leisure(self, pc: int, i: Instruction, blocked: str, slow: list[str], done: str) -> list[str]:
        """Returns the path that waits: written out if there is no timeout, as `slow` otherwise.

        `blocked` is the condition under which the thread waits; `done` are the operation's effects once it is false.
        """
        if i.arguments[-2:] != ("None", "True"):
            return slow
        o = object_of(i.target)
        arguments = f"({', '.join(i.arguments)}, )"
        what = f"__me, __a{pc}, ({o}, ), {arguments}, __t"
        return [
            "__since = __t",
            f"__wait({what})",
            self._turn(),
            f"while {blocked}:",
            f" __wait({what}, True)",
            f" {self._turn()}",
            done,
            f"__waited(__me, __a{pc}, ({o}, ), __t - __since, __t)",
        ]

    def _lock_release(self, pc: int, i: Instruction) -> list[str]:
        if i.target is None or i.target.index is not None:
            return self._general(pc, i)
        o = object_of(i.target)
        slow = self._general(pc, i)
        return [
            f"if {o}.value:",
            f" {o}.value = False; __me.held_ns = {o}.gave(__t); __result = None",
            f" if {o}.waiting: __wake({o}, __t)",
            "else:",
            *(f" {text}" for text in slow),
        ]

    def _thread_join(self, pc: int, i: Instruction) -> list[str]:
        slow = self._general(pc, i)
        return [
            f"if {object_of(i.target)}.ended: __me.waited_ns = 0; __result = None",
            "else:",
            *(f" {text}" for text in slow),
        ]

    def _queue_put(self, pc: int, i: Instruction) -> list[str]:
        if (
            i.target is None
            or i.target.index is not None
            or self.options.kind_of(i.target.cell) not in ("fifo", "lifo")
        ):
            return self._general(pc, i)
        o, item = object_of(i.target), i.arguments[0]
        again = Instruction(i.op, i.target, None, ("__item", *i.arguments[1:]), i.into)
        slow = self._general(pc, again)
        done = f"{o}.items.append(__item); {o}.added(); __me.size = len({o}.items); __result = None"
        return [
            f"__item = {item}",
            f"__n = len({o}.items)",
            f"if __n < {o}.maxsize or not {o}.maxsize:",
            f" {o}.items.append(__item); {o}.unfinished += 1; {o}.puts += 1; __me.size = __n = __n + 1; __me.waited_ns = 0",
            " __result = None",
            f" if __n > {o}.largest: {o}.largest = __n",
            f" if {o}.waiting: __wake({o}, __t)",
            "else:",
            *(f" {text}" for text in self._at_leisure(pc, again, f"{o}.maxsize <= len({o}.items)", slow, done)),
        ]

    _simple_queue_put = _queue_put

    def _queue_get(self, pc: int, i: Instruction) -> list[str]:
        kind = self.options.kind_of(i.target.cell) if i.target else ""
        if i.target is None or i.target.index is not None or kind not in ("fifo", "lifo"):
            return self._general(pc, i)
        o, into = object_of(i.target), i.into or "__result"
        slow = self._general(pc, i)
        taken = f"{into} = {o}.items.{'popleft' if kind == 'fifo' else 'pop'}(); {o}.gets += 1"
        done = f"{taken}; __me.size = len({o}.items)"
        return [
            f"if {o}.items:",
            f" {taken}",
            f" __me.size = len({o}.items); __me.waited_ns = 0",
            f" if {o}.waiting: __wake({o}, __t)",
            "else:",
            *(f" {text}" for text in self._at_leisure(pc, i, f"not {o}.items", slow, done)),
        ]

    _simple_queue_get = _queue_get
