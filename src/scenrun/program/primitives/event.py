"""An event: a flag; setting it wakes every thread that waits, even if it is cleared at once. Its value: (flag, who is parked)."""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import ANY
from scenrun.program.primitives.kinds import Done, Kind, Operation, Outcome, Phase, Scene, Then, ThreadNumbers, Values


def look(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """If it is set, go on; otherwise park. In what order they are parked has no meaning, so they are sorted."""
    ((flag, parked),) = values
    return Done(values, True) if flag else Then(((flag, tuple(sorted((*parked, me)))),))


def wake(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once the event was set, whatever became of it since."""
    ((_, parked),) = values
    return Done(values, True) if me not in parked else None


def time_out(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on without it."""
    ((flag, parked),) = values
    return Done(((flag, tuple(waiting for waiting in parked if waiting != me)),), False)


def set_flag(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Set it and wake every thread that waits."""
    return Done(((True, ()),))


def clear(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Clear it; who is parked stays so."""
    ((_, parked),) = values
    return Done(((False, parked),))


def in_words(value: Any, scene: Scene) -> str:
    """The flag."""
    return "set" if value[0] else "clear"


EVENT = Kind(
    "event",
    (
        Operation(
            "wait",
            ("timeout",),
            freed_by=("set",),
            about="event.waiting",
            done="event.waited",
            phases=(Phase(look, name="parks"), Phase(wake, time_out, together=True, name="woken")),
            adds={"value": ANY},
            false_if_late=True,
            waiting="waits for {object} to be set",
            in_vain="waits for {object}, which nobody will set",
        ),
        Operation("set", about="event.setting", done="event.set", phases=(Phase(set_flag),), cost="set_event"),
        Operation("clear", about="event.clearing", done="event.cleared", phases=(Phase(clear),), cost="clear_event"),
    ),
    questions=("is_set",),
    initial=lambda options: (options.get("initially") == "set", ()),
    answers={"is_set": lambda value: value[0]},
    in_words=in_words,
    numbers=ThreadNumbers(lambda value: value[1], lambda value, parked: (value[0], tuple(sorted(parked)))),
)
