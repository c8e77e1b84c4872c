"""Writes the steps of a code in virtual time, each operation on an object as a call of its action.

In the generated function `__t` is the virtual time and `__until` the moment at which other threads get their turn. The
generator yields `__t` when that moment has come or its thread waits, and is sent both anew when it may go on. A step takes
effect at the time at which it begins, and then advances `__t` by its cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scenrun.execution.codegen import Writer, counts, object_of
from scenrun.execution.simulator.actions import Action
from scenrun.execution.simulator.schedulers.round_robin import SWITCH_INTERVAL_NS
from scenrun.program.control_flow import steps_of
from scenrun.program.ir import Code, Instruction
from scenrun.program.primitives.kinds import Operation
from scenrun.program.primitives.registry import is_attribute, operation
from scenrun.trace.events import LEVELS

_REMAINING = re.compile(r"__remaining\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Options:
    """What the generated code does beside the steps themselves: logging, time, checks of `always`, counting."""

    level: int
    """Records below this level are not made."""
    cost_of: Callable[[str], int]
    """Returns the cost of an instruction's operation in nanoseconds of virtual time."""
    watched: frozenset[int]
    """The cells that an `always` names."""
    kind_of: Callable[[int], str]
    """Returns the kind of a cell; for a queue its order, such as `fifo`."""
    action_of: Callable[[str], Action]
    count_steps: bool
    """Whether there is a limit of steps."""
    count_moves: bool
    """Whether a schedule, which counts in steps, is recorded or followed."""


