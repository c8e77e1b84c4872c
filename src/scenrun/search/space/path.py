"""Recovers the transitions along a path of states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scenrun.model.machine import Transition
from scenrun.search.space.state_space import StateSpace


def transitions_along(
    space: StateSpace, states: Sequence[int], canonical: Callable[[int], int] | None = None
) -> tuple[list[Transition], int]:
    """The transitions that lead through these states, one after another from the initial state, and the last state reached.

    With `canonical`, the states are representatives; the path visits states symmetric to them, and ends in one.
    """
    out: list[Transition] = []
    now = space.initial
    for wanted in states[1:]:
        transition, now = next(
            (transition, after)
            for transition, after in space.following(now)
            if after == wanted or (canonical is not None and canonical(after) == wanted)
        )
        out.append(transition)
    return out, now
