"""What code that is searched for a Python with the GIL calls where that may change threads (see `switch_points`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, MethodType
from typing import Any

from scenrun.own_code.running import control, notes


def jump() -> None:
    """At the entry of a function, or at a backward jump."""
    notes.note_switch_point()


def resumed(value: Any) -> Any:
    """A generator that goes on."""
    notes.note_switch_point()
    return value


def entered(turns: Iterable[Any]) -> Iterator[Any]:
    """The first iterator of a comprehension that is a function of its own."""
    notes.note_switch_point()
    yield from turns


def about(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """What is about to be called; number: of the place in the source."""
    found = control.here()
    if found is not None:
        found[1].calls[id(sys._getframe(1)), number] = _is_in_python(function)
    return function


def returned(value: Any, number: int) -> Any:
    """What a call gave; after a call of C, threads may be changed. A function in Python notes its own entry."""
    found = control.here()
    if found is not None and not found[1].calls.pop((id(sys._getframe(1)), number), True):
        found[1].may_switch = True
    return value


def _is_in_python(function: Any) -> bool:
    if type(function) is MethodType:
        function = function.__func__
    return type(function) is FunctionType and not str(function.__module__).startswith("scenrun.own_code.")


def begin(number: int) -> None:
    """A `while` loop is about to begin."""
    found = control.here()
    if found is not None:
        found[1].first_turns.add((id(sys._getframe(1)), number))


def again(number: int) -> None:
    """The condition of a `while` loop was true: but for the first time, there was a jump back after it."""
    found = control.here()
    if found is None:
        return
    place = id(sys._getframe(1)), number
    if place in found[1].first_turns:
        found[1].first_turns.discard(place)
    else:
        found[1].may_switch = True


def goes_on(number: int) -> None:
    """`continue` in a `while` loop: there is a jump back before the condition."""
    found = control.here()
    if found is not None:
        found[1].may_switch = True
        found[1].first_turns.add((id(sys._getframe(1)), number))
