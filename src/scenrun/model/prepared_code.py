"""Compiles a code for the model: one node for each instruction, with its functions and the results of static analyses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scenrun.errors import Fault
from scenrun.model.cone_of_influence import EVERYTHING, ConeOfInfluence, abstracted
from scenrun.model.expressions import Compiler, Evaluate, compiler_of
from scenrun.model.liveness import DRAWS, FAULT, live_after
from scenrun.model.state import UNSET
from scenrun.program.control_flow import comes_back, steps_of
from scenrun.program.draws import Draws
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.ir import CellRef, Code, Instruction
from scenrun.program.primitives.clock import READ
from scenrun.program.primitives.kinds import Done, Kind, Operation, Outcome, Phase, Values
from scenrun.program.primitives.registry import KINDS, operation


def _at_once(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    return Done(values)


def _asleep(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    return None


_AT_ONCE = Operation("step", phases=(Phase(_at_once),))
_OWN = {
    "log": Operation("log", ("text", "fields"), phases=(Phase(_at_once),)),
    "work": Operation("work", ("duration",), phases=(Phase(_at_once),)),
    "call": _AT_ONCE,
    "atomic.begin": _AT_ONCE,
    "sleep": Operation("sleep", ("timeout",), phases=(Phase(_asleep, _at_once),)),
    "jump": _AT_ONCE,
    "end": Operation("end", ("result",), phases=(Phase(_at_once),)),
}
"""The steps that touch no cell, as operations."""
_TAKING_TIME = {**_OWN, "work": _OWN["sleep"]}
"""The same in virtual time, where `work` lasts as `sleep` does."""


class Node(Struct, frozen=True):
    """An instruction with all that is known of it statically."""

    instruction: Instruction
    is_step: bool
    """Whether it is a step of its own; otherwise it is folded into the step before it."""
    arguments: tuple[Evaluate, ...]
    into: int | None
    """The register that gets its result."""
    kind: Kind | None = None
    operation: Operation | None = None
    answer: Callable[..., Any] | None = None
    """For a question about an object: computes the answer from the values of its cells."""
    index: Evaluate | None = None
    lock_index: Evaluate | None = None
    alternatives: Evaluate | None = None
    """For a step with several alternatives: computes their number."""
    is_clock: bool = False
    """Whether it reads the clock."""
    is_held: bool = False
    """Whether its object is a handle in a local, its first argument."""
    level: int = EVERYTHING
    """How much of its result matters, as in `cone_of_influence`."""
    dead: frozenset[int] = frozenset()
    """The registers that are not read any more once its arguments have been evaluated."""
    is_in_loop: bool = False
    """Whether it is on a loop of the code; known only in virtual time."""
    keeps_fault: bool = True
    """Whether the fault that is being handled is still needed after it."""
    keeps_draws: bool = True
    """Whether the number of draws still matters after it."""


class Ready(Struct):
    """A compiled code."""

    code: Code
    nodes: tuple[Node, ...]
    slots: dict[str, int]
    size: int
    parameters: tuple[tuple[int, int], ...] = ()
    """The register of each parameter, and how much of its value matters."""
    deadlines: tuple[int, ...] = ()
    """The registers that hold the time until a deadline, in nanoseconds; empty where time is free."""

    def registers(self, given: Any = ()) -> list[Any]:
        """The registers of a new thread, with the arguments that it was started with."""
        out: list[Any] = [UNSET] * self.size
        for (at, level), value in zip(self.parameters, given, strict=True):
            out[at] = abstracted(value, level)
        return out


class Environment:
    """The names beside its registers that a thread's expressions use: its draws, name, index and remaining times."""

    __slots__ = ("index", "name", "random", "remaining")

    def __init__(self, seed: int, name: str, index: int, timed: bool = False) -> None:
        self.random = Draws(seed, name)
        self.name = name
        self.index = index
        self.remaining = (lambda deadline: deadline) if timed else (lambda deadline: 1)
        """The time until a deadline, in nanoseconds; where time is free, 1, as any deadline may still be ahead."""


