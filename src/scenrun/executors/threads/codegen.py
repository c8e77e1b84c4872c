"""Turns a code's instructions into one Python function; what a step means stays with the objects that it calls."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from scenrun.events import LEVELS
from scenrun.executors.threads.context import Site
from scenrun.footprints import successors
from scenrun.primitives import is_attribute, operation
from scenrun.program import CellRef, Code, Instruction

OBJECTLESS = {"spawned": "__spawner", "future": "__futures"}
"""Operations on what a local holds, and the object of the executor that does them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the generated code must do beside the steps themselves."""

    level: int
    """Records below this level are not made."""
    count_steps: bool
    guarded: frozenset[int]
    """Variables whose every access goes through the hidden lock or may be changed in part."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A code as a Python function of a thread's context."""

    function: Callable[[Any], Any]
    sites: tuple[Site, ...]
    first_lines: tuple[int, ...]
    blocks: tuple[int, ...]
    """The first instruction of each block."""
    registers: dict[str, str]
    unshown_before: tuple[int, ...]

    def site_of_line(self, line: int) -> Site:
        """The instruction that a line of the generated function belongs to."""
        return self.sites[max(0, bisect_right(self.first_lines, line) - 1)]

    def block_of(self, pc: int) -> int:
        """The block that begins at an instruction."""
        return self.blocks.index(pc)


def compile_code(code: Code, namespace: dict[str, Any], options: Options) -> Compiled:
    """The function of a code. `namespace` has the objects by cell (`o3`) and what expressions may call."""
    sites = tuple(Site(code.number, pc, i) for pc, i in enumerate(code.instructions))
    blocks = _leaders(code)
    generator = _Generator(code, blocks, options)
    lines = generator.function()
    scope = {**namespace, **{f"__s{site.pc}": site for site in sites}}
    exec(compile("\n".join(lines), f"<scenrun {code.name}>", "exec"), scope)
    return Compiled(
        scope["__code"], sites, tuple(generator.first_lines), blocks, dict(code.locals), tuple(generator.unshown_before)
    )


def _leaders(code: Code) -> tuple[int, ...]:
    """The instructions that something other than the one before leads to."""
    found = {0}
    for instruction in code.instructions:
        found.update(at for at in (instruction.to, instruction.handler) if at is not None)
    return tuple(sorted(found))


