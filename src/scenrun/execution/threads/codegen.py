"""Generates a Python function for each code whose steps operate on real objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from scenrun.execution.codegen import Compiled, Writer, counts, leaders, object_of
from scenrun.program.control_flow import is_noticed, steps_of
from scenrun.program.ir import Code, Instruction
from scenrun.program.primitives.registry import is_attribute, operation
from scenrun.trace.events import LEVELS

OBJECTLESS = {"spawned": "__spawner", "future": "__futures"}
"""Kinds that locals hold, and the name of the executor's object that does their operations."""


class Options(Struct, frozen=True):
    """What the generated code does beside the steps themselves: logging, counting, locking, leaving."""

    level: int
    """Records below this level are not made."""
    count_steps: bool
    """Whether there is a limit of steps."""
    guarded: frozenset[int]
    """Variables that are accessed by methods: those under the hidden lock, and those that are changed in part."""
    interrupted: frozenset[int] = frozenset()
    """Codes of threads in which interrupts come."""
    of_daemons: frozenset[int] = frozenset()
    """Codes that a daemon may run: it is cut off before its next step, not only at the next turn of a loop."""


def compile_code(
    code: Code, namespace: dict[str, Any], options: Options, writer_of: Callable[..., RealWriter] | None = None
) -> Compiled:
    """Compiles the function of a code. `namespace` holds the objects by cell (`__o3`) and what the function may call."""
    return Compiled(**(writer_of or RealWriter)(code, leaders(code), options).compiled(namespace))


class RealWriter(Writer):
    """Writes a function whose steps operate on real objects."""

    now = "__now()"
    room = "__wait_for_room(__me)"

    def __init__(self, code: Code, blocks: tuple[int, ...], options: Options) -> None:
        super().__init__(code, blocks, options.level)
        self.options = options

    def opening(self) -> list[str]:
        """Fetches what expressions use of their thread."""
        return ["random = __me.random", "index = __me.index", "name = __me.name"]

    def turn_begins(self) -> list[str]:
        """Ends a thread that is cut off, at the next turn of a loop."""
        return ["if __me.cut: raise __Cut"]

    def caught(self) -> list[str]:
        """Goes on at the handler's block."""
        return ["__pc = __caught(__me, __error)"]

    def block_begins(self, start: int, end: int) -> list[str]:
        """Counts the steps of a block, if there is a limit."""
        if not self.options.count_steps:
            return []
        return [f"__me.steps += {sum(counts(i) for i in self.code.instructions[start:end])}"]

    def _instruction(self, pc: int, i: Instruction) -> Iterable[str]:
        lines = super()._instruction(pc, i)
        if self.code.number in self.options.interrupted and pc in steps_of(self.code):
            lines = [f"if __me.coming: __me.coming.before(__s{pc})", *lines]
        if self.code.number in self.options.of_daemons and is_noticed(i):
            return ["if __me.cut: raise __Cut", *lines]
        return lines

    def op_sleep(self, pc: int, i: Instruction) -> list[str]:
        return self.traced(pc, i, [f"__sleep(__me, __s{pc}, {i.arguments[0]})"], "None", "None")

    def op_work(self, pc: int, i: Instruction) -> list[str]:
        return self.traced(pc, i, [f"__work(__me, __s{pc}, {i.arguments[0]})"], "None", "None")

    def op_atomic_begin(self, pc: int, i: Instruction) -> list[str]:
        return ["__hidden.acquire()", "__me.atomic = True"]

    def op_atomic_end(self, pc: int, i: Instruction) -> list[str]:
        return [f"__atomic_end(__me, __s{pc})"]

    # --- operations on shared objects

    def operation(self, pc: int, i: Instruction) -> list[str]:
        kind, _, name = i.op.partition(".")
        if kind == "variable" and i.target and i.target.cell not in self.options.guarded:
            return self._plain_variable(pc, i, name)
        known = operation(i.op)
        target = OBJECTLESS.get(kind) or object_of(i.target)
        if known is None:
            return self._question(pc, i, kind, name, target)
        into = i.into or ("" if self.level > LEVELS["debug"] else "__result")
        return self.operated(
            pc, i, known, lambda again: [f"{into and f'{into} = '}{self._done_to(target, name, pc, again)}"]
        )

    @staticmethod
    def _done_to(target: str, name: str, pc: int, i: Instruction) -> str:
        return f"{target}.{name}(__me, __s{pc}{''.join(f', {a}' for a in i.arguments)})"

    def _plain_variable(self, pc: int, i: Instruction, name: str) -> list[str]:
        target = object_of(i.target)
        # without a method call, so that threads interleave as they do at a plain Python attribute
        if name == "read":
            return self.traced(pc, i, [f"{i.into} = {target}.value"], target, str(i.into))
        value = i.arguments[0]
        if self.level > LEVELS["debug"]:
            return [f"{target}.value = {value}"]
        return self.traced(pc, i, [f"__result = {value}", f"{target}.value = __result"], target, "__result")

    def _question(self, pc: int, i: Instruction, kind: str, name: str, target: str) -> list[str]:
        arguments = i.arguments[0] if i.arguments else ""
        text = f"{target}.{name}" if is_attribute(i.op) else f"{target}.{name}({arguments})"
        return self.traced(pc, i, [f"{i.into} = {text}"], self.about_whom(i), str(i.into))
