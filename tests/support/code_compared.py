"""The outcomes of random code by the search that `explore_code` makes, and by references that know nothing of marks or hooks."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from code_at_random import Author
from opcode_schedules import OpcodeSchedule

from scenrun.own_code.hooking.loader import Loader, World
from scenrun.own_code.searching.body import Body, Different, Marked
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.search.strategies.dpor import Dpor
from scenrun.search.strategies.exhaustive import Progress
from scenrun.search.strategies.schedule_queue import Limits

MOST_STEPS = 400
Outcome = tuple[Any, ...]
"""The kinds of the findings, each with the thread, and what is left as a text."""


class TooLarge(Exception):
    """A program has too many schedules to compare."""


class Everything(set[Any]):
    """The marks of a search in which each access is a step."""

    def __contains__(self, one: object) -> bool:
        return True


class Outcomes(CodeExecutions):
    """Executions of a random module that note what they end with."""

    def __init__(self, name: str, *, is_marked: bool = False) -> None:
        def build(world: World) -> Body:
            module = world.load(name)
            self.module = module
            bodies = [(f"thread_{at}", getattr(module, f"thread_{at}")) for at in range(module.THREADS)]
            return Body(module.setup, bodies)

        super().__init__(Loader([name]), build)
        self.module: Any = None
        self.found: set[Outcome] = set()
        if is_marked:
            self.marks, self.is_settled = Everything(), True
        else:
            self.on_marks = Marked

    def end(self, state: int) -> Any:
        found = super().end(state)
        assert self._present is not None
        faults = tuple(
            sorted((one.name, type(one.fault).__name__) for one in self.at(state).threads if one.fault is not None)
        )
        kinds = tuple(sorted(one.kind for one in found.findings))
        self.found.add((kinds, faults, _final(self.module, self._present.shared)))
        return found


def _final(module: Any, shared: Any) -> str:
    try:
        return str(module.final(shared))
    except Exception as error:  # what cannot be told of is told by its kind
        return type(error).__name__


class Compared(NamedTuple):
    """What came of one program."""

    outcomes: set[Outcome]
    missed: set[Outcome]
    """What a reference found beside."""
    unaccounted: tuple[str, ...]


@contextmanager
def written(folder: Path, seed: int, *, locks: bool) -> Iterator[str]:
    """A random module that can be imported, by its name."""
    name = f"code_at_random_{seed}_{int(locks)}"
    (folder / f"{name}.py").write_text(Author(seed, locks=locks).source())
    sys.path.insert(0, str(folder))
    try:
        yield name
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)


def searched(name: str, most: int) -> Outcomes:
    """All that DPOR finds with steps at races only; raises TooLarge above a number of schedules."""
    executions = Outcomes(name)
    began = time.perf_counter()
    while True:
        executions.found.clear()
        progress = Progress(Dpor(executions, MOST_STEPS), Limits(most, None, MOST_STEPS, lambda tally: None), began)
        try:
            ended_by = progress.run()
            if ended_by is not None:
                raise TooLarge
            if not executions.mark():
                return executions
        except Marked:
            continue
        finally:
            executions.close()


def drawn(name: str, count: int, seed: int) -> set[Outcome]:
    """What random schedules end with in which each access is a step, and loops go round; those that do not end are left."""
    executions, draw = Outcomes(name, is_marked=True), random.Random(seed)
    executions.loader.has_finalizers = True  # idle turns are made like all others
    try:
        for _ in range(count):
            state, steps = executions.begin(), 0
            while (afters := executions.successors(state)) and steps < MOST_STEPS:
                state, steps = draw.choice(afters), steps + 1
            if not afters:
                executions.end(state)
    finally:
        executions.close()
    return executions.found


def by_opcodes(name: str, count: int, seed: int) -> set[Outcome]:
    """What runs of the plain module end with, with switches between bytecodes."""
    module, found = import_module(name), set()
    for at in range(count):
        shared = module.setup()
        one = OpcodeSchedule(str(module.__file__), seed * 1_000 + at, (0.5, 0.1, 0.03)[at % 3])
        faults = one.run([_bound(getattr(module, f"thread_{number}"), shared) for number in range(module.THREADS)])
        named = tuple(sorted((f"thread_{number}", fault) for number, fault in faults.items()))
        found.add((("exception",) * len(named), named, _final(module, shared)))
    return found


def _bound(function: Any, shared: Any) -> Any:
    return lambda: function(shared)


def compared(folder: Path, seed: int, *, locks: bool, most: int = 1_500, draws: int = 60) -> Compared:
    """The outcomes of a random program, and what the references found beside; raises TooLarge, or Different."""
    with written(folder, seed, locks=locks) as name:
        executions = searched(name, most)
        others = drawn(name, draws, seed)
        if not locks:
            others |= by_opcodes(name, draws, seed)
        return Compared(executions.found, others - executions.found, tuple(executions.unaccounted))


__all__ = ["Compared", "Different", "TooLarge", "by_opcodes", "compared", "drawn", "searched", "written"]
