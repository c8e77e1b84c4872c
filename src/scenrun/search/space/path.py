"""Recovers the transitions along a path of states."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from scenrun.model.machine import Transition
from scenrun.search.space.state_space import StateSpace


class Orbits(Protocol):
    """Which states are the same but for a permutation of threads that are alike."""

    def canonical(self, state: int) -> int:
        """The representative of all states of an orbit."""

    def again(self, state: int) -> Collection[int]:
        """The threads that are like one with a lower number, so that its steps lead to the same orbits as theirs."""


def transitions_along(
    space: StateSpace, states: Sequence[int], orbits: Orbits | None = None
) -> tuple[list[Transition], int]:
    """The transitions that lead through these states, one after another from the initial state, and the last state reached.

    With `orbits`, the states are representatives; the path visits states symmetric to them, and ends in one.
    """
    out: list[Transition] = []
    now = space.initial
    for wanted in states[1:]:
        transition, now = step_to(space, now, wanted, orbits)
        out.append(transition)
    return out, now


def step_to(space: StateSpace, now: int, wanted: int, orbits: Orbits | None) -> tuple[Transition, int]:
    """The first transition to a state, or to one whose representative it is, with the state that it leads to."""
    following = space.following(now)
    found = next((pair for pair in following if pair[1] == wanted), None)
    if found is None and orbits is not None:
        again = orbits.again(now)
        following.sort(
            key=lambda pair: pair[0].thread in again
        )  # one of each orbit first, as the rest leads nowhere else
        found = next((pair for pair in following if orbits.canonical(pair[1]) == wanted), None)
    assert found is not None
    return found
