"""A path through packed states as the choices along it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scenrun.model.machine import Transition
from scenrun.search.space.packed import Packed


def choices_along(
    packed: Packed, states: Sequence[int], canonical: Callable[[int], int] | None = None
) -> tuple[list[Transition], int]:
    """The choices that lead through these states, one after another, and the last state.

    With `canonical`, the states stand for others that are like them, and so does the last one.
    """
    out: list[Transition] = []
    now = packed.initial
    for wanted in states[1:]:
        choice, now = next(
            (choice, after)
            for choice, after in packed.following(now)
            if after == wanted or (canonical is not None and canonical(after) == wanted)
        )
        out.append(choice)
    return out, now
