"""A condition: threads wait in line, without its lock, until another notifies them. Its value: the line, as thread numbers.

A wait has four actions, as in CPython: park (join the line, give the lock up), be woken or time out, take the lock again,
and, if it timed out, leave the line. A notify that comes in between is spent on the thread that had timed out.
"""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import ANY
from scenrun.program.primitives.kinds import (
    Done,
    Failed,
    Kind,
    Operation,
    Outcome,
    Phase,
    Scene,
    Then,
    ThreadNumbers,
    Values,
)
from scenrun.program.primitives.rlock import FREE

NOT_HELD = "`{operation}` on `{object}` without holding its lock"


def is_owned(lock: Any, me: int) -> bool:
    """Over a plain lock, a condition can tell only whether anybody holds it."""
    return lock if isinstance(lock, bool) else bool(lock[0] == me)


def _not_held(values: Values, operation: str) -> Failed:
    return Failed(values, "RuntimeError", NOT_HELD.replace("{operation}", operation))


def park(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Join the line and give the lock up, however often it is held."""
    line, lock = values
    if not is_owned(lock, me):
        return _not_held(values, "wait")
    is_plain = isinstance(lock, bool)
    return Then(((*line, me), False if is_plain else FREE), 1 if is_plain else lock[1])


def wake(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once a notify has taken this thread out of the line."""
    line, _ = values
    return Then(values, (memo, True)) if me not in line else None


def time_out(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on without having been notified, but still in the line."""
    return Then(values, (memo, False))


def take_again(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take the lock as often as before, once it is free."""
    line, lock = values
    depth, woken = memo
    if isinstance(lock, bool):
        if lock:
            return None
        after: Any = True
    else:
        if lock[0] is not None:
            return None
        after = (me, depth)
    return Done((line, after), True) if woken else Then((line, after))


def leave(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Leave the line, unless a notify was quicker."""
    line, lock = values
    return Done((tuple(waiting for waiting in line if waiting != me), lock), False)


def notify(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take the first ones out of the line."""
    line, lock = values
    (n,) = arguments
    if not isinstance(n, int):
        return Failed(values, "TypeError", "`n` of a notify is a whole number")
    if not is_owned(lock, me):
        return _not_held(values, "notify")
    return Done((line[max(0, n) :], lock))


def notify_all(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take every thread out of the line."""
    _, lock = values
    return Done(((), lock)) if is_owned(lock, me) else _not_held(values, "notify_all")


def in_words(value: Any, scene: Scene) -> str:
    """The threads that wait, in order."""
    return f"{scene.names(value)} in line" if value else "nobody in line"


CONDITION = Kind(
    "condition",
    (
        Operation(
            "wait",
            ("timeout",),
            freed_by=("notify", "notify_all"),
            about="condition.waiting",
            done="condition.woken",
            phases=(
                Phase(park, name="parks"),
                Phase(wake, time_out, together=True, name="woken"),
                Phase(take_again, waits_at=(1,), name="has the lock"),
                Phase(leave, name="not in time"),
            ),
            adds={"value": ANY},
            false_if_late=True,
            waiting="waits to be notified on {object}",
            in_vain="waits for {object}, which nobody will notify",
        ),
        Operation(
            "notify",
            ("n",),
            about="condition.notifying",
            done="condition.notified",
            phases=(Phase(notify),),
            announces=("n",),
            shows=("n",),
        ),
        Operation(
            "notify_all", about="condition.notifying_all", done="condition.notified_all", phases=(Phase(notify_all),)
        ),
    ),
    initial=lambda options: (),
    beside="lock",
    in_words=in_words,
    numbers=ThreadNumbers(lambda line: line, lambda line, numbers: numbers, in_order=True),
)
