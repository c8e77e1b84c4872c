"""The common code generator: writes a code's control flow as one Python function; each executor adds what its steps do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scenrun.execution.site import Site
from scenrun.program.control_flow import successors
from scenrun.program.ir import CellRef, Code, Instruction
from scenrun.program.primitives.kinds import Operation
from scenrun.program.primitives.registry import operation
from scenrun.trace.events import LEVELS

INDEX, HANDLE, SHOWN = "__at", "__handle", "__shown"
"""Variables of a generated function: the index of an operation's object, the handle from a local, an argument for the log."""


class Compiled(Struct, frozen=True):
    """A code compiled to a Python function of a thread's context."""

    function: Callable[[Any], Any]
    sites: tuple[Site, ...]
    first_lines: tuple[int, ...]
    blocks: tuple[int, ...]
    """The first instruction of each block."""
    registers: dict[str, str]
    """The names in the scenario of the function's locals."""
    unshown_before: tuple[int, ...]
    """For each instruction, the log lines left out before it that are not counted yet, if control leaves the block there."""

    def site_of_line(self, line: int) -> Site:
        """Returns the instruction to which a line of the generated function belongs."""
        return self.sites[max(0, bisect_right(self.first_lines, line) - 1)]

    def block_of(self, pc: int) -> int:
        """Returns the block that begins at an instruction."""
        return self.blocks.index(pc)


def leaders(code: Code) -> tuple[int, ...]:
    """Returns the first instructions of blocks: the first of the code, and targets of jumps, branches and handlers."""
    found = {0}
    for instruction in code.instructions:
        found.update(at for at in (instruction.to, instruction.handler) if at is not None)
    return tuple(sorted(found))


