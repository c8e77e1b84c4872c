"""Generates simulated code that yields before every step of the model, so that a schedule of moves can be followed.

A step's arguments are evaluated before the thread yields: as in the model, they belong to the preceding step, and may fail
there.
"""

from __future__ import annotations

from collections.abc import Iterable

from scenrun.execution.codegen import object_of
from scenrun.execution.simulator.codegen import SimulatedWriter
from scenrun.execution.simulator.step_writer import Options, now_in
from scenrun.program.ir import Code, Instruction
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.registry import is_attribute, operation


class AskingWriter(SimulatedWriter):
    """Writes steps on simulated objects, each of which waits for its turn. `__run` in the generated code is the simulation."""

    def __init__(self, code: Code, blocks: tuple[int, ...], options: Options, asked: frozenset[int]) -> None:
        super().__init__(code, blocks, options)
        self.asked = asked

    @staticmethod
    def _ask(pc: int) -> list[str]:
        return [f"__me.site = __s{pc}", "__t, __until = yield __t"]

    def leaving(self) -> Iterable[str]:
        """Returns the stop before the step in which a fault ends the thread."""
        return ["__me.site = __me.left_with.site", "__t, __until = yield __t"]

    def step_ends(self, i: Instruction, pc: int) -> list[str]:
        """Returns the line that advances the time; the thread yields before its next step, not here."""
        cost = self._cost(i) if pc in self.steps else 0
        return [f"__t += {cost}"] if cost else []

    def op_end(self, pc: int, i: Instruction) -> list[str]:
        first, *rest = super().op_end(pc, i)
        return [first, *(self._ask(pc) if pc in self.asked else ()), *rest]

    def op_jump(self, pc: int, i: Instruction) -> list[str]:
        return [*(self._ask(pc) if pc in self.asked else ()), *super().op_jump(pc, i)]

    def op_branch(self, pc: int, i: Instruction) -> list[str]:
        if pc not in self.asked:
            return super().op_branch(pc, i)
        way = f"__way = __run.way({now_in(i.arguments[0])})"
        return [*self._ask(pc), way, "if not __way:", f" __pc = {self._to(i)}", " continue"]

    def op_choose(self, pc: int, i: Instruction) -> list[str]:
        draw = f"{i.into} = __run.way(random.bits() * __among >> 64)"
        return [f"__among = {i.arguments[0]}", *self._ask(pc), draw, *self.step_ends(i, pc)]

    def op_sleep(self, pc: int, i: Instruction) -> list[str]:
        """Returns the lines of a sleep, which only advances the time while a schedule is followed."""
        lines = [
            f"__left = {i.arguments[0]}",
            "__since = __t",
            "if __run.follows: __t += max(0, __left)",
            "else:",
            f" __sleep(__me, __s{pc}, __t, __left)",
            " __t, __until = yield __t",
            "__me.waited_ns = __t - __since",
            "__me.slept_ns += __t - __since",
        ]
        return self.traced(pc, i, lines, "None", "None")

    def op_call(self, pc: int, i: Instruction) -> list[str]:
        result = i.into or "__result"
        lines = [f"__given = {i.arguments[0]}", *self._ask(pc), f"{result} = __call(__me, __s{pc}, __given)"]
        return self.traced(pc, i, lines, "None", result)

    def op_atomic_begin(self, pc: int, i: Instruction) -> list[str]:
        return [*self._ask(pc), *super().op_atomic_begin(pc, i)]

    def op_atomic_end(self, pc: int, i: Instruction) -> list[str]:
        *rest, _ = super().op_atomic_end(pc, i)
        return rest

    def operation(self, pc: int, i: Instruction) -> list[str]:
        """Returns the lines of an operation or a question; those inside `atomic` do not wait for a turn."""
        if pc not in self.asked:
            return super().operation(pc, i)
        known = operation(i.op)
        if known is None:
            return self._asked_question(pc, i, i.op.partition(".")[2])
        return self.operated(pc, i, known, lambda again: self._asked_operation(pc, again))

    def _asked_operation(self, pc: int, i: Instruction) -> list[str]:
        into = i.into or "__result"
        self.actions[pc] = self.options.action_of(i.op)
        what = f"__me, __a{pc}, __objects, __arguments, __t"
        lines = [
            f"__objects = {self._objects(i)}",
            f"__arguments = ({''.join(f'{now_in(a)}, ' for a in i.arguments)})",
        ]
        if i.code is not None:
            return [*lines, *self._ask(pc), f"{into} = __start({what})"]
        return [*lines, f"{into}, __t, __until = yield from __operate({what}, __until)"]

    def _asked_question(self, pc: int, i: Instruction, name: str) -> list[str]:
        if i.target is None:
            lines = [
                f"__held({i.arguments[0]}, '{i.op}')",
                *self._ask(pc),
                f"{i.into} = __ask({i.arguments[0]}, '{name}')",
            ]
            return self.traced(pc, i, lines, self.about_whom(i), str(i.into))
        target = object_of(i.target)
        if i.op == READ:
            lines = [*self._ask(pc), f"{i.into} = __run.moment(__t) / 1e9"]
            return self.traced(pc, i, lines, target, str(i.into), checks=False)
        asked = f"{i.into} = __target.{name}" + ("" if is_attribute(i.op) else "()")
        return self.traced(pc, i, [f"__target = {target}", *self._ask(pc), asked], target, str(i.into), checks=False)