class _Generator:
    def __init__(self, code: Code, blocks: tuple[int, ...], options: Options) -> None:
        self.code = code
        self.blocks = blocks
        self.number = {pc: number for number, pc in enumerate(blocks)}
        self.options = options
        self.lines: list[str] = []
        self.first_lines: list[int] = []
        self.unshown_before: list[int] = []
        """For each instruction, the lines left out since they were last counted, up to where it may block or fail."""
        self._unshown = 0

    def function(self) -> list[str]:
        """The lines of the function."""
        self._line(0, "def __code(__me):")
        for text in ("random = __me.random", "index = __me.index", "name = __me.name", "__pc = 0"):
            self._line(1, text)
        if self.code.parameters:
            self._line(1, f"{', '.join(self.code.parameters)}, = __me.arguments")
        if self.code.locals:  # never run, but it makes every local one of the function's, set or not
            self._line(1, f"if 0: {' = '.join(register for register, _ in self.code.locals)} = None")
        self._line(1, "while True:")
        self._line(2, "try:")
        self._line(3, "while True:")
        self._line(4, "if __me.cut: raise __Cut")
        self._choose(4, 0, len(self.blocks))
        self._line(2, "except Exception as __error:")
        self._line(3, "__pc = __caught(__me, __error)")
        return self.lines

    def _line(self, indent: int, text: str) -> None:
        self.lines.append(" " * indent + text)

    def _choose(self, indent: int, low: int, high: int) -> None:
        """A binary choice among the blocks from `low` to below `high`."""
        if high - low == 1:
            self._block(indent, low)
            return
        middle = (low + high) // 2
        self._line(indent, f"if __pc < {middle}:")
        self._choose(indent + 1, low, middle)
        self._line(indent, "else:")
        self._choose(indent + 1, middle, high)

    def _block(self, indent: int, number: int) -> None:
        start = self.blocks[number]
        end = self.blocks[number + 1] if number + 1 < len(self.blocks) else len(self.code.instructions)
        if self.options.count_steps:
            self._line(indent, f"__me.steps += {sum(_counts(i) for i in self.code.instructions[start:end])}")
        for pc in range(start, end):
            instruction = self.code.instructions[pc]
            if instruction.op in ("branch", "jump", "end", "raise"):
                self._count_unshown(indent)
            self.first_lines.append(len(self.lines) + 1)
            self.unshown_before.append(self._unshown + self._unshown_about(instruction))
            for text in self._instruction(pc, instruction):
                self._line(indent, text)
            self._unshown += self.unshown_of(instruction)
        self._count_unshown(indent)
        if end - 1 + 1 in successors(self.code, end - 1):
            self._line(indent, f"__pc = {number + 1}")

    def _count_unshown(self, indent: int) -> None:
        """Lines of the log that the level leaves out are counted, where the code is next left."""
        if self._unshown:
            self._line(indent, f"__me.unshown += {self._unshown}")
            self._unshown = 0

    def unshown_of(self, i: Instruction) -> int:
        """How many lines of an instruction the level leaves out."""
        if i.op == "log":
            return int(LEVELS[i.option("level")] < self.options.level)
        if self.options.level <= LEVELS["debug"]:
            return 0
        if i.op in ("sleep", "work", "call"):
            return 2
        known = operation(i.op)
        if known is None:
            return int("." in i.op and not i.op.startswith("atomic"))
        return (known.about is not None) + (known.done is not None)

    def _unshown_about(self, i: Instruction) -> int:
        """How many of them tell that it is about to be done."""
        if self.options.level <= LEVELS["debug"]:
            return 0
        known = operation(i.op)
        return int(i.op in ("sleep", "work", "call") or (known is not None and known.about is not None))

    def _instruction(self, pc: int, i: Instruction) -> Iterable[str]:
        own = getattr(self, f"op_{i.op.replace('.', '_')}", None)
        return own(pc, i) if own else self._operation(pc, i)

    # --- the thread's own moves

    def op_let(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = {i.arguments[0]}"]

    def op_forget(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = None", f"del {i.into}"]

    def op_jump(self, pc: int, i: Instruction) -> list[str]:
        return [f"__pc = {self._to(i)}", "continue"]

    def op_branch(self, pc: int, i: Instruction) -> list[str]:
        return [f"if not ({i.arguments[0]}):", f" __pc = {self._to(i)}", " continue"]

    def _to(self, i: Instruction) -> int:
        assert i.to is not None
        return self.number[i.to]

    def op_take(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = __me.fault"]

    def op_raise(self, pc: int, i: Instruction) -> list[str]:
        return [f"raise {i.arguments[0]}"]

    def op_end(self, pc: int, i: Instruction) -> list[str]:
        return [f"return {i.arguments[0]}"]

    def op_log(self, pc: int, i: Instruction) -> list[str]:
        text, fields = i.arguments
        if LEVELS[i.option("level")] < self.options.level:
            return ["pass"]
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
        text = f"__call(__me, __s{pc}, {i.arguments[0]})"
        return self._traced(pc, i, f"{i.into} = {text}" if i.into else text, "None")

    def op_atomic_begin(self, pc: int, i: Instruction) -> list[str]:
        return ["__hidden.acquire()", "__me.atomic = True"]

    def op_atomic_end(self, pc: int, i: Instruction) -> list[str]:
        return [f"__atomic_end(__me, __s{pc})"]

    # --- operations on shared objects

    def _operation(self, pc: int, i: Instruction) -> list[str]:
        kind, _, name = i.op.partition(".")
        if kind == "variable" and i.target and i.target.cell not in self.options.guarded:
            return self._plain_variable(pc, i, name)
        known = operation(i.op)
        target = OBJECTLESS.get(kind) or _object(i.target)
        if known is None:
            return self._question(pc, i, kind, name, target)
        text = f"{target}.{name}(__me, __s{pc}{''.join(f', {a}' for a in i.arguments)})"
        result = i.into or "__result"
        if self.options.level > LEVELS["debug"]:
            return [f"{i.into} = {text}" if i.into else text]
        shown = target if i.target else "None"
        about = self._trace(pc, "about", shown, "None") if known.about else []
        done = self._trace(pc, "done", shown, result) if known.done else []
        return [*about, f"{result} = {text}", *done]

    def _plain_variable(self, pc: int, i: Instruction, name: str) -> list[str]:
        target = _object(i.target)
        if name == "read":
            return [f"{i.into} = {target}.value", *self._trace(pc, "done", target, str(i.into))]
        value = i.arguments[0]
        if self.options.level > LEVELS["debug"]:
            return [f"{target}.value = {value}"]
        return [
            f"__result = {value}",
            f"{target}.value = __result",
            *self._trace(pc, "done", target, "__result"),
        ]

    def _question(self, pc: int, i: Instruction, kind: str, name: str, target: str) -> list[str]:
        arguments = i.arguments[0] if i.arguments else ""
        text = f"{target}.{name}" if is_attribute(i.op) else f"{target}.{name}({arguments})"
        return [f"{i.into} = {text}", *self._trace(pc, "asked", target if i.target else "None", str(i.into))]

    def _traced(self, pc: int, i: Instruction, text: str, target: str, result: str = "None") -> list[str]:
        return [*self._trace(pc, "about", target, "None"), text, *self._trace(pc, "done", target, result)]

    def _trace(self, pc: int, phase: str, target: str, result: str) -> list[str]:
        if self.options.level > LEVELS["debug"]:
            return []
        record = f"__now(), __me, __s{pc}, '{phase}', {target}, {result}, __me.waited_ns, __me.held_ns, __me.size"
        return [f"__emit(({record}))", "if len(__records) > __room: __wait_for_room(__me)"]


def _counts(i: Instruction) -> bool:
    """Whether an instruction counts as a step: what others could see, and each turn of a loop."""
    return "." in i.op or i.op in ("log", "sleep", "work", "call", "choose", "jump")


def _object(target: CellRef | None) -> str:
    assert target is not None
    return f"__o{target.cell}" if target.index is None else f"__o{target.cell}[{target.index}]"
