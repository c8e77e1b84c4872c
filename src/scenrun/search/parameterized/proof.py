"""The attempt to prove that nothing is violated with any number of replicas, by views of one, two and three of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from scenrun.model.machine import FREE, Machine
from scenrun.model.own_instructions import NonTerminatingStep
from scenrun.program.ir import Program
from scenrun.program.loaded import Loaded
from scenrun.search.parameterized.configuration import Configurations, TooMany, Violation
from scenrun.search.parameterized.view_abstraction import Views
from scenrun.search.reduction.interchangeable import Interchangeable, interchangeable

SIZES = (1, 2, 3)
"""The numbers of free replicas in a view, one attempt each."""
MOST_VIEWS = 300_000
_HOLDING = 6
"""The most replicas that hold an rlock at the same time, for each group."""
_MAKING = ("spawned.spawn", "spawned.spawn_later", "pool.submit", "task.start")


class Attempt(Struct, frozen=True):
    """What came of the attempt."""

    size: int | None = None
    """The size of the views that prove it; None without a proof."""
    views: int = 0
    why: str = ""
    """Why it is not proved, in words."""


class _GivenUp(Exception):
    """An attempt has reached a limit; says which."""


def attempt(loaded: Loaded, seed: int, end: float | None, look: Callable[[Any], str | None]) -> Attempt:
    """Try to prove that no `always` or `assert` fails and no thread ends with an exception, with any number of replicas.

    end: the time of `time.perf_counter` at which it ends; None: none. look: called now and then; a reason that it returns
    ends the attempt.
    """
    names = loaded.program.any_number
    program = loaded.with_counts(dict.fromkeys(names, _with_rlocks(loaded.program))).program
    machine = Machine(program, seed, folded=FREE, forgets=True)
    groups, why = _interchangeable(program, machine, names)
    if why:
        return Attempt(why=why)
    violation: Violation | None = None
    for size in SIZES:
        views = Views(Configurations(machine, groups, size), size, _alarm(end, look))
        try:
            violation = views.find_violation()
        except (TooMany, _GivenUp, NonTerminatingStep) as ended:
            return Attempt(views=views.count, why=_ended(ended, violation))
        if violation is None:
            return Attempt(size, views.count)
    return Attempt(why=_spurious(violation, SIZES[-1]))


def _with_rlocks(program: Program) -> int:
    """The replicas that a base needs: those that can hold an rlock, one that steps, and one that stands for all others."""
    rlocks = sum(cell.count or 1 for cell in program.cells if cell.kind == "rlock")
    return min(rlocks, _HOLDING) + 2


def _interchangeable(program: Program, machine: Machine, names: Sequence[str]) -> tuple[list[Interchangeable], str]:
    """The groups of these names; or why a proof cannot be tried, in words."""
    found = {group.group.name: group for group in interchangeable(machine)}
    for name in names:
        if name not in found:
            return [], (
                f"replicas of {name} are not alike: they look at their `index` or `name`, draw at random, or are started, "
                "joined or asked about one by one"
            )
    if any(i.op in _MAKING for code in program.codes for i in code.instructions):
        return [], "threads or tasks are made at run time"
    if "calls" in machine.slots.kinds:
        return [], "`linearizable` asks which replica called what, and replicas beyond the views have no names"
    return [found[name] for name in names], ""


def _alarm(end: float | None, look: Callable[[Any], str | None]) -> Callable[[int], None]:
    def alarm(views: int) -> None:
        if views > MOST_VIEWS:
            raise _GivenUp(f"there are more than {MOST_VIEWS:,} views; values that grow with the number have no end")
        if end is not None and time.perf_counter() > end:
            raise _GivenUp("the time for the proof was up")
        if (reason := look(None)) is not None:
            raise _GivenUp(reason)

    return alarm


def _ended(ended: Exception, violation: Violation | None) -> str:
    before = "" if violation is None else f"; {_spurious(violation)}"
    return f"{ended}{before}"


def _spurious(violation: Violation | None, size: int | None = None) -> str:
    """A violation that views show, and that may not be possible."""
    assert violation is not None
    where = "" if violation.line is None else f" at line {violation.line}"
    views = "smaller views" if size is None else f"views of {size} replicas"
    return f"{views} do not rule out {violation.what}{where}"
