"""Rounds: ways inside a set of states from one of them back to itself, through all that they are to go through."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from scenrun.model.machine import Transition
from scenrun.search.space.state_space import StateSpace

Wanted = Callable[[int, Transition | None], bool]
"""Whether a state, with the transition that led to it, is what a way is to come to; None before the first transition."""


def round_of(space: StateSpace, first: int, inside: Container[int], wanted: Sequence[Wanted]) -> list[Transition]:
    """A cycle inside a strongly connected set of states, from a state back to itself, that comes to each of these."""
    out: list[Transition] = []
    state = first
    seen: list[tuple[int, Transition | None]] = [(first, None)]
    for one in wanted:
        if not any(one(*pair) for pair in seen):
            ways, state = _way(space, state, inside, one)
            out += [transition for transition, _ in ways]
            seen += [(after, transition) for transition, after in ways]
    back, _ = _way(space, state, inside, lambda now, _: now == first)
    out += [transition for transition, _ in back]
    return out or _shortest(space, first, inside)


def moved(number: int) -> Wanted:
    """A step of this thread."""
    return lambda state, transition: transition is not None and transition.thread == number


def _shortest(space: StateSpace, first: int, inside: Container[int]) -> list[Transition]:
    """The shortest cycle through a state."""
    for transition, after in space.following(first):
        if after in inside:
            return [transition, *(one for one, _ in _way(space, after, inside, lambda now, _: now == first)[0])]
    return []


def _way(
    space: StateSpace, state: int, inside: Container[int], wanted: Wanted
) -> tuple[list[tuple[Transition, int]], int]:
    """The shortest path inside a set of states to what is wanted, each transition with the state after it, and the last state."""
    if wanted(state, None):
        return [], state
    before: dict[int, tuple[int, Transition]] = {}
    waiting = [state]
    for now in waiting:
        for transition, after in space.following(now):
            if after not in inside:
                continue
            if wanted(after, transition):
                return [*_back(before, state, now), (transition, after)], after
            if after not in before and after != state:
                before[after] = now, transition
                waiting.append(after)
    return [], state


def _back(before: dict[int, tuple[int, Transition]], first: int, last: int) -> list[tuple[Transition, int]]:
    out = []
    while last != first:
        now, transition = before[last]
        out.append((transition, last))
        last = now
    return out[::-1]
