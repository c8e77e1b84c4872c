"""A code, made ready for the model: each instruction with its functions, and the run of a thread's own instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from scenrun.errors import Fault
from scenrun.model.cone_of_influence import EVERYTHING, ConeOfInfluence, abstracted
from scenrun.model.expressions import Compiler, Evaluate
from scenrun.model.liveness import DRAWS, FAULT, live_after
from scenrun.model.state import UNSET
from scenrun.program.control_flow import comes_back, steps_of
from scenrun.program.draws import Draws
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.ir import CellRef, Code, Instruction
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
"""A thread's own steps, as operations on no cell."""
_TAKING_TIME = {**_OWN, "work": _OWN["sleep"]}
"""The same where the clock's order is kept."""


@dataclass(frozen=True, slots=True)
class Node:
    """An instruction with all that is known of it before any run."""

    instruction: Instruction
    is_step: bool
    arguments: tuple[Evaluate, ...]
    into: int | None
    kind: Kind | None = None
    operation: Operation | None = None
    answer: Callable[..., Any] | None = None
    """For a question: the answer, from the values of its cells."""
    index: Evaluate | None = None
    lock_index: Evaluate | None = None
    alternatives: Evaluate | None = None
    """For a step that may go several ways: their number."""
    is_held: bool = False
    """Whether its object is what a local holds: its first argument."""
    level: int = EVERYTHING
    """How much of its result matters."""
    dead: frozenset[int] = frozenset()
    """The registers that nobody reads once its arguments have been evaluated."""
    is_in_loop: bool = False
    """Whether the thread may come back to it."""
    keeps_fault: bool = True
    keeps_draws: bool = True


@dataclass(slots=True)
class Ready:
    """A code as nodes."""

    code: Code
    nodes: tuple[Node, ...]
    slots: dict[str, int]
    size: int
    parameters: tuple[tuple[int, int], ...] = field(default=())
    deadlines: tuple[int, ...] = ()
    """The registers that hold how long it is until a deadline."""
    """The register of each parameter, and how much of its value matters."""

    def registers(self, given: Any = ()) -> list[Any]:
        """Registers for a new thread, with what whoever started it handed over."""
        out: list[Any] = [UNSET] * self.size
        for (at, level), value in zip(self.parameters, given, strict=True):
            out[at] = abstracted(value, level)
        return out


class Environment:
    """What a thread has beside its registers, while its expressions are evaluated."""

    __slots__ = ("index", "name", "random", "remaining")

    def __init__(self, seed: int, name: str, index: int, timed: bool = False) -> None:
        self.random = Draws(seed, name)
        self.name = name
        self.index = index
        self.remaining = (lambda deadline: deadline) if timed else (lambda deadline: 1)
        """Where time is free, a deadline may always still be to come."""


def prepare(code: Code, folded: frozenset[str], relevance: ConeOfInfluence | None = None, timed: bool = False) -> Ready:
    """The nodes of a code. Ops in `folded` are part of the step before them; `relevance` tells what may be forgotten.

    `timed`: whether the clock's order is kept, so that sleeping and working last, and a deadline has passed or not.
    """
    slots = _slots(code)
    compiler = Compiler(slots, dict(code.locals))
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
    """The nodes, made to keep only what matters."""
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
    """The part of an argument that matters."""
    if level == EVERYTHING:
        return evaluate
    return lambda R, E: abstracted(evaluate(R, E), level)  # noqa: N803


def _slots(code: Code) -> dict[str, int]:
    names = [*code.parameters, *(register for register, _ in code.locals)]
    names += [i.into for i in code.instructions if i.into is not None]
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


def _asks_the_clock(i: Instruction) -> bool:
    """A branch on whether a deadline has passed: where time is free, either way."""
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
    """The value of an expression; a fault of the scenario where there is none."""
    try:
        return evaluate(registers, environment)
    except Fault as fault:
        raise Failing(fault) from None
    except FROM_EXPRESSIONS as error:
        raise Failing(fault_of(error)) from None
