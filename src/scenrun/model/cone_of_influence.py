"""Cone of influence: the values that can affect behaviour or expectations. States that differ only in others are merged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from scenrun.program.ir import Code, Instruction, Program
from scenrun.program.primitives.registry import KINDS, operation

NOTHING, NULLNESS, EVERYTHING = 0, 1, 2
"""How much of a value matters: nothing, whether it is null, or all of it. The order is that of the lattice."""
Fact = tuple[Any, ...]
"""A place that values flow through: ("local", code, register), ("cell", number), ("result",), ("draws", code),
("own", code) for a thread's own index and name."""


class _Erased:
    """Stands for a value of which at most matters that it is not null."""

    def __repr__(self) -> str:
        return "…"


ERASED = _Erased()


def abstracted(value: Any, level: int) -> Any:
    """The part of a value that matters at a level."""
    if level == EVERYTHING or (value is None and level == NULLNESS):
        return value
    return ERASED


class ConeOfInfluence:
    """How much of every value of a program matters, as the least fixed point of the demands of its instructions.

    The demands start at the expectations and at everything that can block, fail or branch, and propagate backwards along
    the flow of values. timed: whether durations matter, as they do in virtual time.
    """

    def __init__(self, program: Program, timed: bool = False) -> None:
        self.program = program
        self.timed = timed
        self._levels: dict[Fact, int] = {}
        expect = program.expectations
        live = [part for one in expect.liveness for part in one.parts]
        for observation in (*expect.always, *expect.final, *expect.observe, *expect.reach, *live):
            for probe in observation.probes:
                if probe.op == "variable.read":
                    self._levels[("cell", probe.target.cell)] = EVERYTHING
        for cell in program.cells:
            if cell.options.get("kind") == "priority":
                self._levels[("cell", cell.number)] = EVERYTHING
        while self._raise_levels():
            pass

    def of(self, *fact: Any) -> int:
        """How much of the values at a place matters; the place is given as the parts of a `Fact`."""
        return self._levels.get(fact, NOTHING)

    def draws_matter(self, code: int, i: Instruction) -> bool:
        """Whether the values that an instruction draws, and so the number of draws before it, can affect behaviour."""
        return any(fact == ("draws", code) and level for fact, level in self._demands(self.program.codes[code], i))

    def counts_tasks(self, cell: int) -> bool:
        """Whether any instruction may depend on a queue's number of unfinished items: all but a put and a get."""
        return any(
            i.target is not None
            and i.target.cell == cell
            and known is not None
            and not known.stores
            and not known.fetches
            for code in self.program.codes
            for i in code.instructions
            for known in [operation(i.op)]
        )

    def argument(self, code: int, i: Instruction, at: int) -> int:
        """How much of an instruction's argument number `at` matters."""
        return self._of_argument(i, at, i.arguments[at])

    def is_handed_on(self, i: Instruction, at: int) -> bool:
        """Whether an argument becomes part of the state, so that its irrelevant part must be erased."""
        return _is_stored(i, at) or i.op == "end" or (not self.timed and _is_drawn(i.arguments[at]))

    def _raise_levels(self) -> bool:
        changed = False
        for code in self.program.codes:
            for i in code.instructions:
                for fact, level in self._demands(code, i):
                    if level > self._levels.get(fact, NOTHING):
                        self._levels[fact] = level
                        changed = True
        return changed

    def _demands(self, code: Code, i: Instruction) -> Iterator[tuple[Fact, int]]:
        """How much an instruction needs of each place that it takes values from."""
        for index in (i.target, i.lock):
            if index is not None and index.index is not None:
                yield from self._uses(code, index.index, EVERYTHING)
        for at, text in enumerate(i.arguments):
            if i.op == "let" or (i.op == "deadline" and not self.timed):
                yield from self._uses(code, text, self.of("local", code.number, i.into) if i.op == "let" else NOTHING)
            elif i.code is not None and isinstance(_parsed(text), ast.List | ast.Tuple):
                yield from self._handed_over(code, i.code, _parsed(text))
            else:
                yield from self._uses(code, text, self._of_argument(i, at, text))
        if i.target is not None:
            yield from self._of_stored(code, i, i.target.cell)
        if i.op == "future.result" and i.into is not None:
            yield ("result",), self.of("local", code.number, i.into)

    def _of_stored(self, code: Code, i: Instruction, cell: int) -> Iterator[tuple[Fact, int]]:
        """How much an operation needs of the values that its object stores."""
        known = operation(i.op)
        if known is None or known.stores or known.only_counts:
            return
        if not known.fetches:
            yield ("cell", cell), EVERYTHING if KINDS[i.op.partition(".")[0]].stores else NOTHING
        elif i.into is not None:
            yield ("cell", cell), self.of("local", code.number, i.into)

    def _of_argument(self, i: Instruction, at: int, text: str) -> int:
        """How much of an argument's value an instruction needs."""
        if i.op == "log":
            return NOTHING
        if i.op in ("sleep", "work", "deadline"):
            return EVERYTHING if self.timed else NOTHING
        if i.op == "branch" and "__remaining(" in text:
            return EVERYTHING if self.timed else NOTHING
        if i.target is not None and _is_stored(i, at):
            return self.of("cell", i.target.cell)
        if i.op == "end":
            return self.of("result")
        if not self.timed and _is_drawn(text):
            return NULLNESS
        return EVERYTHING

    def _handed_over(self, code: Code, to: int, given: Any) -> Iterator[tuple[Fact, int]]:
        """The demands of a thread's parameters on the arguments that it is started with."""
        parameters = self.program.codes[to].parameters
        for parameter, element in zip(parameters, given.elts, strict=True):
            yield from self._used(code.number, element, self.of("local", to, parameter))

    def _uses(self, code: Code, text: str, demand: int) -> Iterator[tuple[Fact, int]]:
        return self._used(code.number, _parsed(text), demand)

    def _used(self, code: int, node: ast.AST, demand: int) -> Iterator[tuple[Fact, int]]:
        """The demands of an expression whose value matters so much; a part that may fail or decides matters as a whole."""
        match node:
            case ast.Name(id="index" | "name"):
                yield ("own", code), demand
            case ast.Name(id=name):
                yield ("local", code, name), demand
            case ast.Constant():
                return
            case ast.IfExp(test=test, body=body, orelse=orelse):
                yield from self._used(code, test, EVERYTHING)
                yield from self._used(code, body, demand)
                yield from self._used(code, orelse, demand)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
                yield from self._used(code, left, min(demand, NULLNESS))
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                for element in elements:
                    yield from self._used(code, element, EVERYTHING if demand == EVERYTHING else NOTHING)
            case ast.Dict(keys=keys, values=values) if demand < EVERYTHING and all(
                isinstance(k, ast.Constant) for k in keys
            ):
                for value in values:
                    yield from self._used(code, value, NOTHING)
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=ast.Tuple(elts=elements)) if (
                _NEVER_FAILS.fullmatch(text) and text.replace("%%", "").count("%s") == len(elements)
            ):
                for element in elements:
                    yield from self._used(code, element, demand if demand == EVERYTHING else NOTHING)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="random")), args=arguments):
                if demand == EVERYTHING:
                    yield ("draws", code), EVERYTHING
                for argument in arguments:
                    yield from self._used(code, argument, EVERYTHING)
            case ast.Call(func=ast.Name(id=_), args=arguments):
                for argument in arguments:
                    yield from self._used(code, argument, EVERYTHING)
            case _:
                for child in ast.iter_child_nodes(node):
                    yield from self._used(code, child, EVERYTHING)


_NEVER_FAILS = re.compile(r"(?:[^%]|%%|%s)*")
"""A format whose every part takes any value."""


def _is_stored(i: Instruction, at: int) -> bool:
    """Whether an argument becomes part of the object's value."""
    known = operation(i.op)
    return known is not None and bool(known.stores) and at == known.parameters.index(known.stores)


def _is_drawn(text: str) -> bool:
    """Whether an argument is a random time-out or the time to a deadline; where time is free, its length is irrelevant."""
    return text.startswith(("random.span(", "__remaining("))


@lru_cache(maxsize=100_000)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
