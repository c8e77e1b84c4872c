"""A reentrant lock: its owner may acquire it again, and only its owner may release it. Its value: (owner, depth)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from scenrun.program.primitives import lock
from scenrun.program.primitives.kinds import Done, Failed, Kind, Outcome, Phase, Scene, ThreadNumbers, Values

FREE = (None, 0)
NOT_OWNED = "release of `{object}`, which this thread does not own"


def acquire(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take it if it is free, or once more if it is ours."""
    ((owner, depth),) = values
    timeout, blocking = arguments
    if owner is None or owner == me:
        return Done(((me, depth + 1),), True)
    return Done(values, False) if not blocking or timeout == 0 else None


def release(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Give it back once; the last time, it is free."""
    ((owner, depth),) = values
    if owner != me:
        return Failed(values, "RuntimeError", NOT_OWNED)
    return Done((FREE if depth == 1 else (me, depth - 1),))


def in_words(value: Any, scene: Scene) -> str:
    """The thread that holds it, and how often."""
    owner, depth = value
    if owner is None:
        return "free"
    return f"held by {scene.names([owner])}" + (f", {depth} times" if depth > 1 else "")


RLOCK = Kind(
    "rlock",
    (
        replace(lock.ACQUIRE, phases=(Phase(acquire, lock.give_up),)),
        replace(lock.RELEASE, phases=(Phase(release),)),
    ),
    noun="lock",
    initial=lambda options: FREE,
    in_words=in_words,
    is_held=True,
    numbers=ThreadNumbers(
        lambda value: () if value[0] is None else (value[0],),
        lambda value, owner: (owner[0], value[1]) if owner else value,
    ),
)
