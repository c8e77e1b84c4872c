"""Calls of objects of Python's own modules that are known: loggers, whose locks are their own, and drawers of random numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from scenrun.own_code.hooking.accounting import note
from scenrun.own_code.hooking.hooks import all_of, announce, touched
from scenrun.own_code.running import control, notes
from scenrun.own_code.running.steps import Part

WRITING_A_LOG = frozenset((
    "debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "isEnabledFor", "getEffectiveLevel",
    "hasHandlers", "getChild",
))  # fmt: skip
"""Methods of loggers on which nothing depends that a program sees, but for handlers and filters of its own."""
LOGGING = frozenset((*WRITING_A_LOG, "getLogger"))
"""The functions of `logging` that are like these methods, and the one that gives a logger."""
CHANGING = frozenset(("shuffle",))
"""Methods of `random.Random` that change what they are given."""


def is_drawer(value: Any) -> bool:
    """Whether a value draws random numbers that can be drawn again."""
    return type(value) is random.Random


def of_logger(called: Any, name: str, site: int) -> Callable[..., Any]:
    """A method of a logger: it looks at what it is given, and its locks are no steps."""
    if name not in LOGGING:
        note(f"{name}() of a logger", site)

    def call(*arguments: Any, **named: Any) -> Any:
        announce([part for one in (*arguments, *named.values()) for part in all_of(one, site)], site)
        with notes.quietly("a handler, filter or text of your own that `logging` asks"):
            return called(*arguments, **named)

    return call


def of_drawer(called: Any, name: str, site: int) -> Callable[..., Any]:
    """A method that draws: it changes the state of what draws, so the order of draws is an order of steps."""
    owner = called.__self__

    def call(*arguments: Any, **named: Any) -> Any:
        if name == "seed" and not arguments:
            note("random.seed() without a seed", site)
        given: list[Part] = [
            part for one in (*arguments, *named.values()) for part in touched(one, name in CHANGING, site)
        ]
        announce([(owner, "[]", True), *given], site)
        notes.note_draw()
        return called(*arguments, **named)

    return call


def seeded() -> Callable[..., random.Random]:
    """What stands for `random.Random`: without a seed, it takes one that is the same in each execution."""

    def make(*arguments: Any) -> random.Random:
        notes.note_draw()
        if (not arguments or arguments[0] is None) and control.current is not None:
            return random.Random(control.current.another())
        return random.Random(*arguments)

    return make


class Draws:
    """Seeds the functions of `random` while an execution lasts."""

    def __init__(self, seed: int) -> None:
        self._before = random.getstate()
        random.seed(seed)

    def end(self) -> None:
        """Give them the state back that they had."""
        random.setstate(self._before)
