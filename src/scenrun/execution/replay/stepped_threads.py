"""Generates code for real threads that requests a turn from the baton before every step of the model.

A step's arguments are evaluated before the request: as in the model, they belong to the preceding step, and may fail there.
"""

from __future__ import annotations

from msgspec.structs import replace

from scenrun.execution.codegen import object_of
from scenrun.execution.threads.codegen import OBJECTLESS, Options, RealWriter
from scenrun.program.ir import Code, Instruction
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.kinds import Operation
from scenrun.program.primitives.registry import is_attribute, operation


class AskingWriter(RealWriter):
    """Writes steps on real objects, each of which waits for its turn."""

    def __init__(self, code: Code, blocks: tuple[int, ...], options: Options, asked: frozenset[int]) -> None:
        super().__init__(code, blocks, options)
        self.asked = asked

    @staticmethod
    def _ask(pc: int) -> str:
        return f"__ask(__me, __s{pc})"

    def op_end(self, pc: int, i: Instruction) -> list[str]:
        return [f"__result = {i.arguments[0]}", *([self._ask(pc)] if pc in self.asked else []), "return __result"]

    def op_jump(self, pc: int, i: Instruction) -> list[str]:
        return [*([self._ask(pc)] if pc in self.asked else []), *super().op_jump(pc, i)]

    def op_branch(self, pc: int, i: Instruction) -> list[str]:
        if pc not in self.asked:
            return super().op_branch(pc, i)
        return [f"if not __way(__me, __s{pc}, {i.arguments[0]}):", f" __pc = {self._to(i)}", " continue"]

    def op_choose(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = __way(__me, __s{pc}, random.bits() * {i.arguments[0]} >> 64)"]

    def op_call(self, pc: int, i: Instruction) -> list[str]:
        result = i.into or "__result"
        given = [f"__given = {i.arguments[0]}", self._ask(pc)]
        return [*given, *self.traced(pc, i, [f"{result} = __call(__me, __s{pc}, __given)"], "None", result)]

    def op_atomic_begin(self, pc: int, i: Instruction) -> list[str]:
        return [self._ask(pc), *super().op_atomic_begin(pc, i)]

    def operation(self, pc: int, i: Instruction) -> list[str]:
        """Returns the lines of an operation or a question; those inside `atomic` do not request a turn."""
        if pc not in self.asked:
            return super().operation(pc, i)
        if i.op == READ:
            target, into = object_of(i.target), str(i.into)
            return [f"{into} = __moment(__me, __s{pc}, {target}.ns()) / 1e9", *self._trace(pc, "asked", target, into)]
        kind, _, name = i.op.partition(".")
        known = operation(i.op)
        given = [f"__target = {OBJECTLESS.get(kind) or object_of(i.target)}"]
        given += [f"__given{at} = {argument}" for at, argument in enumerate(i.arguments)]
        whom, into = self.about_whom(i), i.into or "__result"
        if kind in OBJECTLESS and not (known and known.makes):
            given.append(f"__held(__given0, '{i.op}')")
        i = replace(i, arguments=tuple(f"__given{at}" for at in range(len(i.arguments))))
        about, done = self._traces(pc, i, known, whom, into)
        before = [*given, *about, self._turn(pc, known.timeout_at if known else None)]
        if kind == "variable" and i.target and i.target.cell not in self.options.guarded and name in ("read", "write"):
            return [*before, *self._plain(name, into), *done]
        text = f"__target.{name}" + ("" if is_attribute(i.op) else f"({', '.join(i.arguments)})")
        if known is not None:
            text = self._done_to("__target", name, pc, i)
        return [*before, f"{into} = {text}", *done]

    def _traces(
        self, pc: int, i: Instruction, known: Operation | None, whom: str, into: str
    ) -> tuple[list[str], list[str]]:
        """Returns the log's lines before and after an operation or a question."""
        if known is None:
            return [], self._trace(pc, "asked", whom, into)
        about = self._trace(pc, "about", whom, self.announced(i, known)[2]) if known.about else []
        done = self._trace(pc, "done", whom, self.shown(i, known, into)[2]) if known.done else []
        return about, done

    def _turn(self, pc: int, timeout_at: int | None) -> str:
        """Returns the request for a turn; it replaces the timeout of a wait that times out in the plan by 0."""
        if timeout_at is None:
            return self._ask(pc)
        return f"__given{timeout_at} = __ask(__me, __s{pc}, __given{timeout_at})"

    @staticmethod
    def _plain(name: str, into: str) -> list[str]:
        if name == "read":
            return [f"{into} = __target.value"]
        return ["__target.value = __given0", f"{into} = __given0"]
