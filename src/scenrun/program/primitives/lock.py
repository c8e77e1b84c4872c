"""A lock: held or free, and of no thread: any thread may release it. Its value is whether it is held."""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import BOOLEAN, NUMBER
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Values

NOT_LOCKED = "release of `{object}`, which is not locked"


def acquire(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take it, if it is free; who would not wait gets False."""
    (held,) = values
    timeout, blocking = arguments
    if not held:
        return Done((True,), True)
    return Done(values, False) if not blocking or timeout == 0 else None


def give_up(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up."""
    return Done(values, False)


def release(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Give it back, whichever thread took it."""
    (held,) = values
    return Done((False,)) if held else Failed(values, "RuntimeError", NOT_LOCKED)


def in_words(value: Any, scene: Scene) -> str:
    """The thread that holds it."""
    return f"held by {scene.holders()}" if value else "free"


ACQUIRE = Operation(
    "acquire",
    ("timeout", "blocking"),
    freed_by=("release",),
    about="lock.acquiring",
    done="lock.acquired",
    phases=(Phase(acquire, give_up),),
    adds={"acquired": BOOLEAN},
    false_if_late=True,
    waiting="waits for {object}",
    in_vain="waits for {object}, which nobody will release",
)
RELEASE = Operation(
    "release", about="lock.releasing", done="lock.released", phases=(Phase(release),), adds={"held_s": NUMBER}
)
LOCK = Kind(
    "lock",
    (ACQUIRE, RELEASE),
    questions=("locked",),
    initial=lambda options: options.get("initially") == "locked",
    answers={"locked": bool},
    in_words=in_words,
    is_held=True,
)
