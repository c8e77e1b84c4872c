"""The clock that a program reads with `now()`. Its value: the nanoseconds since the beginning, as far as is known.

Where time is virtual it is the moment itself. Where time is free it is the last reading, as any moment may follow.
"""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.kinds import Kind, Scene

READ = "clock.now"
"""The instruction that reads it."""


def seconds(nanoseconds: int) -> float:
    """A moment as `now()` gives it."""
    return nanoseconds / 1e9


def in_words(value: Any, scene: Scene) -> str:
    """The moment."""
    return f"{seconds(value):g} s after the beginning"


CLOCK = Kind(
    "clock",
    (),
    questions=("now",),
    initial=lambda options: 0,
    answers={"now": seconds},
    in_words=in_words,
)
