"""Which histories the threads of a program can have: by DPOR, by every schedule, and by random ones in which each access is a step."""

from __future__ import annotations

import random
from collections.abc import Hashable
from typing import Any

import classes_to_check as classes
from code_compared import Everything

from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.hooking.loader import Loader
from scenrun.own_code.searching.body import Marked
from scenrun.own_code.searching.call_executions import CallExecutions, CallProgram
from scenrun.own_code.searching.modules import Named
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.search.properties.linearizability import History

OPERATIONS: dict[Any, tuple[Operation, ...]] = {
    classes.Counter: (Operation("add"), Operation("value"), Operation("count", is_property=True)),
    classes.LockedCounter: (Operation("add"), Operation("value")),
    classes.HalfLockedCounter: (Operation("add"), Operation("value")),
    classes.Registry: (Operation.of("number_of", ["a"]), Operation.of("number_of", ["b"]), Operation("names")),
    classes.Lazy: (Operation("get"),),
    classes.TwiceLookedLazy: (Operation("get"),),
    classes.Pool: (Operation("take"), Operation("left")),
    classes.Tokens: (Operation("take"), Operation("give")),
    classes.SharedLock: (Operation("begin_reading"), Operation("begin_writing")),
    classes.TwoLocks: (Operation("one"), Operation("other")),
    classes.Statistics: (Operation.of("add", [1]), Operation("mean")),
}
"""What is called on each class."""
MOST_SCHEDULES = 1_500


class TooLarge(Exception):
    """A program has too many schedules to walk all of them."""


def program_of(chance: random.Random) -> tuple[Any, CallProgram]:
    """A class, and a few calls of it by two threads."""
    cls = chance.choice(sorted(OPERATIONS, key=lambda one: one.__name__))
    counts = chance.choice(((1, 1), (1, 1), (2, 1)))
    threads = tuple([tuple(chance.choices(OPERATIONS[cls], k=count)) for count in counts])
    setup = tuple(chance.choices(OPERATIONS[cls], k=chance.randint(0, 1)))
    finals = tuple(chance.choices(OPERATIONS[cls], k=chance.randint(0, 1)))
    if cls is classes.TwoLocks:
        setup = finals = ()
    return cls, CallProgram(threads, setup, finals)


def explains_more(one: Any, other: Any) -> bool:
    """Whether whatever explains the first of two shapes explains the other: they differ in what had returned before, at most."""
    (calls, *rest), (others, *other_rest) = one, other
    return (
        rest == other_rest
        and [call[:-1] for call in calls] == [call[:-1] for call in others]
        and all(not theirs[-1] & ~mine[-1] for mine, theirs in zip(calls, others, strict=True))
    )


def histories(
    cls: Any, program: CallProgram, strategy: str, draws: int | None = None, *, each_access: bool = False
) -> set[Hashable]:
    """The shapes of all histories; with `draws`, of so many schedules. Raises TooLarge.

    each_access: whether each access is a step, and not only those that race; it is where schedules are drawn.
    """
    named = Named("classes_to_check", cls.__name__)
    executions = CallExecutions(Loader(["classes_to_check"]), lambda world: named.found_in(world)(), program)
    found: set[Hashable] = set()

    def note(history: History) -> tuple[Any, ...]:
        found.add(history.shape)
        return ()

    executions.judge = note
    executions.on_marks = Marked
    if draws is not None or each_access:
        executions.marks, executions.is_settled = Everything(), True
    walk = Walk(executions, WalkOptions(strategy, 0, draws or MOST_SCHEDULES, None, 3, None, 500, first=False))
    try:
        _, ended_by = walk.run()
    finally:
        executions.close()
    if draws is None and (ended_by is not None or walk.cut_off):
        raise TooLarge
    return found
