"""A named region of the program. Its value: how many threads are in it."""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.kinds import Done, Kind, Operation, Outcome, Phase, Scene, Values


def enter(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One thread more."""
    return Done((values[0] + 1,))


def leave(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One thread less."""
    return Done((values[0] - 1,))


def in_words(value: Any, scene: Scene) -> str:
    """The number of threads in it."""
    return f"{value} inside"


SECTION = Kind(
    "section",
    (
        Operation("enter", done="section.entered", phases=(Phase(enter),), cost="section"),
        Operation("leave", done="section.left", phases=(Phase(leave),), cost="section"),
    ),
    attributes=("inside",),
    initial=lambda options: 0,
    answers={"inside": lambda value: value},
    in_words=in_words,
)
