"""Writes the steps of a code in virtual time, each operation on an object as a call of its action.

In the generated function `__t` is the virtual time and `__until` the moment at which other threads get their turn. The
generator yields `__t` when that moment has come or its thread waits, and is sent both anew when it may go on. A step takes
effect at the time at which it begins, and then advances `__t` by its cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from scenrun.execution.codegen import Writer, counts, object_of
from scenrun.execution.simulator.actions import Action, SitedAction
from scenrun.execution.simulator.schedulers.round_robin import SWITCH_INTERVAL_NS
from scenrun.execution.site import Site
from scenrun.program.control_flow import steps_of
from scenrun.program.ir import Code, Instruction
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.registry import is_attribute, operation

_REMAINING = re.compile(r"__remaining\((\w+)\)")


class Options(Struct, frozen=True):
    """What the generated code does beside the steps themselves: logging, time, checks of `always`, counting."""

    level: int
    """Records below this level are not made."""
    cost_of: Callable[[str], int]
    """Returns the cost of an instruction's operation in nanoseconds of virtual time."""
    watched: frozenset[int]
    """The cells that an `always` names."""
    kind_of: Callable[[int], str]
    """Returns the kind of a cell; for a queue its order, such as `fifo`, or `closing` for one that somebody shuts down."""
    action_of: Callable[[str], Action]
    count_steps: bool
    """Whether there is a limit of steps."""
    count_moves: bool
    """Whether a schedule, which counts in steps, is recorded or followed."""
    coming: frozenset[int] = frozenset()
    """The codes of interrupts, which begin and end in the middle of a thread."""