class StepWriter(Writer):
    """Writes a generator function whose steps operate on simulated objects in virtual time."""

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
        """Returns the lines of the generator function."""
        self._line(0, "def __code(__me):")
        self._line(1, "__t, __until = yield")
        self._line(1, "__started = {'daemon': __me.daemon}")
        self._line(1, "if __me.beside is not None: __started['pool'] = __me.beside.label")
        self._line(1, "__emit((__t, __me, None, 'event', 'thread.started', 'info', __started))")
        self._line(1, "__me.started_ns = __t; __me.has_begun = True")
        for text in self._names():
            self._line(1, text)
        if self.code.parameters:
            self._line(1, f"{', '.join(self.code.parameters)}, = __me.given")
        if self.code.locals:  # never run, but it makes every local a local of the function, set or not
            self._line(1, f"if 0: {' = '.join(register for register, _ in self.code.locals)} = None")
        self._line(1, "__pc = __unshown = 0")
        self._line(1, "while True:")
        self._line(2, "try:")
        self._line(3, "while True:")
        self._choose(4, 0, len(self.blocks))
        self._line(2, "except Exception as __error:")
        self._line(3, "__pc, __t, __until = __caught(__me, __error, __t, __until)")
        self._line(2, "if __t >= __until: __t, __until = yield __t")
        self._line(2, "if __pc < 0:")
        for text in self.leaving():
            self._line(3, text)
        self._line(3, "__me.unshown += __unshown; __unshown = 0")
        self._line(3, "__leave(__me, __t)")
        self._line(3, f"yield __t + {self.options.cost_of('end')}")
        return self.lines

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

    def _step_ends(self, i: Instruction, pc: int) -> list[str]:
        """Returns the lines that end a step: they advance the time, and yield if the thread's turn is over."""
        if pc not in self.steps:
            return []
        self._done += 1
        cost = self._cost(i)
        if cost:
            return [f"__t += {cost}", f"if __t >= __until: {self._turn()}"]
        return [f"if __t >= __until or __still(__me): {self._turn()}"]

    def _traced(
        self, pc: int, i: Instruction, lines: list[str], target: str, result: str, *, checks: bool = True,
        announced: str = "None",
    ) -> list[str]:  # fmt: skip
        """Puts the log's lines around those of an operation, then the check of `always` and the step's end."""
        known = operation(i.op)
        about = self._trace(pc, "about", target, announced, 0) if (known is None or known.about) else []
        phase = "done" if known is not None or "." not in i.op else "asked"
        if phase == "asked":
            about = []
        done = self._trace(pc, phase, target, result, self._cost(i) if pc in self.steps else 0)
        if known is not None and not known.done:
            done = []
        return [*about, *lines, *done, *(self._check(pc, i) if checks else []), *self._step_ends(i, pc)]

    def _trace(self, pc: int, phase: str, target: str, result: str, later: int) -> list[str]:
        if self.level > LEVELS["debug"]:
            return []
        when = f"__t + {later}" if later else "__t"
        record = f"{when}, __me, __s{pc}, '{phase}', {target}, {result}, __me.waited_ns, __me.held_ns, __me.size"
        return [f"__emit(({record}))", "if len(__records) > __room: __drain()"]

    def _check(self, pc: int, i: Instruction) -> list[str]:
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
        ends = self._step_ends(i, pc)
        self._done = 0
        return [
            *spins,
            *counted,
            *(text.replace("__me.moves += 1; ", "").replace("; __me.moves -= 1", "") for text in ends),
            f"__pc = {self._to(i)}",
            "continue",
        ]

    def op_take(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = __me.fault"]

    def op_raise(self, pc: int, i: Instruction) -> list[str]:
        return [f"raise {i.arguments[0]}"]

    def op_end(self, pc: int, i: Instruction) -> list[str]:
        return [
            f"__result = {i.arguments[0]}",
            "__me.unshown += __unshown; __unshown = 0",
            f"__end(__me, __s{pc}, __result, __t)",
            f"yield __t + {self._cost(i)}",
        ]

    def op_log(self, pc: int, i: Instruction) -> list[str]:
        text, fields = i.arguments
        if LEVELS[i.option("level")] < self.level:
            return [*self.unshown_draws(i), *self._step_ends(i, pc)] or ["pass"]
        return [
            f"__emit((__t, __me, __s{pc}, 'message', {text}, {fields}))",
            "if len(__records) > __room: __drain()",
            *self._step_ends(i, pc),
        ]

    def op_sleep(self, pc: int, i: Instruction) -> list[str]:
        lines = [
            f"__since = __sleep(__me, __s{pc}, __t, {i.arguments[0]})",
            self._turn(),
            "__me.waited_ns = __since = __t - __since",
            "__me.slept_ns += __since",
        ]
        return self._traced(pc, i, lines, "None", "None")

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
        return self._traced(pc, i, lines, "None", "None")

    def op_choose(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = random.bits() * {i.arguments[0]} >> 64", *self._step_ends(i, pc)]

    def op_deadline(self, pc: int, i: Instruction) -> list[str]:
        return [f"{i.into} = __t + {i.arguments[0]}"]

    def op_call(self, pc: int, i: Instruction) -> list[str]:
        result = i.into or "__result"
        return self._traced(pc, i, [f"{result} = __call(__me, __s{pc}, {i.arguments[0]})"], "None", result)

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
        return self._operated(pc, i, known, lambda again: special(pc, again))

    def _operated(
        self, pc: int, i: Instruction, known: Operation, lines_of: Callable[[Instruction], list[str]]
    ) -> list[str]:
        """Returns an operation's lines between those of the log; arguments that the log shows are evaluated once."""
        whom, result = self.about_whom(i), i.into or "__result"
        first, i, announced = self.announced(i, known)
        more, i, shown = self.shown(i, known, result)
        return [*first, *self._traced(pc, i, [*more, *lines_of(i)], whom, shown, announced=announced)]

    def _question(self, pc: int, i: Instruction, name: str) -> list[str]:
        if i.target is None:
            text = f"{i.into} = __ask({i.arguments[0]}, '{name}')"
            return self._traced(pc, i, [text], self.about_whom(i), str(i.into))
        target = object_of(i.target)
        text = f"{target}.{name}" if is_attribute(i.op) else f"{target}.{name}()"
        return self._traced(pc, i, [f"{i.into} = {text}"], target, str(i.into), checks=False)

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
