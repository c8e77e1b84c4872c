"""A semaphore: a number of permits, with a bound or without. Its value: (permits, bound or None)."""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import BOOLEAN, NUMBER
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Values

MAX_RELEASE = 1_000_000
ONE_OR_MORE = "`n` of a release is one or more"
TOO_MANY = f"`n` of a release is at most {MAX_RELEASE:,}"
PAST_BOUND = "`{object}` was released more often than acquired"


def acquire(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take a permit, if there is one; who would not wait gets False."""
    ((permits, bound),) = values
    timeout, blocking = arguments
    if permits > 0:
        return Done(((permits - 1, bound),), True)
    return Done(values, False) if not blocking or timeout == 0 else None


def give_up(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up."""
    return Done(values, False)


def release(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Give permits back; a bounded semaphore refuses more than it began with."""
    ((permits, bound),) = values
    (n,) = arguments
    if not isinstance(n, int) or n < 1:
        return Failed(values, "ValueError", ONE_OR_MORE)
    if n > MAX_RELEASE:
        return Failed(values, "OverflowError", TOO_MANY)
    if bound is not None and permits + n > bound:
        return Failed(values, "ValueError", PAST_BOUND)
    return Done(((permits + n, bound),))


def in_words(value: Any, scene: Scene) -> str:
    """The permits that are left."""
    left = value[0]
    return f"{left} permit{'s' * (left != 1)} left"


_OPERATIONS = (
    Operation(
        "acquire",
        ("timeout", "blocking"),
        freed_by=("release",),
        about="semaphore.acquiring",
        done="semaphore.acquired",
        phases=(Phase(acquire, give_up),),
        adds={"acquired": BOOLEAN},
        false_if_late=True,
        awaits="a permit of",
        waiting="waits for a permit of {object}",
        in_vain="waits for a permit of {object} that nobody will release",
    ),
    Operation(
        "release",
        ("n",),
        about="semaphore.releasing",
        done="semaphore.released",
        phases=(Phase(release),),
        announces=("n",),
        shows=("n",),
        adds={"held_s": NUMBER},
    ),
)
SEMAPHORE = Kind(
    "semaphore", _OPERATIONS, initial=lambda options: (options["value"], None), in_words=in_words, is_held=True
)
BOUNDED_SEMAPHORE = Kind(
    "bounded_semaphore",
    _OPERATIONS,
    noun="semaphore",
    initial=lambda options: (options["value"], options["value"]),
    in_words=in_words,
    is_held=True,
)
