"""Generates a Python function for each code whose steps operate on real objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from scenrun.execution.codegen import Compiled, Writer, counts, leaders, object_of
from scenrun.execution.site import Site
from scenrun.program.control_flow import is_noticed
from scenrun.program.ir import Code, Instruction
from scenrun.program.primitives.registry import is_attribute, operation
from scenrun.trace.events import LEVELS

OBJECTLESS = {"spawned": "__spawner", "future": "__futures"}
"""Kinds that locals hold, and the name of the executor's object that does their operations."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the generated code does beside the steps themselves: logging, counting, locking, leaving."""

    level: int
    """Records below this level are not made."""
    count_steps: bool
    """Whether there is a limit of steps."""
    guarded: frozenset[int]
    """Variables that are accessed by methods: those under the hidden lock, and those that are changed in part."""
    of_daemons: frozenset[int] = frozenset()
    """Codes that a daemon may run: it is cut off before its next step, not only at the next turn of a loop."""


def compile_code(
    code: Code, namespace: dict[str, Any], options: Options, writer_of: Callable[..., RealWriter] | None = None
) -> Compiled:
    """Compiles the function of a code. `namespace` holds the objects by cell (`__o3`) and what the function may call."""
    sites = tuple(Site(code.number, pc, i) for pc, i in enumerate(code.instructions))
    blocks = leaders(code)
    generator = (writer_of or RealWriter)(code, blocks, options)
    lines = generator.function()
    scope = {**namespace, **{f"__s{site.pc}": site for site in sites}}
    exec(compile("\n".join(lines), f"<scenrun {code.name}>", "exec"), scope)
    return Compiled(
        scope["__code"], sites, tuple(generator.first_lines), blocks, dict(code.locals), tuple(generator.unshown_before)
    )


class RealWriter(Writer):
    """Writes a function whose steps operate on real objects."""

    def __init__(self, code: Code, blocks: tuple[int, ...], options: Options) -> None:
        super().__init__(code, blocks, options.level)
        self.options = options

    def function(self) -> list[str]:
        """Returns the lines of the function."""
        self._line(0, "def __code(__me):")
        for text in ("random = __me.random", "index = __me.index", "name = __me.name", "__pc = 0"):
            self._line(1, text)
        if self.code.parameters:
            self._line(1, f"{', '.join(self.code.parameters)}, = __me.arguments")
        if self.code.locals:  # never run, but it makes every local a local of the function, set or not
            self._line(1, f"if 0: {' = '.join(register for register, _ in self.code.locals)} = None")
        self._line(1, "while True:")
        self._line(2, "try:")
        self._line(3, "while True:")
        self._line(4, "if __me.cut: raise __Cut")
        self._choose(4, 0, len(self.blocks))
        self._line(2, "except Exception as __error:")
        self._line(3, "__pc = __caught(__me, __error)")
        return self.lines

    def block_begins(self, start: int, end: int) -> list[str]:
        """Counts the steps of a block, if there is a limit."""
        if not self.options.count_steps:
            return []
        return [f"__me.steps += {sum(counts(i) for i in self.code.instructions[start:end])}"]

    def _instruction(self, pc: int, i: Instruction) -> Iterable[str]:
        lines = super()._instruction(pc, i)
        if self.code.number in self.options.of_daemons and is_noticed(i):
            return ["if __me.cut: raise __Cut", *lines]
        return lines

    def op_log(self, pc: int, i: Instruction) -> list[str]:
        text, fields = i.arguments
        if LEVELS[i.option("level")] < self.level:
            return self.unshown_draws(i) or ["pass"]
        return [
            f"__emit((__now(), __me, __s{pc}, 'message', {text}, {fields}))",
            "if len(__records) > __room: __wait_for_room(__me)",
        ]

    def op_sleep(self, pc: int, i: Instruction) -> list[str]:
        return self._traced(pc, i, f"__sleep(__me, __s{pc}, {i.arguments[0]})", "None")

    def op_work(self, pc: int, i: Instruction) -> list[str]:
        return self._traced(pc, i, f"__work(__me, __s{pc}, {i.arguments[0]})", "None")

    def op_choose(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = random.bits() * {i.arguments[0]} >> 64"]

    def op_deadline(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = __now() + {i.arguments[0]}"]

    def op_call(self, pc: int, i: Instruction) -> list[str]:
        result = i.into or "__result"
        return self._traced(pc, i, f"{result} = __call(__me, __s{pc}, {i.arguments[0]})", "None", result)

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
        if self.level > LEVELS["debug"]:
            text = self._done_to(target, name, pc, i)
            return [f"{i.into} = {text}" if i.into else text]
        # `about` is appended before the effect and `done` after it: what other threads do because of the effect may come
        # before `done` in the log, never before `about`
        result, whom = i.into or "__result", self.about_whom(i)
        first, i, announced = self.announced(i, known)
        about = self._trace(pc, "about", whom, announced) if known.about else []
        more, i, shown = self.shown(i, known, result)
        done = self._trace(pc, "done", whom, shown) if known.done else []
        text = self._done_to(target, name, pc, i)
        return [*first, *about, *more, f"{result} = {text}", *done]

    @staticmethod
    def _done_to(target: str, name: str, pc: int, i: Instruction) -> str:
        return f"{target}.{name}(__me, __s{pc}{''.join(f', {a}' for a in i.arguments)})"

    def _plain_variable(self, pc: int, i: Instruction, name: str) -> list[str]:
        target = object_of(i.target)
        # without a method call, so that threads interleave as they do at a plain Python attribute
        if name == "read":
            return [f"{i.into} = {target}.value", *self._trace(pc, "done", target, str(i.into))]
        value = i.arguments[0]
        if self.level > LEVELS["debug"]:
            return [f"{target}.value = {value}"]
        return [
            f"__result = {value}",
            f"{target}.value = __result",
            *self._trace(pc, "done", target, "__result"),
        ]

    def _question(self, pc: int, i: Instruction, kind: str, name: str, target: str) -> list[str]:
        arguments = i.arguments[0] if i.arguments else ""
        text = f"{target}.{name}" if is_attribute(i.op) else f"{target}.{name}({arguments})"
        return [f"{i.into} = {text}", *self._trace(pc, "asked", self.about_whom(i), str(i.into))]

    def _traced(self, pc: int, i: Instruction, text: str, target: str, result: str = "None") -> list[str]:
        return [*self._trace(pc, "about", target, "None"), text, *self._trace(pc, "done", target, result)]

    def _trace(self, pc: int, phase: str, target: str, result: str) -> list[str]:
        if self.level > LEVELS["debug"]:
            return []
        record = f"__now(), __me, __s{pc}, '{phase}', {target}, {result}, __me.waited_ns, __me.held_ns, __me.size"
        return [f"__emit(({record}))", "if len(__records) > __room: __wait_for_room(__me)"]