class StepWriter(Writer):
    """Writes a generator function whose steps operate on simulated objects in virtual time."""

    given = "given"
    room = "__drain()"

    def __init__(self, code: Code, blocks: tuple[int, ...], options: Options) -> None:
        super().__init__(code, blocks, options.level)
        self.options = options
        self.steps = steps_of(code)
        self.actions: dict[int, Action] = {}
        """The actions of instructions that call them; the function knows each, with its instruction, as `__a<pc>`."""
        self.steps_before: list[int] = []
        self._done = 0
        """Steps of the block so far; they are counted at its end, and meanwhile wherever the thread yields."""

    def function(self) -> list[str]:
        """Returns the lines of the generator function: those of any executor, and the end of a thread by a fault."""
        super().function()
        self._line(2, "if __t >= __until: __t, __until = yield __t")
        self._line(2, "if __pc < 0:")
        self._lines(3, self.leaving())
        self._line(3, "__me.unshown += __unshown; __unshown = 0")
        self._line(3, "__leave(__me, __t)")
        self._line(3, f"yield __t + {self.options.cost_of('end')}")
        return self.lines

    def opening(self) -> list[str]:
        """Begins the thread at its first turn, and fetches what expressions use of it."""
        if self.code.number in self.options.coming:
            return ["__t, __until = yield", *self._names()]
        return [
            "__t, __until = yield",
            "__started = {'daemon': __me.daemon}",
            "if __me.beside is not None: __started['pool'] = __me.beside.label",
            "__emit((__t, __me, None, 'event', 'thread.started', 'info', __started))",
            "__me.started_ns = __t; __me.has_begun = True",
            *self._names(),
        ]

    def before_loop(self) -> list[str]:
        """Log lines left out are counted in a local, as that is faster."""
        return ["__pc = __unshown = 0"]

    def caught(self) -> list[str]:
        """Goes on at the handler's block, at the time at which the step ended."""
        return ["__pc, __t, __until = __caught(__me, __error, __t, __until)"]

    def needs(self) -> dict[str, Any]:
        """Returns the actions that the function performs."""
        code = self.code
        return {
            f"__a{pc}": SitedAction(Site(code.number, pc, code.instructions[pc]), action)
            for pc, action in self.actions.items()
        }

    def leaving(self) -> Iterable[str]:
        """Returns the lines before the last step of a thread that ends with a fault."""
        return ()

    def _names(self) -> list[str]:
        """Returns the lines that fetch what the code's expressions use of their thread."""
        texts = " ".join(a for i in self.code.instructions for a in i.arguments)
        texts += " ".join(r.index or "" for i in self.code.instructions for r in (i.target, i.lock) if r is not None)
        draws = "random." in texts or any(i.op == "choose" for i in self.code.instructions)
        return [
            f"{name} = __me.{name}"
            for name in ("random", "index", "name")
            if name in texts or (name == "random" and draws)
        ]

    # --- steps and time

    def block_begins(self, start: int, end: int) -> list[str]:
        """Counts the steps of a block, if there is a limit."""
        counted = sum(counts(i) for i in self.code.instructions[start:end])
        return [f"__me.steps += {counted}"] if counted and self.options.count_steps else []

    def note(self, pc: int) -> None:
        """Notes how many steps of the block come before an instruction."""
        self.steps_before.append(self._done)

    def _count_unshown(self, indent: int) -> None:
        """Writes the counting of log lines left out, and of steps, where control leaves the block."""
        if self._unshown:
            self._line(indent, f"__unshown += {self._unshown}")
            self._unshown = 0
        if self._done and self.options.count_moves:
            self._line(indent, f"__me.moves += {self._done}")
        self._done = 0

    def _cost(self, i: Instruction) -> int:
        return self.options.cost_of(i.op)

    def _turn(self) -> str:
        """Returns the line at which the thread yields."""
        if not self._done or not self.options.count_moves:
            return "__t, __until = yield __t"
        # The loop reads the count while the thread is stopped; the block's end counts these steps again.
        return f"__me.moves += {self._done}; __t, __until = yield __t; __me.moves -= {self._done}"

    def step_ends(self, i: Instruction, pc: int) -> list[str]:
        """Returns the lines that end a step: they advance the time, and yield if the thread's turn is over."""
        if pc not in self.steps:
            return []
        self._done += 1
        cost = self._cost(i)
        if cost:
            return [f"__t += {cost}", f"if __t >= __until: {self._turn()}"]
        return [f"if __t >= __until or __still(__me): {self._turn()}"]

    def later(self, pc: int, i: Instruction) -> int:
        """Returns the cost of a step, after which it is over."""
        return self._cost(i) if pc in self.steps else 0

    def check(self, pc: int, i: Instruction) -> list[str]:
        """Returns the check of `always` after a step that may have changed a cell that one names."""
        if not self.options.watched or i.option("atomic"):
            return []
        cells = {ref.cell for ref in (i.target, i.lock) if ref is not None}
        if i.target is not None and not cells & self.options.watched and not i.op.endswith((".start", ".submit")):
            return []
        return [f"__check(__me, __s{pc}, __t)"]

    # --- the thread's own moves

    def op_let(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = {now_in(i.arguments[0])}"]

    def op_branch(self, pc: int, i: Instruction) -> list[str]:
        return [f"if not ({now_in(i.arguments[0])}):", f" __pc = {self._to(i)}", " continue"]

    def op_jump(self, pc: int, i: Instruction) -> list[str]:
        turns_back = i.to is not None and i.to <= pc
        spins = ["__spin(__me)"] if i.option("atomic") and turns_back else []
        if turns_back and not spins:  # so that a signal ends the run at the next turn, however long turns take
            spins = [f"if __hurry: {self._turn()}"]
        counted = ["__me.moves += 1"] if pc in self.steps and self.options.count_moves else []
        ends = self.step_ends(i, pc)
        self._done = 0
        return [
            *spins,
            *counted,
            *(text.replace("__me.moves += 1; ", "").replace("; __me.moves -= 1", "") for text in ends),
            f"__pc = {self._to(i)}",
            "continue",
        ]

    def op_end(self, pc: int, i: Instruction) -> list[str]:
        if self.code.number in self.options.coming:
            return ["__me.unshown += __unshown; __unshown = 0", "return __t"]
        return [
            f"__result = {i.arguments[0]}",
            "__me.unshown += __unshown; __unshown = 0",
            f"__end(__me, __s{pc}, __result, __t)",
            f"yield __t + {self._cost(i)}",
        ]

    def op_sleep(self, pc: int, i: Instruction) -> list[str]:
        lines = [
            f"__since = __sleep(__me, __s{pc}, __t, {i.arguments[0]})",
            self._turn(),
            "__me.waited_ns = __since = __t - __since",
            "__me.slept_ns += __since",
        ]
        return self.traced(pc, i, lines, "None", "None")

    def op_work(self, pc: int, i: Instruction) -> list[str]:
        lines = [
            f"__left = {i.arguments[0]}",
            "__me.worked_ns += __left",
            "while __t + __left > __until:",
            " if __until > __t: __left -= __until - __t; __t = __until",
            f" elif __left > {SWITCH_INTERVAL_NS}: __left -= {SWITCH_INTERVAL_NS}; __t += {SWITCH_INTERVAL_NS}",
            " else: break",
            f" {self._turn()}",
            "__t += __left",
        ]
        return self.traced(pc, i, lines, "None", "None")

    def op_atomic_begin(self, pc: int, i: Instruction) -> list[str]:
        self._done += 1  # other threads get their turn after its end only
        return [f"__me.atomic_steps = 0; __cost = {self._cost(i)}"]

    def op_atomic_end(self, pc: int, i: Instruction) -> list[str]:
        check = [f"__check(__me, __s{pc}, __t)"] if self.options.watched else []
        return [*check, "__t += __cost", f"if __t >= __until: {self._turn()}"]

    # --- operations on shared objects

    def operation(self, pc: int, i: Instruction) -> list[str]:
        """Returns the lines of an operation on a shared object or of a question to one."""
        kind, _, name = i.op.partition(".")
        known = operation(i.op)
        if known is None:
            return self._question(pc, i, name)
        special = getattr(self, f"_{kind}_{name}", self._general)  # a subclass writes the frequent ones out
        return self.operated(pc, i, known, lambda again: special(pc, again))

    def _question(self, pc: int, i: Instruction, name: str) -> list[str]:
        if i.target is None:
            text = f"{i.into} = __ask({i.arguments[0]}, '{name}')"
            return self.traced(pc, i, [text], self.about_whom(i), str(i.into))
        target = object_of(i.target)
        if i.op == READ:
            return self.traced(pc, i, [f"{i.into} = __t / 1e9"], target, str(i.into), checks=False)
        text = f"{target}.{name}" if is_attribute(i.op) else f"{target}.{name}()"
        return self.traced(pc, i, [f"{i.into} = {text}"], target, str(i.into), checks=False)

    def _general(self, pc: int, i: Instruction) -> list[str]:
        """Returns the lines of any operation, as a call of its action, and registers that action."""
        self.actions[pc] = self.options.action_of(i.op)
        into = i.into or "__result"
        arguments = f"({''.join(f'{now_in(a)}, ' for a in i.arguments)})"
        if i.code is not None:
            return [f"{into} = __start(__me, __a{pc}, {self._objects(i)}, {arguments}, __t)"]
        if not self.actions[pc].waits:
            return [f"{into} = __do(__me, __a{pc}, {self._objects(i)}, {arguments}, __t)"]
        given = [f"__objects = {self._objects(i)}", f"__arguments = {arguments}"]
        return [*given, *self._waiting(f"__a{pc}, __objects, __arguments", into)]

    def _waiting(self, what: str, into: str) -> list[str]:
        """Returns the lines of an operation in which the thread may wait."""
        counting = self._done and self.options.count_moves
        count = [f"__me.moves += {self._done}"] if counting else []
        uncount = [f"__me.moves -= {self._done}"] if counting else []
        return [*count, f"{into}, __t, __until = yield from __operate(__me, {what}, __t, __until)", *uncount]

    def _objects(self, i: Instruction) -> str:
        """Returns the expression of the objects that an operation names."""
        known = operation(i.op)
        if i.target is None:
            return "()" if known is not None and known.makes else f"__held({i.arguments[0]}, '{i.op}')"
        target = object_of(i.target)
        if i.lock is not None:
            return f"({target}, {object_of(i.lock)})"
        kind = self.options.kind_of(i.target.cell)
        return f"{target}.named" if kind in ("thread", "task", "timer") else f"({target},)"


def now_in(text: str) -> str:
    """Replaces the time left until a deadline in an expression by one of the virtual time."""
    return _REMAINING.sub(r"max(0, \1 - __t)", text) if text.startswith("__remaining(") else text