def prepare(code: Code, folded: frozenset[str], relevance: ConeOfInfluence | None = None, timed: bool = False) -> Ready:
    """Compile a code. folded: ops that are part of the step before them. relevance: what may be forgotten; None: nothing.

    timed: whether time is virtual, so that sleeping and working last, and whether a deadline has passed is determined.
    """
    slots = _slots(code)
    compiler = compiler_of(tuple(slots.items()), tuple(code.locals))
    steps = steps_of(code, folded)
    nodes = [
        _node(i, pc in steps or (not timed and _asks_the_clock(i)), compiler, slots, timed)
        for pc, i in enumerate(code.instructions)
    ]
    if timed:
        nodes = [replace(node, is_in_loop=comes_back(code, pc)) for pc, node in enumerate(nodes)]
    deadlines = {slots[i.into] for i in code.instructions if timed and i.op == "deadline" and i.into is not None}
    parameters = tuple((slots[name], EVERYTHING) for name in code.parameters)
    if relevance is not None:
        nodes = _forgetful(code, nodes, slots, relevance)
        parameters = tuple((slots[name], relevance.of("local", code.number, name)) for name in code.parameters)
    return Ready(code, tuple(nodes), slots, len(slots), parameters, tuple(sorted(deadlines)))


def _forgetful(code: Code, nodes: list[Node], slots: dict[str, int], relevance: ConeOfInfluence) -> list[Node]:
    """The nodes, changed to keep only registers that are live and parts of values that matter."""
    drawing = frozenset(pc for pc, i in enumerate(code.instructions) if relevance.draws_matter(code.number, i))
    out = []
    for node, live in zip(nodes, live_after(code, drawing), strict=True):
        i = node.instruction
        level = EVERYTHING if i.into is None else relevance.of("local", code.number, i.into)
        arguments = tuple(
            _part(evaluate, relevance.argument(code.number, i, at)) if relevance.is_handed_on(i, at) else evaluate
            for at, evaluate in enumerate(node.arguments)
        )
        dead = frozenset(at for name, at in slots.items() if name not in live)
        out.append(
            replace(node, level=level, arguments=arguments, dead=dead,
                    keeps_fault=FAULT in live, keeps_draws=DRAWS in live)
        )  # fmt: skip
    return out


def _part(evaluate: Evaluate, level: int) -> Evaluate:
    """An argument's function, reduced to the part of its value that matters."""
    if level == EVERYTHING:
        return evaluate
    return lambda R, E: abstracted(evaluate(R, E), level)  # noqa: N803


def _slots(code: Code) -> dict[str, int]:
    names = [*code.parameters, *(register for register, _ in code.locals)]
    names += [i.into for i in code.instructions if i.into is not None]
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


def _asks_the_clock(i: Instruction) -> bool:
    """Whether this is a branch on a deadline; where time is free, both alternatives are enabled."""
    return i.op == "branch" and "__remaining(" in i.arguments[0]


def _node(i: Instruction, is_step: bool, compiler: Compiler, slots: dict[str, int], timed: bool) -> Node:
    kind, _, name = i.op.partition(".")
    known = operation(i.op) or (_TAKING_TIME if timed else _OWN).get(i.op)
    is_held = kind in KINDS and i.target is None and not (known and known.makes)
    if known is None and not timed and _asks_the_clock(i):
        alternatives: Evaluate | None = lambda R, E: 2  # noqa: E731, N803
    else:
        alternatives = compiler.compile(i.arguments[0]) if i.op == "choose" else None
    return Node(
        i,
        is_step,
        tuple(compiler.compile(text) for text in i.arguments),
        None if i.into is None else slots[i.into],
        KINDS.get(kind),
        known,
        KINDS[kind].answers[name] if kind in KINDS and known is None else None,
        _index(i.target, compiler),
        _index(i.lock, compiler),
        alternatives,
        i.op == READ,
        is_held,
    )


def _index(target: CellRef | None, compiler: Compiler) -> Evaluate | None:
    return None if target is None or target.index is None else compiler.compile(target.index)


class Failing(Exception):
    """An expression of an instruction failed."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault)


def evaluated(evaluate: Evaluate, registers: Any, environment: Environment) -> Any:
    """The value of an expression; raises Failing with the fault where it has none."""
    try:
        return evaluate(registers, environment)
    except Fault as fault:
        raise Failing(fault) from None
    except FROM_EXPRESSIONS as error:
        raise Failing(fault_of(error)) from None