class Writer(ABC):
    """Writes the function of one code. An executor adds the lines of its steps, and the function's beginning and end."""

    def __init__(self, code: Code, blocks: tuple[int, ...], level: int) -> None:
        self.code = code
        self.blocks = blocks
        self.number = {pc: number for number, pc in enumerate(blocks)}
        self.level = level
        self.lines: list[str] = []
        self.first_lines: list[int] = []
        self.unshown_before: list[int] = []
        """For each instruction, the log lines left out since they were last counted, up to where it may block or fail."""
        self._unshown = 0

    # --- the function: an executor says how it begins and ends, and what it calls

    given = "arguments"
    """The attribute of the thread that has the values of the code's parameters."""
    now = "__t"
    """The expression of the present moment."""
    room = ""
    """The statement that makes room where too many records wait to be written."""

    def function(self) -> list[str]:
        """Returns the lines of the function."""
        self._line(0, "def __code(__me):")
        self._lines(1, self.opening())
        if self.code.parameters:
            self._line(1, f"{', '.join(self.code.parameters)}, = __me.{self.given}")
        if self.code.locals:  # never run, but it makes every local a local of the function, set or not
            self._line(1, f"if 0: {' = '.join(register for register, _ in self.code.locals)} = None")
        self._lines(1, self.before_loop())
        self._line(1, "while True:")
        self._line(2, "try:")
        self._line(3, "while True:")
        self._lines(4, self.turn_begins())
        self._choose(4, 0, len(self.blocks))
        self._line(2, "except Exception as __error:")
        self._lines(3, self.caught())
        return self.lines

    def opening(self) -> Iterable[str]:
        """Returns the first lines of the function."""
        return ()

    def before_loop(self) -> Iterable[str]:
        """Returns the lines between those of parameters and locals and the loop over the blocks."""
        return ["__pc = 0"]

    def turn_begins(self) -> Iterable[str]:
        """Returns the lines before the choice of a block."""
        return ()

    @abstractmethod
    def caught(self) -> Iterable[str]:
        """Returns the lines that handle the exception `__error`, and go on at the block `__pc`."""

    def compiled(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """Compiles the function; returns the fields of `Compiled`."""
        sites = tuple(Site(self.code.number, pc, i) for pc, i in enumerate(self.code.instructions))
        text = "\n".join(self.function())
        scope = {**namespace, **{f"__s{site.pc}": site for site in sites}, **self.needs()}
        exec(compile(text, f"<scenrun {self.code.name}>", "exec"), scope)
        return {
            "function": scope["__code"],
            "sites": sites,
            "first_lines": tuple(self.first_lines),
            "blocks": self.blocks,
            "registers": dict(self.code.locals),
            "unshown_before": tuple(self.unshown_before),
        }

    def needs(self) -> dict[str, Any]:
        """Returns what the written function names beside the namespace and its sites."""
        return {}

    def _lines(self, indent: int, texts: Iterable[str]) -> None:
        for text in texts:
            self._line(indent, text)

    def _line(self, indent: int, text: str) -> None:
        self.lines.append(" " * indent + text)

    def _choose(self, indent: int, low: int, high: int) -> None:
        """Writes a binary search by `__pc` over the blocks from `low` to below `high`."""
        # Python has no jump; a binary choice takes fewer comparisons than a chain over all blocks
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
        self._lines(indent, self.block_begins(start, end))
        for pc in range(start, end):
            instruction = self.code.instructions[pc]
            if instruction.op in ("branch", "jump", "end", "raise"):
                self._count_unshown(indent)
            self.first_lines.append(len(self.lines) + 1)
            self.note(pc)
            self.unshown_before.append(self._unshown + self._unshown_about(instruction))
            self._lines(indent, self._instruction(pc, instruction))
            self._unshown += self.unshown_of(instruction)
        self._count_unshown(indent)
        if end - 1 + 1 in successors(self.code, end - 1):
            self._line(indent, f"__pc = {number + 1}")

    @staticmethod
    def unshown_draws(i: Instruction) -> list[str]:
        """Returns the draws of a log line that is left out: what a thread draws later must not depend on the level."""
        return [f"__result = ({', '.join(i.arguments)})"] if any("random." in text for text in i.arguments) else []

    def note(self, pc: int) -> None:  # noqa: B027  # most executors have nothing to note
        """Called before the lines of an instruction are written."""

    def block_begins(self, start: int, end: int) -> Iterable[str]:
        """Returns the lines before the instructions of a block."""
        return ()

    def step_ends(self, i: Instruction, pc: int) -> list[str]:
        """Returns the lines that end a step, where an executor has any."""
        return []

    def _count_unshown(self, indent: int) -> None:
        """Writes the counting of the log lines left out, where control leaves the block."""
        if self._unshown:
            self._line(indent, f"__me.unshown += {self._unshown}")
            self._unshown = 0

    def unshown_of(self, i: Instruction) -> int:
        """Returns how many log lines of an instruction the level leaves out."""
        if i.op == "log":
            return int(LEVELS[i.option("level")] < self.level)
        if self.level <= LEVELS["debug"]:
            return 0
        if i.op in ("sleep", "work", "call"):
            return 2
        known = operation(i.op)
        if known is None:
            return int("." in i.op and not i.op.startswith("atomic"))
        return (known.about is not None) + (known.done is not None)

    def _unshown_about(self, i: Instruction) -> int:
        """Returns how many of these lines come before the instruction."""
        if self.level <= LEVELS["debug"]:
            return 0
        known = operation(i.op)
        return int(i.op in ("sleep", "work", "call") or (known is not None and known.about is not None))

    def _instruction(self, pc: int, i: Instruction) -> Iterable[str]:
        own: Callable[..., list[str]] | None = getattr(self, f"op_{i.op.replace('.', '_')}", None)
        if own is not None:
            return own(pc, i)
        held, i = self._held(i)
        return [*self._no_wait_yet(i), *held, *self.operation(pc, i)]

    @abstractmethod
    def operation(self, pc: int, i: Instruction) -> list[str]:
        """Returns the lines of an operation on a shared object."""

    # --- the log's lines around a step

    def traced(
        self, pc: int, i: Instruction, lines: list[str], target: str, result: str, *, checks: bool = True,
        announced: str = "None",
    ) -> list[str]:  # fmt: skip
        """Puts the log's lines around those of a step, then what ends it; `checks`: it may have changed something."""
        # `about` is appended before the effect and `done` after it: what other threads do because of the effect may come
        # before `done` in the log, never before `about`
        about, done = self._phases(i)
        first = self._trace(pc, about, target, announced) if about else []
        last = self._trace(pc, done, target, result, self.later(pc, i)) if done else []
        return [*first, *lines, *last, *(self.check(pc, i) if checks else []), *self.step_ends(i, pc)]

    @staticmethod
    def _phases(i: Instruction) -> tuple[str, str]:
        """Returns the phases in which a step is logged, before and after it; empty where it is not."""
        known = operation(i.op)
        if known is not None:
            return "about" if known.about else "", "done" if known.done else ""
        return ("", "asked") if "." in i.op else ("about", "done")

    def _trace(self, pc: int, phase: str, target: str, result: str, later: int = 0) -> list[str]:
        """Returns the lines that record a phase of a step; `later`: nanoseconds from now."""
        if self.level > LEVELS["debug"]:
            return []
        when = f"{self.now} + {later}" if later else self.now
        return self._emit(
            f"{when}, __me, __s{pc}, '{phase}', {target}, {result}, __me.waited_ns, __me.held_ns, __me.size"
        )

    def _emit(self, record: str) -> list[str]:
        return [f"__emit(({record}))", f"if len(__records) > __room: {self.room}"]

    def later(self, pc: int, i: Instruction) -> int:
        """Returns how many nanoseconds after its effect a step is over."""
        return 0

    def check(self, pc: int, i: Instruction) -> list[str]:
        """Returns the check of `always` after a step, where an executor makes it in generated code."""
        return []

    def operated(
        self, pc: int, i: Instruction, known: Operation, lines_of: Callable[[Instruction], list[str]]
    ) -> list[str]:
        """Returns an operation's lines between those of the log; arguments that the log shows are evaluated once."""
        whom, result = self.about_whom(i), i.into or "__result"
        first, i, announced = self.announced(i, known)
        more, i, shown = self.shown(i, known, result)
        return [*first, *self.traced(pc, i, [*more, *lines_of(i)], whom, shown, announced=announced)]

    # --- what the lines of an operation show

    def _held(self, i: Instruction) -> tuple[list[str], Instruction]:
        """Returns lines that evaluate the operation's index or handle once, and the instruction with their result.

        The log's lines need the object as well, and a second evaluation could draw again or see a changed local.
        """
        is_traced = self.level <= LEVELS["debug"]
        if i.target is None:
            known = operation(i.op)
            if not is_traced or (known is not None and known.makes):
                return [], i
            held = [f"{HANDLE} = None", f"{HANDLE} = {i.arguments[0]}"]
            return held, replace(i, arguments=(HANDLE, *i.arguments[1:]))
        index = i.target.index
        if index is None or index.lstrip("-").isdigit() or not (is_traced or "random." in index):
            return [], i
        lock = CellRef(i.lock.cell, INDEX) if i.lock is not None and i.lock.index == index else i.lock
        held = [f"{INDEX} = None", f"{INDEX} = {index}"] if is_traced else [f"{INDEX} = {index}"]
        return held, replace(i, target=CellRef(i.target.cell, INDEX), lock=lock)

    @staticmethod
    def about_whom(i: Instruction) -> str:
        """Returns the expression of the object that an operation's log lines name."""
        if i.target is not None:
            return object_of(i.target)
        return HANDLE if i.arguments and i.arguments[0] == HANDLE else "None"

    def _no_wait_yet(self, i: Instruction) -> list[str]:
        """Resets the waited time before an operation that waits, as the log of a fault shows it, also of one in an argument."""
        known = operation(i.op)
        return ["__me.waited_ns = 0"] if known is not None and known.waits and self.level <= LEVELS["debug"] else []

    def announced(self, i: Instruction, known: Operation) -> tuple[list[str], Instruction, str]:
        """Returns lines that evaluate the arguments shown by the log's first line, the changed instruction, and what to show."""
        return self._kept(i, known, known.announces)

    def shown(self, i: Instruction, known: Operation, result: str) -> tuple[list[str], Instruction, str]:
        """Returns the same for the log's last line, which shows arguments beside the result."""
        result = f"{result}[0]" if known.tells_first else result
        lines, i, given = self._kept(i, known, known.shows)
        return lines, i, result if given == "None" else f"({given[1:-1]}{result})"

    def _kept(self, i: Instruction, known: Operation, names: tuple[str, ...]) -> tuple[list[str], Instruction, str]:
        if not names or self.level > LEVELS["debug"]:
            return [], i, "None"
        lines, arguments = [], list(i.arguments)
        for name in names:
            at = known.parameters.index(name)
            if arguments[at] == i.into or not (arguments[at].isidentifier() or arguments[at].isdigit()):
                lines.append(f"{SHOWN}{at} = {arguments[at]}")
                arguments[at] = f"{SHOWN}{at}"
        shown = "".join(f"{arguments[known.parameters.index(name)]}, " for name in names)
        return lines, replace(i, arguments=tuple(arguments)), f"({shown})"

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

    def op_log(self, pc: int, i: Instruction) -> list[str]:
        text, fields = i.arguments
        if LEVELS[i.option("level")] < self.level:
            return [*self.unshown_draws(i), *self.step_ends(i, pc)] or ["pass"]
        return [*self._emit(f"{self.now}, __me, __s{pc}, 'message', {text}, {fields}"), *self.step_ends(i, pc)]

    def op_choose(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = random.bits() * {i.arguments[0]} >> 64", *self.step_ends(i, pc)]

    def op_deadline(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = {self.now} + {i.arguments[0]}"]

    def op_call(self, pc: int, i: Instruction) -> list[str]:
        result = i.into or "__result"
        return self.traced(pc, i, [f"{result} = __call(__me, __s{pc}, {i.arguments[0]})"], "None", result)

    def op_take(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = __me.fault"]

    def op_raise(self, pc: int, i: Instruction) -> list[str]:
        return [f"raise {i.arguments[0]}"]

    def op_end(self, pc: int, i: Instruction) -> list[str]:
        return [f"return {i.arguments[0]}"]


def counts(i: Instruction) -> bool:
    """Whether an instruction counts against `limits.steps`: those that other threads could notice, and each turn of a loop."""
    return "." in i.op or i.op in ("log", "sleep", "work", "call", "choose", "jump")


def object_of(target: CellRef | None) -> str:
    """Returns the expression of the object of an operation."""
    assert target is not None
    return f"__o{target.cell}" if target.index is None else f"__o{target.cell}[{target.index}]"
